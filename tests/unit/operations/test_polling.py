"""How many requests a backup costs, and how soon its end is seen; all in virtual time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi_dcs.api.transport import Transport
from pulumi_dcs.operations.polling import Crowd, Pace, next_look

from tests.endpoint import HA

from .simulation import Service, Stack, VirtualClock

LATENCY = 0.02
PROGRESS: dict[str, Callable[[float], float | None]] = {
    "exact": lambda share: 100 * share,
    "whole percents": lambda share: float(int(100 * share)),
    "tens": lambda share: float(int(10 * share) * 10),
    "stands still": lambda share: min(50.0, 100 * share),
    "ever faster": lambda share: 100 * share**2,
    "not told": lambda share: None,
}


def nobody_else() -> Crowd:
    return Crowd(lambda: 0.0)


def seen(length: float, progress: Callable[[float], float | None], usual: float | None) -> tuple[int, float]:
    """How many looks a backup of that length takes, and how long after its end the last one was."""
    pace = Pace(usual, nobody_else())
    now, looks = LATENCY, 1
    while now < length:
        now += LATENCY + pace.next_look(now, progress(now / length))
        looks += 1
    return looks, now - length


@pytest.mark.parametrize("progress", PROGRESS.values(), ids=PROGRESS)
@pytest.mark.parametrize("is_usual", [True, False])
@pytest.mark.parametrize(("length", "most"), [(2.0, 6), (20.0, 20), (600.0, 60)])
def test_whatever_the_progress_looks_are_few_and_the_end_is_seen_soon(
    progress: Callable[[float], float | None], length: float, most: int, *, is_usual: bool
) -> None:
    for share in range(90, 111):
        exact = length * share / 100
        looks, lag = seen(exact, progress, length if is_usual else None)
        assert looks + 2 <= most + (share > 100)
        assert lag <= 0.1 * exact + 1.0


@pytest.mark.parametrize(
    ("progress", "is_usual", "lengths"),
    [
        ("exact", False, (2.0, 5.0, 20.0, 60.0, 600.0, 3000.0)),
        ("whole percents", False, (2.0, 5.0, 20.0, 60.0, 600.0, 3000.0)),
        ("not told", True, (5.0, 20.0, 60.0, 600.0, 3000.0)),
    ],
)
def test_on_average_the_end_is_seen_within_a_twentieth(
    progress: str, lengths: tuple[float, ...], *, is_usual: bool
) -> None:
    for length in lengths:
        exact = [length * share / 1000 for share in range(990, 1011)]
        lags = [seen(each, PROGRESS[progress], length if is_usual else None)[1] / each for each in exact]
        assert sum(lags) / len(lags) <= 0.05


@pytest.mark.parametrize(("duration", "most"), [(0.0, 3), (2.0, 6), (20.0, 20), (600.0, 60)])
def test_what_one_backup_costs_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, duration: float, most: int
) -> None:
    service = Service(VirtualClock())
    monkeypatch.setattr(Transport, "exchange", lambda transport, request: service.exchange(transport, request))  # noqa: PLW0108
    service.world.behaviour.duration = duration
    stack = Stack(service, tmp_path, "dev")
    assert stack.up({"a": {"instance_id": HA}})
    assert len(service.world.requests) <= most
    assert stack.up({"a": {"instance_id": HA, "triggers": {"again": "1"}}})
    # Now the instance's list tells how long it usually takes; the replaced one is deleted.
    assert len(service.world.requests) <= 2 * most + 1


def test_a_crowd_looks_at_once_until_that_was_in_vain() -> None:
    crowd = nobody_else()
    for _ in range(8):
        assert crowd.first_pause() == 0.0
        crowd.note_first(is_running=True)
    assert crowd.first_pause() == next_look(0.0)
    crowd.note_first(is_running=False)
    assert crowd.first_pause() == 0.0


def test_a_crowd_at_a_limited_service_leaves_half_of_it_to_those_who_begin() -> None:
    crowd = Crowd(lambda: 0.02)
    with contextlib.ExitStack() as stack:
        stack.enter_context(crowd.waiting())
        assert Pace(None, crowd).next_look(0.0) == next_look(0.0)
        for _ in range(999):
            stack.enter_context(crowd.waiting())
        assert Pace(None, crowd).next_look(0.0) == pytest.approx(40.0)
        pace = Pace(None, crowd)
        pace.next_look(0.0, 0.0)
        assert pace.next_look(12.0, 60.0) == pytest.approx(8.0, rel=0.02)
    assert crowd.least_pause() == 0.0

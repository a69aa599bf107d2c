"""How many polls a record costs, and how soon its end is seen; all in virtual time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from pulumi_dcs.operations.polling import PollingPool, PollSchedule, next_poll_delay

LATENCY = 0.02
PROGRESS: dict[str, Callable[[float], float | None]] = {
    "exact": lambda share: 100 * share,
    "whole percents": lambda share: float(int(100 * share)),
    "tens": lambda share: float(int(10 * share) * 10),
    "stands still": lambda share: min(50.0, 100 * share),
    "ever faster": lambda share: 100 * share**2,
    "not told": lambda share: None,
}


def alone() -> PollingPool:
    return PollingPool(lambda: 0.0)


def seen(length: float, progress: Callable[[float], float | None], usual: float | None) -> tuple[int, float]:
    """How many polls a record of that length takes, and how long after its end the last one was."""
    schedule = PollSchedule(usual, alone())
    now, polls = LATENCY, 1
    while now < length:
        now += LATENCY + schedule.next_delay(now, progress(now / length))
        polls += 1
    return polls, now - length


@pytest.mark.parametrize("progress", PROGRESS.values(), ids=PROGRESS)
@pytest.mark.parametrize("is_usual", [True, False])
@pytest.mark.parametrize(("length", "max_polls"), [(2.0, 6), (20.0, 20), (600.0, 60)])
def test_whatever_the_progress_polls_are_few_and_the_end_is_seen_soon(
    progress: Callable[[float], float | None], length: float, max_polls: int, *, is_usual: bool
) -> None:
    for share in range(90, 111):
        exact = length * share / 100
        polls, lag = seen(exact, progress, length if is_usual else None)
        assert polls + 2 <= max_polls + (share > 100)
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


def test_first_polls_are_immediate_until_that_was_in_vain() -> None:
    pool = alone()
    for _ in range(8):
        assert pool.first_delay() == 0.0
        pool.note_first_poll(is_running=True)
    assert pool.first_delay() == next_poll_delay(0.0)
    pool.note_first_poll(is_running=False)
    assert pool.first_delay() == 0.0


def test_what_is_never_done_at_once_is_not_polled_at_once() -> None:
    pool = PollingPool(lambda: 0.0, may_be_done_at_once=False)
    assert pool.first_delay() == next_poll_delay(0.0)


def test_a_pool_at_a_limited_service_leaves_half_of_it_to_creates() -> None:
    pool = PollingPool(lambda: 0.02)
    with contextlib.ExitStack() as stack:
        stack.enter_context(pool.waiting())
        assert PollSchedule(None, pool).next_delay(0.0) == next_poll_delay(0.0)
        for _ in range(999):
            stack.enter_context(pool.waiting())
        assert PollSchedule(None, pool).next_delay(0.0) == pytest.approx(40.0)
        schedule = PollSchedule(None, pool)
        schedule.next_delay(0.0, 0.0)
        assert schedule.next_delay(12.0, 60.0) == pytest.approx(8.0, rel=0.02)
    assert pool.min_delay() == 0.0

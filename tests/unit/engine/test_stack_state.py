"""Reading the engine's saved state: once for all who ask, whole, and not while it is being written."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pulumi_dcs.engine.stack_state import StackStates, StackStateUnavailable

URN = "urn:pulumi:dev::shop::t:t:T::name"
STATE = json.dumps(
    {"deployment": {"resources": [{"urn": URN, "custom": True, "id": "i/b", "inputs": {}, "outputs": {}}]}}
)


def half_written() -> StackStateUnavailable:
    return StackStateUnavailable("failed to load checkpoint: EOF", is_transient=True)


class Exporting:
    """Exports with these outcomes, one after another; the last one again and again."""

    def __init__(self, *outcomes: str | Exception, before: Callable[[], object] = lambda: None) -> None:
        self.names: list[str] = []
        self.delays: list[float] = []
        self._outcomes = list(outcomes)
        self._before = before

    def __call__(self, name: str) -> str:
        self.names.append(name)
        self._before()
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.mark.row("14.7")
def test_a_state_that_is_being_written_is_read_again() -> None:
    run = Exporting(half_written(), half_written(), STATE)
    states = StackStates(run, run.delays.append)
    assert [each.id for each in states.read(URN).resources] == ["i/b"]
    assert len(run.names) == 3
    assert run.delays == sorted(run.delays)
    states.read(URN)
    assert len(run.names) == 3


def test_one_that_can_never_be_read_is_an_error_after_a_few_tries() -> None:
    run = Exporting(half_written())
    states = StackStates(run, run.delays.append)
    for _ in range(2):
        with pytest.raises(StackStateUnavailable, match="failed to load checkpoint: EOF"):
            states.read(URN)
    assert len(run.names) == 6


def test_where_there_is_no_command_it_is_not_tried_again() -> None:
    run = Exporting(StackStateUnavailable("there is no pulumi on PATH to read the stack's state with"))
    states = StackStates(run, run.delays.append)
    for _ in range(2):
        with pytest.raises(StackStateUnavailable, match="no pulumi on PATH"):
            states.read(URN)
    assert len(run.names) == 1


@pytest.mark.row("14.7")
@pytest.mark.parametrize("outcome", [STATE, half_written()], ids=["read", "unavailable"])
def test_all_who_ask_at_once_share_one_reading(outcome: Any) -> None:
    threads: list[threading.Thread] = []
    run = Exporting(outcome, before=lambda: time.sleep(0.05))
    states = StackStates(run, run.delays.append)
    found: list[str] = []

    def ask() -> None:
        try:
            states.read(URN)
            found.append("read")
        except StackStateUnavailable:
            found.append("unavailable")

    threads = [threading.Thread(target=ask) for _ in range(130)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 130
    assert len(set(found)) == 1
    assert len(run.names) == (1 if outcome is STATE else 6)


def test_an_older_one_than_wanted_is_read_anew() -> None:
    run = Exporting(STATE)
    states = StackStates(run)
    first = states.read(URN)
    assert states.read(URN, not_before=first.started_at) is first
    assert states.read(URN, not_before=time.monotonic()) is not first
    assert len(run.names) == 2


@pytest.mark.row("14.4")
def test_the_organization_names_the_stack() -> None:
    run = Exporting(STATE)
    states = StackStates(run)
    states.read(URN)
    states.read(URN, "acme")
    states.read(URN, "umbrella")
    assert run.names == ["dev", "acme/shop/dev", "umbrella/shop/dev"]

"""How many creates were interrupted, as the saved state tells it while this run's own are in it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from pulumi_dcs.engine.stack_state import PendingCreate, StackState, StackStateUnavailable, StateResource
from pulumi_dcs.operations.ownership import EvidenceUnavailableError
from pulumi_dcs.recovery.evidence import ResourceEvidence

A, B, C = "urn::a", "urn::b", "urn::c"
INPUTS = {"remark": "r"}
STARTED_AT = 100.0


class States:
    """Exports that were started at these moments, and how many were made."""

    def __init__(self, *exports: tuple[float, str]) -> None:
        self.exports = [
            StackState((), tuple(PendingCreate(f"urn::{name}", INPUTS) for name in pending), started_at)
            for started_at, pending in exports
        ]
        self.made = 0

    def read(self, urn: str, organization: str = "", *, not_before: float = float("-inf")) -> StackState:
        for number, state in enumerate(self.exports):
            if state.started_at >= not_before:
                self.made = max(self.made, number + 1)
                return state
        raise AssertionError("no such export")


ALL = 100
"""More interrupted creates than there are: their number matters."""


def interrupted(states: States, urn: str = A, declared: Mapping[str, Any] = INPUTS, enough: int = ALL) -> int:
    return (
        ResourceEvidence(states, urn, "", started_at=STARTED_AT, has_same_inputs=lambda inputs: inputs == declared)
        .evidence(enough)
        .interrupted_creates
    )


@pytest.mark.parametrize(
    ("pending", "count"),
    [("a", 0), ("aa", 1), ("aaa", 2), ("ba", 0), ("bab", 0), ("baba", 1)],
)
def test_an_export_since_the_create_has_this_runs_own(pending: str, count: int) -> None:
    assert interrupted(States((STARTED_AT, pending))) == count


def test_a_pending_create_with_other_inputs_does_not_count() -> None:
    assert interrupted(States((STARTED_AT, "aa")), declared={"remark": "s"}) == 0


@pytest.mark.parametrize(
    ("pending", "count"),
    [("", 0), ("b", 0), ("bba", 1), ("bbac", 1), ("bcbac", 1), ("bbaa", 2)],
    ids=["none", "another's", "after another's second", "likewise", "likewise", "two after another's second"],
)
def test_an_earlier_export_is_enough_where_it_tells_them_apart(pending: str, count: int) -> None:
    states = States((50.0, pending), (STARTED_AT, "a" * 9))
    assert interrupted(states) == count
    assert states.made == 1


@pytest.mark.parametrize(
    ("early", "later", "count"), [("a", "a", 0), ("a", "aa", 1), ("aa", "aa", 1), ("aa", "aaa", 2)]
)
def test_where_it_does_not_another_export_is_made(early: str, later: str, count: int) -> None:
    """One too few would be a second backup in silence."""
    states = States((50.0, early), (STARTED_AT, later))
    assert interrupted(states) == count
    assert states.made == 2


@pytest.mark.parametrize(
    ("pending", "enough", "count", "made"), [("aa", 1, 1, 1), ("aa", 2, 3, 2), ("aaa", 2, 2, 1), ("a", 1, 3, 2)]
)
def test_where_their_number_does_not_matter_the_earlier_export_is_enough(
    pending: str, enough: int, count: int, made: int
) -> None:
    states = States((50.0, pending), (STARTED_AT, "aaaa"))
    assert interrupted(states, enough=enough) == count
    assert states.made == made


@pytest.mark.parametrize(("ended_at", "count", "made"), [(59.0, 1, 1), (60.0, 0, 2), (61.0, 0, 2)])
def test_one_from_before_the_check_holds_nothing_of_this_run(ended_at: float, count: int, made: int) -> None:
    states = States((50.0, "a"), (STARTED_AT, "a"))
    states.exports[0] = replace(states.exports[0], ended_at=ended_at)
    evidence = ResourceEvidence(
        states, A, "", started_at=STARTED_AT, checked_at=60.0, has_same_inputs=lambda _: True
    ).evidence(ALL)
    assert (evidence.interrupted_creates, states.made) == (count, made)


def test_where_the_engine_skips_checkpoints_all_are_of_earlier_runs() -> None:
    evidence = ResourceEvidence(
        States((STARTED_AT, "a")), A, "", started_at=STARTED_AT, has_same_inputs=lambda _: True, is_own_saved=False
    )
    assert evidence.evidence(ALL).interrupted_creates == 1


def test_it_names_who_holds_which_record() -> None:
    class Held:
        def read(self, urn: str, organization: str = "", *, not_before: float = 0.0) -> StackState:
            resources = (
                StateResource(A, "instance/x", {}, {}, is_pending_delete=False, retains_on_delete=False),
                StateResource(B, "instance/y", {}, {}, is_pending_delete=True, retains_on_delete=False),
                StateResource(C, "no-record", {}, {}, is_pending_delete=False, retains_on_delete=False),
            )
            return StackState(resources, (), STARTED_AT)

    evidence = ResourceEvidence(Held(), A, "", started_at=STARTED_AT, has_same_inputs=lambda _: True).evidence(ALL)
    assert evidence.in_state == {"x": A, "y": B}


def test_a_state_that_can_not_be_read_says_why() -> None:
    class Unreadable:
        def read(self, urn: str, organization: str = "", *, not_before: float = 0.0) -> StackState:
            raise StackStateUnavailable("the backend does not respond")

    with pytest.raises(EvidenceUnavailableError, match="the backend does not respond"):
        ResourceEvidence(Unreadable(), A, "", started_at=0.0, has_same_inputs=lambda _: True).evidence(ALL)

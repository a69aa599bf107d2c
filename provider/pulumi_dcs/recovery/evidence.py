"""What the engine's saved state says about a resource: whether a create was interrupted, and who holds which record."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from ..engine.stack_state import PendingCreate, StackState, StackStateUnavailable, StateResource
from ..operations.ownership import Evidence, EvidenceUnavailableError


class ReadsStackStates(Protocol):
    """Reads the saved state of a URN's stack (see ``engine.stack_state``)."""

    def read(self, urn: str, organization: str = "", *, not_before: float = ...) -> StackState:
        """The state; renewed if it was asked for before that moment (monotonic)."""


class ResourceEvidence:
    """The evidence for one create of a resource.

    Args:
        states: reads the saved state.
        urn: the resource.
        organization: the stack's; empty where there is none.
        started_at: when the engine called this create (monotonic): its own pending create is saved since then.
        checked_at: when the engine had first had the resource checked; its own pending create is saved after that.
        has_same_inputs: whether a pending create's inputs are those that are declared now.
        is_own_saved: whether the engine saves this run's own pending creates.
    """

    def __init__(
        self,
        states: ReadsStackStates,
        urn: str,
        organization: str,
        *,
        started_at: float,
        checked_at: float = -math.inf,
        has_same_inputs: Callable[[Mapping[str, Any]], bool],
        is_own_saved: bool = True,
    ) -> None:
        self._states = states
        self._urn = urn
        self._organization = organization
        self._started_at = started_at
        self._checked_at = checked_at
        self._has_same_inputs = has_same_inputs
        self._is_own_saved = is_own_saved

    def evidence(self, enough: int) -> Evidence:
        """What the saved state says.

        Args:
            enough: from how many interrupted creates on it does not matter how many there are exactly.

        Raises:
            EvidenceUnavailableError: it can't be read.
        """
        try:
            state = self._states.read(self._urn, self._organization)
            at_least, at_most = self._interrupted(state)
            if at_least < at_most and at_least < enough:
                state = self._states.read(self._urn, self._organization, not_before=self._started_at)
                at_least, _ = self._interrupted(state)
        except StackStateUnavailable as error:
            raise EvidenceUnavailableError(error.reason) from error
        return Evidence(at_least, records_in(state.resources))

    def _interrupted(self, state: StackState) -> tuple[int, int]:
        """How many creates were interrupted, at least and at most: this run's own may be among the pending ones.

        The engine saves a pending create before it calls create, and puts this run's before those of earlier runs. So
        whatever follows a URN's second pending create is from earlier runs.
        """
        pending = [
            (index, each)
            for index, each in enumerate(state.pending_creates)
            if each.urn == self._urn and self._has_same_inputs(each.inputs)
        ]
        if not pending:
            return 0, 0
        count = len(pending)
        if state.ended_at < self._checked_at or not self._is_own_saved:
            return count, count
        if state.started_at >= self._started_at:
            return count - 1, count - 1
        first_earlier = _first_of_earlier_runs(state.pending_creates)
        return count if pending[0][0] >= first_earlier else count - 1, count


def record_id_of(resource_id: str) -> str:
    """The part of a resource's id that names a record: what follows the last slash; empty where there is none."""
    _, slash, record_id = resource_id.rpartition("/")
    return record_id if slash else ""


def records_in(resources: Iterable[StateResource]) -> dict[str, str]:
    """The records that a state's resources hold, by id, with the URN of each; not those that it only reads."""
    owned = [each for each in resources if not each.is_external]
    return {record: each.urn for each in owned if (record := record_id_of(each.id))}


def _first_of_earlier_runs(pending: Sequence[PendingCreate]) -> int:
    """The index from which on all pending creates are certainly from earlier runs."""
    seen: set[str] = set()
    for index, each in enumerate(pending):
        if each.urn in seen:
            return index
        seen.add(each.urn)
    return len(pending)

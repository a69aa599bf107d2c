"""One create of a resource as the journal and the saved state know it, whatever kind of record it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..api.location import Location
from ..engine.requests import CreateRequest
from ..engine.values import SECRET
from ..operations.errors import UncertainOwnershipError
from ..operations.operation import Operation
from ..operations.ownership import Attempt, Progress, Unrecorded
from ..operations.records import RecordKind
from ..recovery.evidence import ResourceEvidence, record_id_of
from ..recovery.journal_attempt import JournalAttempt
from ..recovery.journal_format import Scope, Site
from ..session import Session
from .inputs import canonical_json

_OTHER_RUN_TIMEOUT: Final = 90.0
"""Seconds that another run of the same resource gets to end. Pulumi lets one run at a time change a stack; what still
lives is a host without an engine, which ends itself within a minute, or a run that somebody has cancelled."""
_OTHER_RUN_DELAY: Final = 1.0


class CreateAttempt:
    """One create that makes a record.

    Args:
        kind: what the record is, for messages.
        instance_id: the instance that it belongs to.
        location: where that is.
        inputs_hash: of the inputs that call for a new record.
        declared: those inputs.
        replacing_inputs: picks them out of checked inputs.
        started_at: when the engine called this create (monotonic).
    """

    def __init__(
        self,
        session: Session,
        kind: RecordKind,
        request: CreateRequest,
        instance_id: str,
        location: Location,
        *,
        inputs_hash: str,
        replacing_inputs: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        started_at: float,
    ) -> None:
        self._session = session
        self._kind = kind
        self._urn = request.urn
        self._instance_id = instance_id
        self._location = location
        self._hash = inputs_hash
        self._replacing_inputs = replacing_inputs
        self._declared = replacing_inputs(request.properties)
        self._started_at = started_at
        self._notes = session.notes(request.urn)
        self._attempt: Attempt = Unrecorded()
        self.replaced: Final = self._replaced_record()

    def begin(self, operation: Operation) -> Attempt:
        """Begin it, or continue one of the same resource, inputs and generation that was interrupted.

        Raises:
            UncertainOwnershipError: another run on this machine is still at it.
        """
        if self._urn:
            site = Site(self._location.endpoint, self._location.region, self._location.project_id, self._instance_id)
            scope = self._session.scope(self._urn)
            was_awaited = self._wait_for_other_run(operation, scope)
            self._attempt = self._session.journal.begin(
                scope, self._urn, self._hash, site, replaces=self.replaced, was_awaited=was_awaited
            )
        # Else the host can't see the request: nothing can be told to be this resource's.
        return self._attempt

    def evidence(self) -> ResourceEvidence:
        """What the saved state says about it."""
        return ResourceEvidence(
            self._session.stack_states,
            self._urn,
            self._session.organization,
            started_at=self._started_at,
            checked_at=self._notes.checked_at,
            has_same_inputs=self._has_same_inputs,
            is_own_saved=self._session.saves_pending_creates,
        )

    def note_returned(self) -> None:
        """The create returns to the engine now, whether it has succeeded or not."""
        # Without checkpoints, it is saved only at the end: that the state has not got it proves nothing until then.
        if isinstance(self._attempt, JournalAttempt) and self._session.saves_pending_creates:
            self._attempt.note_returned()

    def forget(self) -> None:
        """Nothing is left at the service of what this create has made."""
        if isinstance(self._attempt, JournalAttempt):
            self._attempt.drop()

    def forget_if_nothing_sent(self) -> None:
        """Forget it, unless there may be something at the service that it has made."""
        if self._attempt.progress == Progress():
            self.forget()

    def _wait_for_other_run(self, operation: Operation, scope: Scope) -> bool:
        """Let another run write down what it makes, so that this create goes on with that; whether there was one.

        It is a host that outlives its engine, or a run that `pulumi cancel` has declared dead.
        """
        was_there = False
        since = operation.elapsed
        while self._session.journal.is_under_way_elsewhere(scope, self._urn):
            if operation.elapsed - since > _OTHER_RUN_TIMEOUT:
                raise UncertainOwnershipError(
                    f"No {self._kind.noun} of instance {self._instance_id} was started: another run on this machine is "
                    "still making one for the same resource.",
                    advice="wait until that run has ended, or end its processes, then run `pulumi up` again.",
                )
            operation.report_progress("another run of this resource is about to end; waiting for it")
            operation.pause(_OTHER_RUN_DELAY)
            was_there = True
        return was_there

    def _replaced_record(self) -> str:
        """The record that the state holds for the resource now: what tells the generation. Empty for the first."""
        if self._notes.held or not self._notes.old_inputs:
            return self._notes.held
        # A forced replacement: the engine has asked for no diff, and so not named the old one.
        held = (record_id_of(each.id) for each in self._session.in_state(self._urn) if each.urn == self._urn)
        return next(held, "")

    def _has_same_inputs(self, pending: Mapping[str, Any]) -> bool:
        """Whether a pending create was one with the inputs that are declared now; a secret may be equal."""
        return _may_be_equal(self._replacing_inputs(pending), self._declared)


def was_interrupted(
    session: Session,
    urn: str,
    inputs: Mapping[str, Any],
    replacing_inputs: Callable[[Mapping[str, Any]], Mapping[str, Any]],
) -> bool:
    """Whether the saved state has a create of the resource as pending, with the inputs that are declared now.

    Args:
        replacing_inputs: picks those that call for a new record out of checked inputs.
    """
    declared = replacing_inputs(inputs)
    return any(_may_be_equal(replacing_inputs(each.inputs), declared) for each in session.pending_creates(urn))


def _may_be_equal(before: Any, now: Any) -> bool:
    """Whether a value of the saved state is what is declared now, as far as that can be told: a secret may be."""
    if before is SECRET:
        return True
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        return before.keys() == now.keys() and all(_may_be_equal(before[name], now[name]) for name in before)
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(_may_be_equal, before, now))
    return canonical_json(before) == canonical_json(now)

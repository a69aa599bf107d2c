"""Takes one new backup for a resource: with its journal entry, its mark, and what the saved state proves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..api.backups import BackupRecord
from ..engine.requests import CreateRequest
from ..engine.values import SECRET
from ..operations.errors import UncertainOwnershipError
from ..operations.operation import Operation
from ..operations.ownership import Attempt, Progress, Unrecorded
from ..operations.record_cache import Snapshot
from ..recovery.evidence import ResourceEvidence, record_id_of
from ..recovery.journal_attempt import JournalAttempt
from ..recovery.journal_format import Scope, Site
from ..resources.backups import BackupService, WantedBackup
from ..resources.limit import check_limit
from ..resources.mark import mark_for
from ..session import Session
from .properties import Inputs, canonical_json, inputs_hash, replacing_inputs

_OTHER_RUN_TIMEOUT: Final = 90.0
"""Seconds that another run of the same resource gets to end. Pulumi lets one run at a time change a stack; what still
lives is a host without an engine, which ends itself within a minute, or a run that somebody has cancelled."""
_OTHER_RUN_DELAY: Final = 1.0


class Creation:
    """One create that takes a backup.

    Args:
        service: the backups of the project in the region.
        inputs: what is declared.
        started_at: when the engine called this create (monotonic).
    """

    def __init__(
        self, session: Session, service: BackupService, request: CreateRequest, inputs: Inputs, started_at: float
    ) -> None:
        self._session: Final = session
        self._service = service
        self._urn = request.urn
        self._inputs = inputs
        self._declared = replacing_inputs(request.properties)
        self._hash = inputs_hash(request.properties)
        self._started_at = started_at
        self._notes = session.notes(request.urn)
        self._attempt: Attempt = Unrecorded()

    def run(self, operation: Operation) -> str:
        """Have the backup started; its id."""
        inputs, session = self._inputs, self._session
        replaced = self._replaced_backup()
        self._attempt = self._begin(operation, replaced)
        evidence = ResourceEvidence(
            session.stack_states,
            self._urn,
            session.organization,
            started_at=self._started_at,
            checked_at=self._notes.checked_at,
            has_same_inputs=self._has_same_inputs,
            is_own_saved=session.saves_pending_creates,
        )
        wanted = WantedBackup(
            inputs.remark or "",
            inputs.backup_format,
            self._mark(replaced),
            is_secret="remark" in self._notes.program.secret_inputs,
            # What was kept when the resource went, or was replaced by force, bears the same mark as its next first one.
            is_mark_proof=bool(replaced) or not inputs.retain_on_delete,
        )

        def before_start(snapshot: Snapshot[BackupRecord]) -> None:
            check_limit(
                snapshot,
                operation,
                inputs.instance_id,
                replaced="" if inputs.retain_on_delete else self._notes.held,
                holders=lambda: session.holders(self._urn),
                was_ours=self._attempt.is_known,
            )

        try:
            return self._service.create(
                operation,
                inputs.instance_id,
                wanted,
                attempt=self._attempt,
                saved_state=evidence,
                before_start=before_start,
            )
        except BaseException:
            if self._attempt.progress == Progress():
                self.forget()
            raise

    def note_returned(self) -> None:
        """The create returns to the engine now, whether it has succeeded or not."""
        if isinstance(self._attempt, JournalAttempt):
            self._attempt.note_returned()

    def forget(self) -> None:
        """Nothing is left at the service of what this create has made."""
        if isinstance(self._attempt, JournalAttempt):
            self._attempt.drop()

    def _begin(self, operation: Operation, replaced: str) -> Attempt:
        if not self._urn:
            # Where the host can't see the request, nothing can be told to be this resource's.
            return Unrecorded()
        location = self._service.client.location
        site = Site(location.endpoint, location.region, location.project_id, self._inputs.instance_id)
        scope = self._session.scope(self._urn)
        was_awaited = self._wait_for_other_run(operation, scope)
        return self._session.journal.begin(
            scope, self._urn, self._hash, site, replaces=replaced, was_awaited=was_awaited
        )

    def _wait_for_other_run(self, operation: Operation, scope: Scope) -> bool:
        """Let another run write down what it makes, so that this create goes on with that; whether there was one.

        It is a host that outlives its engine, or a run that `pulumi cancel` has declared dead.
        """
        was_there = False
        since = operation.elapsed
        while self._session.journal.is_under_way_elsewhere(scope, self._urn):
            if operation.elapsed - since > _OTHER_RUN_TIMEOUT:
                raise UncertainOwnershipError(
                    f"No backup of instance {self._inputs.instance_id} was started: another run on this machine is "
                    "still making one for the same resource.",
                    advice="wait until that run has ended, or end its processes, then run `pulumi up` again.",
                )
            operation.report_progress("another run of this resource is about to end; waiting for it")
            operation.pause(_OTHER_RUN_DELAY)
            was_there = True
        return was_there

    def _mark(self, replaced: str) -> str:
        if not self._session.settings.mark or not self._urn:
            return ""
        return mark_for(self._urn, self._hash, organization=self._session.organization, replaces=replaced)

    def _replaced_backup(self) -> str:
        """The backup that the state holds for the resource now: what tells the generation. Empty for the first."""
        if self._notes.held or not self._notes.old_inputs:
            return self._notes.held
        # A forced replacement: the engine has asked for no diff, and so not named the old one.
        held = (record_id_of(each.id) for each in self._session.in_state(self._urn) if each.urn == self._urn)
        return next(held, "")

    def _has_same_inputs(self, pending: Mapping[str, Any]) -> bool:
        """Whether a pending create was one with the inputs that are declared now; a secret may be equal."""
        before = replacing_inputs(pending)
        if before.keys() != self._declared.keys():
            return False
        return all(_may_be_equal(value, self._declared[name]) for name, value in before.items())


def _may_be_equal(before: Any, now: Any) -> bool:
    if before is SECRET:
        return True
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        return before.keys() == now.keys() and all(_may_be_equal(before[name], now[name]) for name in before)
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(_may_be_equal, before, now))
    return canonical_json(before) == canonical_json(now)

"""Takes one new backup for a resource: with its journal entry, its mark, and what the saved state proves."""

from __future__ import annotations

from ..api.backups import BackupRecord
from ..engine.requests import CreateRequest
from ..operations.operation import Operation
from ..operations.record_cache import Snapshot
from ..resources.backups import KIND, BackupService, WantedBackup
from ..resources.create_attempt import CreateAttempt
from ..resources.limit import check_limit
from ..resources.mark import mark_for
from ..session import Session
from .fate import Fate, fate_of
from .properties import Inputs, inputs_hash, replacing_inputs


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
        self._session = session
        self._service = service
        self._urn = request.urn
        self._inputs = inputs
        self._hash = inputs_hash(request.properties)
        self._notes = session.notes(request.urn)
        self._own = CreateAttempt(
            session,
            KIND,
            request,
            inputs.instance_id,
            service.client.location,
            inputs_hash=self._hash,
            replacing_inputs=replacing_inputs,
            started_at=started_at,
        )

    def run(self, operation: Operation) -> str:
        """Have the backup started; its id."""
        inputs, replaced = self._inputs, self._own.replaced
        attempt = self._own.begin(operation)
        wanted = WantedBackup(
            inputs.remark or "",
            inputs.backup_format,
            self._mark(replaced),
            is_secret="remark" in self._notes.program.secret_inputs,
            # What was kept when the resource went, or was replaced by force, bears the same mark as its next first one.
            is_mark_proof=lambda: bool(replaced) or not self._is_retained,
        )

        def before_start(snapshot: Snapshot[BackupRecord]) -> None:
            check_limit(
                snapshot,
                operation,
                inputs.instance_id,
                holders=lambda: self._session.holders(self._urn),
                was_ours=attempt.is_known,
                goes_anyway=lambda backup_id: backup_id == replaced and self._is_deleted(backup_id),
            )

        try:
            return self._service.create(
                operation,
                inputs.instance_id,
                wanted,
                attempt=attempt,
                saved_state=self._own.evidence(),
                before_start=before_start,
            )
        except BaseException:
            self._own.forget_if_nothing_sent()
            raise

    def note_returned(self) -> None:
        """The create returns to the engine now, whether it has succeeded or not."""
        self._own.note_returned()

    def forget(self) -> None:
        """Nothing is left at the service of what this create has made."""
        self._own.forget()

    def _is_deleted(self, backup_id: str) -> bool:
        return fate_of(self._session, self._urn, backup_id) is Fate.DELETED

    @property
    def _is_retained(self) -> bool:
        """Whether the resource has the option, which can also come from a component or a transform."""
        pending = self._session.pending_creates(self._urn)
        return self._inputs.retain_on_delete or any(each.retains_on_delete for each in pending)

    def _mark(self, replaced: str) -> str:
        if not self._session.settings.mark or not self._urn:
            return ""
        return mark_for(self._urn, self._hash, organization=self._session.organization, replaces=replaced)

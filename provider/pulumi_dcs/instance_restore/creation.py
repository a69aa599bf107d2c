"""Starts one restore for a resource: with its journal entry, and what the saved state proves."""

from __future__ import annotations

from ..api.backups import BackupRecord
from ..api.clock import Pause
from ..api.errors import DcsError
from ..api.migrations import Migrations
from ..api.restores import Restores
from ..engine.requests import CreateRequest
from ..operations.errors import CancelledError, OperationError, TimedOutError
from ..operations.operation import Operation
from ..operations.wait import MISSING_TIMEOUT
from ..recovery.orphans import with_kind
from ..resources.backups import BackupService
from ..resources.create_attempt import CreateAttempt
from ..session import Session
from .preflight import backup_failures
from .properties import Inputs, inputs_hash, replacing_inputs
from .service import RestoreService, kind_of
from .wanted import WantedImport, WantedRestore, task_name, task_prefix


class BackupUnusableError(OperationError):
    """The backup can't be restored from."""


class Creation:
    """One create that restores.

    Args:
        service: the restores of the project in the region.
        backups: the backups there.
        inputs: what is declared.
        started_at: when the engine called this create (monotonic).

    Attributes:
        backup: what it restores from, once that was looked at.
    """

    def __init__(
        self,
        session: Session,
        service: RestoreService,
        backups: BackupService,
        request: CreateRequest,
        inputs: Inputs,
        *,
        started_at: float,
    ) -> None:
        self.backup: BackupRecord | None = None
        self._session = session
        self._service = service
        self._backups = backups
        self._urn = request.urn
        self._inputs = inputs
        self._hash = inputs_hash(request.properties)
        kind = kind_of(is_import=inputs.is_import)
        self._own = CreateAttempt(
            session,
            kind,
            request,
            inputs.instance_id,
            service.client.location,
            inputs_hash=with_kind(kind.noun, self._hash),
            replacing_inputs=replacing_inputs,
            started_at=started_at,
        )

    def run(self, operation: Operation) -> str:
        """Have the restore started; its id."""
        try:
            return self._import(operation) if self._inputs.is_import else self._restore(operation)
        except BaseException:
            self._own.forget_if_nothing_sent()
            raise

    def note_returned(self) -> None:
        """The create returns to the engine now, whether it has succeeded or not."""
        self._own.note_returned()

    def _restore(self, operation: Operation) -> str:
        inputs, client = self._inputs, self._service.client

        def start(pause: Pause) -> str:
            sent = Restores(client, pause)
            return sent.create(inputs.instance_id, inputs.backup_id, remark=inputs.remark or "")

        return self._service.restores.create(
            operation,
            inputs.instance_id,
            start=start,
            wanted=WantedRestore(inputs.backup_id),
            attempt=self._own.begin(operation),
            saved_state=self._own.evidence(),
            before_start=lambda: self._check_backup(operation),
        )

    def _import(self, operation: Operation) -> str:
        inputs, client, replaced = self._inputs, self._service.client, self._own.replaced
        organization = self._session.organization
        prefix = task_prefix(self._urn, self._hash, organization=organization, replaces=replaced)
        name = task_name(prefix, operation.clock.time())

        def start(pause: Pause) -> str:
            return Migrations(client, pause).import_backup(
                inputs.instance_id,
                inputs.backup_id,
                name=name,
                description=inputs.remark or "",
                password=inputs.target_password or "",
            )

        return self._service.imports.create(
            operation,
            inputs.instance_id,
            start=start,
            wanted=WantedImport(prefix, name, is_name_proof=bool(self._urn and replaced)),
            attempt=self._own.begin(operation),
            saved_state=self._own.evidence(),
            before_start=lambda: self._check_backup(operation),
        )

    def _check_backup(self, operation: Operation) -> None:
        """Make sure that the backup is the instance's, and has succeeded: a preview may not have known its id.

        Where that can't be found out, the service decides.

        Raises:
            BackupUnusableError: it is not, or has not.
        """
        if self.backup is not None:
            return
        inputs = self._inputs
        try:
            self.backup = self._backups.find(
                operation, inputs.backed_up_id, inputs.backup_id, missing_timeout=MISSING_TIMEOUT
            )
        except (TimedOutError, CancelledError):
            raise
        except DcsError:
            return
        for failure in backup_failures(self.backup, inputs):
            raise BackupUnusableError(
                f"Backup {inputs.backup_id} can't be restored to instance {inputs.instance_id}.",
                facts=[f"{failure.property}: {failure.reason}"],
            )

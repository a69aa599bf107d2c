"""Deletes what was decided, one backup after another, and says how far it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..api.errors import DcsError
from ..api.instances import Instances
from ..engine.errors import ResourceInitFailedError
from ..operations.busy import MAX_BUSY_DELAY
from ..operations.errors import CancelledError, OperationError
from ..operations.operation import Operation
from ..resources.advice import in_pulumis_terms
from ..resources.backups import BackupService
from ..resources.run_backups import RunBackups
from ..session import Session
from . import preview
from .names import DELETED_IDS
from .properties import Inputs, outputs
from .survey import survey

_RESTORING: Final = "RESTORING"
"""The status and the task of an instance that is being restored, from one of its backups as a rule."""


class Deletion:
    """One run's deletions for one retention.

    Args:
        properties: the checked inputs.
        old_outputs: what the state has of the retention; empty for a new one.
        timeout: seconds for all of them.
    """

    def __init__(
        self,
        session: Session,
        service: BackupService,
        urn: str,
        properties: Mapping[str, Any],
        old_outputs: Mapping[str, Any],
        *,
        timeout: float,
    ) -> None:
        self._session = session
        self._service = service
        self._urn = urn
        self._properties = properties
        self._inputs = Inputs.of(properties)
        self._old_outputs = old_outputs
        self._operation = self._step(f"delete old backups of instance {self._inputs.instance_id}", timeout)

    def run(self) -> dict[str, Any]:
        """Delete them, the oldest first; the outputs.

        Raises:
            ResourceInitFailedError: a deletion failed; its outputs say which were carried out.
            DcsError: nothing was deleted.
        """
        ids = self._still_to_go() if self._inputs.deletes else []
        done: list[str] = []
        for backup_id in ids:
            try:
                self._delete(backup_id, number=len(done) + 1, of=len(ids))
            except DcsError as error:
                raise self._failed(error, backup_id, done, ids[len(done) :]) from error
            done.append(backup_id)
        if done:
            instance_id = self._inputs.instance_id
            self._session.log.info(self._urn, f"Deleted {preview.names(done)} of instance {instance_id}.")
        return self._outputs(done, surplus=0)

    def _still_to_go(self) -> list[str]:
        """Those that were listed and still may go: a resource may have taken one over, or newer ones may be gone."""
        inputs, operation = self._inputs, self._operation
        self._wait_until_restored()
        snapshot = self._service.cache.list_completely(operation, inputs.instance_id)
        found = survey(self._session, self._urn, self._properties, snapshot, is_preview=False)
        going = []
        for backup_id in inputs.deletes:
            record = snapshot.records.get(backup_id)
            if backup_id in found.decision.deleted_ids:
                going.append(backup_id)
            elif record is not None and not record.is_gone:
                kept = found.decision.reason_to_keep(backup_id)
                why = kept.why if kept is not None else "it no longer matches"
                operation.warn(f"Backup {backup_id} of instance {inputs.instance_id} is not deleted after all: {why}.")
        return going

    def _wait_until_restored(self) -> None:
        """Wait while the instance is being restored: the service does not say from which backup."""
        operation, instance_id = self._operation, self._inputs.instance_id
        while True:
            instance = Instances(self._service.client, operation.pause).show(instance_id)
            if _RESTORING not in (instance.status, instance.task):
                return
            operation.report_progress("the instance is being restored; nothing is deleted before it is finished")
            operation.pause(MAX_BUSY_DELAY)

    def _delete(self, backup_id: str, *, number: int, of: int) -> None:
        instance_id = self._inputs.instance_id
        self._operation.check_deadline()
        self._operation.report_progress(f"deleting backup {backup_id} ({number} of {of})")
        # An operation of its own: how long a deletion is tried again counts from its own start.
        step = self._step(f"delete backup {backup_id} of instance {instance_id}", self._operation.remaining)
        self._service.delete(step, instance_id, backup_id)
        self._session.journal.forget(backup_id)
        self._session.shared(RunBackups).note_deleted(backup_id)

    def _failed(self, error: DcsError, backup_id: str, done: list[str], rest: list[str]) -> ResourceInitFailedError:
        facts = [f"deleted before: {preview.names(done)}" if done else "no backup was deleted before"]
        others = [each for each in rest if each != backup_id]
        facts += [f"still to go: {preview.names(others)}"] if others else []
        what = "Cancelled" if isinstance(error, CancelledError) else "Failed"
        told = OperationError(
            f"{what} to delete backup {backup_id} of instance {self._inputs.instance_id}: {error.summary}"
            if what == "Failed"
            else error.summary,
            facts=[*error.facts, *facts],
            advice=error.advice,
        )
        told.__cause__ = error
        text = in_pulumis_terms(told, fact="the next `pulumi up` goes on with what is left")
        return ResourceInitFailedError(
            text, id=self._inputs.instance_id, properties=self._outputs(done, surplus=len(rest))
        )

    def _outputs(self, done: list[str], *, surplus: int) -> dict[str, Any]:
        return outputs(
            self._properties,
            deleted_ids=done or self._old_outputs.get(DELETED_IDS) or (),
            surplus=surplus,
            endpoint=self._service.client.location.endpoint,
        )

    def _step(self, name: str, timeout: float) -> Operation:
        return self._session.operation(name, self._urn, timeout)

"""Takes over an existing backup that the program names, after making sure that it is what the program says."""

from __future__ import annotations

from ..api.errors import BackupNotFoundError
from ..api.parsing import BackupStatus
from ..operations.operation import Operation
from ..operations.service import BackupService
from ..session import Session
from .properties import Inputs


def adopt(session: Session, service: BackupService, operation: Operation, inputs: Inputs, backup_id: str) -> None:
    """Take the backup over.

    Raises:
        BackupNotFoundError: it is not there, failed, is not what the inputs say, or another resource's.
    """
    record = service.find(operation, backup_id)
    where = f"Backup {backup_id} of instance {inputs.instance_id}"
    if record is None:
        raise BackupNotFoundError(
            f"{where} can't be adopted: the instance has no such backup.",
            advice="check adopt_backup_id, instance_id and region against the console.",
        )
    if record.status is BackupStatus.FAILED:
        raise BackupNotFoundError(
            f"{where} can't be adopted: it failed.", advice="remove adopt_backup_id to take a new backup."
        )
    wanted = {"remark": inputs.remark, "backup_format": inputs.backup_format and inputs.backup_format.value}
    for name, value in wanted.items():
        actual = getattr(record, name)
        if (value is not None and actual and value != actual) or (name == "remark" and value and not actual):
            raise BackupNotFoundError(
                f"{where} can't be adopted: its {name} is {actual!r}, the program says {value!r}.",
                advice=f"set {name} to {actual!r}, or leave it out to accept what the backup has.",
            )
    if not session.claims.claim(backup_id):
        raise BackupNotFoundError(
            f"{where} can't be adopted: another resource of this run has it.",
            advice="give each backup to one resource only.",
        )
    session.adopted.claim(backup_id)

"""Takes over an existing backup that the program names, after making sure that it is what the program says."""

from __future__ import annotations

from collections.abc import Collection

from ..api.backups import BackupRecord
from ..operations.errors import RecordNotFoundError
from .identity import resource_name
from .mark import is_same_remark, without_mark
from .properties import Inputs


def check_adoptable(
    record: BackupRecord | None, inputs: Inputs, backup_id: str, secret_inputs: Collection[str] = ()
) -> None:
    """Make sure that the backup can be adopted for these inputs.

    Args:
        record: as the instance's list has it; None where it has none.
        secret_inputs: the names of the inputs whose values no message may show.

    Raises:
        RecordNotFoundError: it is not there, has failed, or is not what the inputs say.
    """
    which = f"Backup {backup_id} of instance {inputs.instance_id} can't be adopted"
    if record is None or record.is_gone:
        raise RecordNotFoundError(
            f"{which}: the instance has no such backup.",
            advice="check adopt_backup_id, instance_id and region against the console.",
        )
    if record.has_failed:
        raise RecordNotFoundError(f"{which}: it failed.", advice="remove adopt_backup_id to take a new backup.")
    remark = without_mark(record.remark)
    if inputs.remark is not None and not is_same_remark(inputs.remark, remark):
        if "remark" in secret_inputs:
            raise RecordNotFoundError(
                f"{which}: its remark is not the one that the program says, which is a secret and not shown.",
                advice="leave remark out to accept what the backup has.",
            )
        raise RecordNotFoundError(
            f"{which}: its remark is {remark!r}, the program says {inputs.remark!r}.",
            advice=f"set remark to {remark!r}, or leave it out to accept what the backup has.",
        )
    declared = inputs.backup_format
    if declared is not None and record.backup_format not in ("", declared.value):
        raise RecordNotFoundError(
            f"{which}: its backup_format is {record.backup_format!r}, the program says {declared.value!r}.",
            advice=f"set backup_format to {record.backup_format!r}, or leave it out to accept what the backup has.",
        )


def held_by_another(backup_id: str, owner: str) -> RecordNotFoundError:
    """The error for a backup that another resource has."""
    return RecordNotFoundError(
        f"Backup {backup_id} can't be adopted: {resource_name(owner)!r} has it.",
        facts=[f"the resource is {owner}"],
        advice="give each backup to one resource only.",
    )

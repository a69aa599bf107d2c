"""What a preview says beside the diff: which backup is taken, and what becomes of the one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..api.backups import BackupStatus
from ..api.clock import in_words
from ..api.instances import Instance
from ..engine.unknowns import UNKNOWN
from ..resources.instance_text import describe
from .fate import Fate

INTERRUPTED: Final = (
    "An earlier run of it was interrupted: `pulumi up` goes on with the backup that it has started, if that is "
    "certain to be this resource's, and else takes none and says why."
)
"""Of a resource that the saved state has as being created, to follow what it does."""


@dataclass(frozen=True)
class Replaced:
    """The backup that is replaced.

    Attributes:
        instance_id, backup_id: which it is.
        status: as the state has it.
        fate: what becomes of it.
        is_deleted_first: whether it is deleted before the new one is taken.
    """

    instance_id: str
    backup_id: str
    status: BackupStatus
    fate: Fate
    is_deleted_first: bool = False

    @property
    def leaves_a_gap(self) -> bool:
        """Whether there is a time without a backup."""
        return self.is_deleted_first and self.fate not in (Fate.KEPT, Fate.GONE)


def creation(new_inputs: Mapping[str, Any], instance: Instance | None, usual_length: float | None) -> str:
    """Of a resource that takes its first backup."""
    if instance is None:
        return f"Takes a backup of {_instance(new_inputs)}."
    last = f"; the last one took {in_words(usual_length)}" if usual_length is not None else ""
    return f"Takes a backup of {describe(instance)}{last}."


def adoption(new_inputs: Mapping[str, Any]) -> str:
    """Of a resource that takes over an existing backup."""
    return f"Takes over {_backup(new_inputs['adopt_backup_id'])} of {_instance(new_inputs)}; no backup is taken."


def replacement(replaced: Replaced, new_inputs: Mapping[str, Any], *, adopted_before: str = "") -> str:
    """Of a replacement.

    Args:
        adopted_before: the backup that was to be adopted last time; to name it again adopts nothing.
    """
    old = f"backup {replaced.backup_id}"
    if new_inputs.get("instance_id") != replaced.instance_id:
        old += f" of instance {replaced.instance_id}"
    why = {
        BackupStatus.FAILED: f"Backup {replaced.backup_id} failed. ",
        BackupStatus.EXPIRED: f"Backup {replaced.backup_id} has expired. ",
        BackupStatus.DELETED: f"Backup {replaced.backup_id} is gone. ",
    }.get(replaced.status, "")
    adopted = new_inputs.get("adopt_backup_id")
    is_adopted = adopted is not None and adopted not in (replaced.backup_id, adopted_before)
    what = f"over {_backup(adopted)} of {_instance(new_inputs)}" if is_adopted else _new_backup(new_inputs)
    if replaced.leaves_a_gap:
        return (
            f"{why}Deletes {old} first (delete_before_replace), then takes {what}: until that has succeeded, "
            "there is no backup."
        )
    then = {
        Fate.DELETED: f", then deletes {old}",
        Fate.KEPT: f", and leaves {old} at the service (retain_on_delete)",
        Fate.GONE: f" in place of {old}, which is deleted already",
        Fate.UNKNOWN: f" in place of {old}",
    }[replaced.fate]
    return f"{why}Takes {what}{then}."


def forced_replacement(new_inputs: Mapping[str, Any]) -> str:
    """Of a replacement that the engine was told to make, whatever the diff."""
    return f"Takes {_new_backup(new_inputs)}: the replacement is forced."


def going_on(instance_id: str, backup_id: str) -> str:
    """Of an update for a backup that is still running."""
    return f"Continues to wait for backup {backup_id} of instance {instance_id}."


def encryption(names: list[str]) -> str:
    """Of an update for values that have become secrets."""
    return f"{' and '.join(names)}: secret from now on, and encrypted in the state; no backup is taken."


def _new_backup(new_inputs: Mapping[str, Any]) -> str:
    return f"a new backup of {_instance(new_inputs)}"


def _instance(new_inputs: Mapping[str, Any]) -> str:
    instance_id = new_inputs.get("instance_id")
    return "an instance that is not known yet" if instance_id == UNKNOWN else f"instance {instance_id}"


def _backup(backup_id: object) -> str:
    return "a backup that is not known yet" if backup_id == UNKNOWN else f"backup {backup_id}"

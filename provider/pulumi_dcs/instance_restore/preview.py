"""What a preview says beside the diff: whose data is overwritten, and with what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..api.backups import BackupRecord
from ..api.instances import Instance
from ..api.words import date_in_words, size_in_words
from ..engine.unknowns import UNKNOWN
from .properties import Inputs, Phase

_MB: Final = 1024 * 1024
INTERRUPTED: Final = (
    " An earlier run of it was interrupted: `pulumi up` restores only if it is certain that that one has not."
)
"""Of a resource that the saved state has as being created, to follow what it does."""


def restoring(inputs: Mapping[str, Any], instance: Instance | None, backup: BackupRecord | None) -> str:
    """Of a resource that restores, as a warning."""
    source = inputs.get("source_instance_id")
    from_backup = _backup(inputs.get("backup_id"), backup)
    if source is None or (source == inputs.get("instance_id") and source != UNKNOWN):
        return f"Overwrites all data of {_instance(inputs, instance)} with {from_backup}."
    whose = "an instance that is not known yet" if source == UNKNOWN else f"instance {source}"
    return (
        f"Imports {from_backup} of {whose} into {_instance(inputs, instance)}: overwrites the data of all keys that "
        "both have, and leaves its other keys."
    )


def again(old_phase: Phase, restore_id: str) -> str:
    """Why it restores again, to follow what it does."""
    before = {
        Phase.RUNNING: f"Restore {restore_id} before this one was not finished when it was last looked at.",
        Phase.SUCCEEDED: f"It was restored before ({restore_id}): what was written since is lost.",
        Phase.FAILED: f"Restore {restore_id} failed before this one.",
        Phase.GONE: f"How restore {restore_id} ended before this one is not known.",
    }[old_phase]
    return f" {before}"


def adoption(inputs: Mapping[str, Any]) -> str:
    """Of a resource that takes over a restore."""
    adopted = inputs["adopt_restore_id"]
    which = "a restore that is not known yet" if adopted == UNKNOWN else f"restore {adopted}"
    return f"Takes over {which} of {_instance(inputs, None)}; no data is touched."


def going_on(instance_id: str, restore_id: str) -> str:
    """Of an update for a restore that is still running."""
    return f"Continues to wait for restore {restore_id} of instance {instance_id}; it does not restore again."


def failed_and_accepted(instance_id: str, restore_id: str) -> str:
    """Of a resource that does not wait for success, and whose restore has failed."""
    return f"Restore {restore_id} of instance {instance_id} failed. It is not repeated by itself."


def busy(inputs: Inputs, instance: Instance) -> str:
    """Of an instance that has to end something first; empty if it is free."""
    if instance.status not in ("", "RUNNING"):
        return f"Instance {inputs.instance_id} is {instance.status} now: the restore waits until it is RUNNING."
    if instance.task:
        return f"Instance {inputs.instance_id} is busy now ({instance.task}): the restore waits until it is free."
    return ""


def encryption(names: list[str]) -> str:
    """Of an update for values that have become secrets."""
    return f"{' and '.join(names)}: secret from now on, and encrypted in the state; no data is touched."


def _instance(inputs: Mapping[str, Any], instance: Instance | None) -> str:
    instance_id = inputs.get("instance_id")
    if instance is None:
        return "an instance that is not known yet" if instance_id == UNKNOWN else f"instance {instance_id}"
    facts = [instance.engine_in_words]
    if instance.used_memory_mb is not None:
        facts.append(f"{size_in_words(instance.used_memory_mb * _MB)} in use")
    return f"instance {instance.name or instance_id} ({', '.join(facts)})"


def _backup(backup_id: object, backup: BackupRecord | None) -> str:
    if backup_id == UNKNOWN:
        return "a backup that is not known yet"
    if backup is None:
        return f"backup {backup_id}"
    created = f" of {date_in_words(backup.created)}" if backup.created is not None else ""
    size = f" ({size_in_words(backup.size)})" if backup.size is not None else ""
    return f"backup {backup_id}{created}{size}"

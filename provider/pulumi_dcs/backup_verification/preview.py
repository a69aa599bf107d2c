"""What a preview says beside the diff: which backup is read through, and for what it has to wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..api.backups import BackupRecord
from ..api.instances import Instance
from ..api.words import date_in_words, size_in_words
from ..engine.unknowns import UNKNOWN


def verifying(inputs: Mapping[str, Any], instance: Instance | None, backup: BackupRecord | None) -> str:
    """Of a resource that has a backup verified."""
    whose = f"of {_instance(inputs, instance)}"
    which = _backup(inputs.get("backup_id"), backup)
    return f"Has the service read {which} {whose} through and count its keys; makes no backup."


def busy(instance_id: str, instance: Instance | None, backup: BackupRecord | None) -> str:
    """Of what has to end first; empty for nothing."""
    if backup is not None and backup.is_running:
        return f"Backup {backup.backup_id} is still being made: the verification waits until it has succeeded."
    if instance is not None and instance.status not in ("", "RUNNING"):
        return f"Instance {instance_id} is {instance.status} now: the verification waits until it is RUNNING."
    if instance is not None and instance.task:
        return f"Instance {instance_id} is busy now ({instance.task}): the verification waits until it is free."
    return ""


def not_known(backup: BackupRecord | None) -> str:
    """Of what could not be found out about a backup before; empty for nothing."""
    if backup is None or backup.backup_format:
        return ""
    return (
        f"The service does not tell the format of backup {backup.backup_id}: whether it can be verified is not known. "
        "One in the format aof can't be."
    )


def going_on(backup_id: str) -> str:
    """Of an update for a verification that was cut short."""
    return f"Continues the verification of backup {backup_id}: the shards that were read through are not read again."


def comparing(backup_id: str, keys: int) -> str:
    """Of an update that compares a new minimum with what is known."""
    return f"Backup {backup_id} has {keys} keys, as counted before; it is not read again."


def encryption(names: list[str]) -> str:
    """Of an update for values that have become secrets."""
    return f"{' and '.join(names)}: secret from now on, and encrypted in the state; the backup is not read again."


def _instance(inputs: Mapping[str, Any], instance: Instance | None) -> str:
    instance_id = inputs.get("instance_id")
    if instance is None:
        return "an instance that is not known yet" if instance_id == UNKNOWN else f"instance {instance_id}"
    name = f"{instance.name} [{instance_id}]" if instance.name else str(instance_id)
    return f"instance {name} ({instance.engine_in_words})"


def _backup(backup_id: object, backup: BackupRecord | None) -> str:
    if backup_id == UNKNOWN:
        return "a backup that is not known yet"
    if backup is None:
        return f"backup {backup_id}"
    facts = [date_in_words(backup.created)] if backup.created is not None else []
    facts += [size_in_words(backup.size)] if backup.size is not None else []
    told = f" ({', '.join(facts)})" if facts else ""
    return f"backup {backup_id}{told}"

"""What a preview says beside the diff: which backup is read, and that nothing else happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..api.backups import BackupRecord
from ..api.instances import Instance
from ..api.words import date_in_words, size_in_words
from ..engine.unknowns import UNKNOWN
from .properties import Inputs


def verifying(inputs: Mapping[str, Any], instance: Instance | None, backup: BackupRecord | None) -> str:
    """Of a resource that is created."""
    which = _backup(inputs.get("backup_id"), backup)
    declared = inputs.get("minimum_keys")
    minimum = Inputs.of(inputs).minimum_keys
    wanted = "a number that is not known yet" if declared == UNKNOWN else f"{minimum} key{'s' * (minimum != 1)}"
    return (
        f"Has the service read {which} of {_instance(inputs, instance)} through and count its keys: at least {wanted}. "
        "Makes no backup."
    )


def going_on(inputs: Inputs) -> str:
    """Of an update for a verification that was cut short."""
    return f"Continues to verify backup {inputs.backup_id} of instance {inputs.instance_id}."


def encryption(names: Sequence[str]) -> str:
    """Of inputs that have become secrets."""
    return f"Encrypts {' and '.join(names)} in the state; nothing is verified again."


def _backup(backup_id: Any, backup: BackupRecord | None) -> str:
    if backup_id == UNKNOWN:
        return "a backup that is not known yet"
    if backup is None or backup.created is None:
        return f"backup {backup_id}"
    size = f" ({size_in_words(backup.size)})" if backup.size else ""
    return f"backup {backup_id} of {date_in_words(backup.created)}{size}"


def _instance(inputs: Mapping[str, Any], instance: Instance | None) -> str:
    instance_id = inputs.get("instance_id")
    if instance_id == UNKNOWN:
        return "an instance that is not known yet"
    return f"instance {instance.name}" if instance is not None and instance.name else f"instance {instance_id}"

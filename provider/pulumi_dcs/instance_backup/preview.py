"""What a preview tells beside the diff: which backup is taken, and what becomes of the one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

from ..api.parsing import BackupStatus
from .properties import Inputs, normalised


def adoption(news: Mapping[str, Any]) -> str:
    """Of a resource that takes over an existing backup; its inputs."""
    return f"Takes over {_backup(news['adopt_backup_id'])} of {_instance(news)}; no backup is taken."


def replacement(
    instance_id: str, backup_id: str, status: BackupStatus, olds: Mapping[str, Any], news: Mapping[str, Any]
) -> str:
    """Of a replacement.

    Args:
        instance_id, backup_id, status, olds: of the backup that is there, and its properties.
        news: the inputs of the one that takes its place.
    """
    why = {
        BackupStatus.FAILED: f"Backup {backup_id} failed. ",
        BackupStatus.EXPIRED: f"Backup {backup_id} has expired. ",
        BackupStatus.DELETED: f"Backup {backup_id} is gone. ",
    }.get(status, "")
    if "adopt_backup_id" in news:
        begin = f"Takes over {_backup(news['adopt_backup_id'])} of {_instance(news)}"
    else:
        begin = f"Takes a new backup of {_instance(news)}"
    old = f"backup {backup_id}" + (f" of instance {instance_id}" if news.get("instance_id") != instance_id else "")
    is_kept = Inputs.of(normalised(olds)).retain_on_delete
    return f"{why}{begin}, then {f'leaves {old} at the service (retain_on_delete)' if is_kept else f'deletes {old}'}."


def going_on(instance_id: str, backup_id: str) -> str:
    """Of an update for a backup that still runs."""
    return f"Goes on waiting for backup {backup_id} of instance {instance_id}."


def cleaning_up(backup_id: str) -> str:
    """Of an update for what the journal knows of beside the backup in the state."""
    return f"Deletes what an interrupted run left beside backup {backup_id}."


def _instance(news: Mapping[str, Any]) -> str:
    instance_id = news.get("instance_id")
    return "an instance that is not known yet" if instance_id == UNKNOWN else f"instance {instance_id}"


def _backup(backup_id: str) -> str:
    return "a backup that is not known yet" if backup_id == UNKNOWN else f"backup {backup_id}"

"""Why an instance can't be backed up or restored now: its status, its task, a backup that runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from .problems import Problem
from .records import StoredBackup, StoredInstance

BACKUP_TASK: Final = "BACKUPING"
"""The task that an instance's details name while a backup runs."""

CODES_BY_STATUS: Final = MappingProxyType(
    {
        "CREATING": "DCS.4118",
        "RESTARTING": "DCS.4111",
        "RESTORING": "DCS.4097",
        "EXTENDING": "DCS.4113",
        "UPGRADING": "DCS.4116",
        "FREEZING": "DCS.4120",
        "FLUSHING": "DCS.4026",
        "MIGRATING": "DCS.4121",
        "PAYING": "DCS.4107",
    }
)
"""Any other status but RUNNING (CREATEFAILED, ERROR, FROZEN) is DCS.4049."""

CODES_BY_TASK: Final = MappingProxyType(
    {
        BACKUP_TASK: "DCS.4096",
        "RESTORING": "DCS.4097",
        "RECOVERING": "DCS.4104",
        "ORDERING": "DCS.4108",
        "CONFIGURING": "DCS.4114",
        "LOCKED": "DCS.4069",
        "CHANGING_PASSWORD": "DCS.4115",
        "ROLLING_BACK": "DCS.4117",
        "ANALYZING": "DCS.4231",
    }
)
"""Of the tasks only BACKUPING is documented; the other names are this endpoint's own. Any other task is DCS.4017."""

_INSTANCE_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_instance_id(text: str) -> bool:
    """Whether it has the form of an instance's id."""
    return _INSTANCE_ID.fullmatch(text) is not None


def task_of(instance: StoredInstance, backups: Iterable[StoredBackup], now: float) -> str:
    """What the instance is doing; empty for nothing."""
    if instance.task:
        return instance.task
    return BACKUP_TASK if any(backup.is_running_at(now) for backup in backups) else ""


def refuse_if_busy(instance: StoredInstance, backups: Iterable[StoredBackup], now: float) -> None:
    """Raise the documented error of an instance that is busy."""
    if instance.busy_code:
        raise Problem(instance.busy_code)
    if instance.status != "RUNNING":
        raise Problem(CODES_BY_STATUS.get(instance.status, "DCS.4049"))
    if task := task_of(instance, backups, now):
        raise Problem(CODES_BY_TASK.get(task, "DCS.4017"))

"""Backups of Huawei Cloud DCS (Redis) instances as Pulumi resources."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .api.backup_format import BackupFormat
from .hooks import backup_before
from .instance_backup.resource import InstanceBackup

if TYPE_CHECKING:
    from .functions import (
        download_backup,
        get_backup_links,
        get_backups,
        get_backups_output,
        get_instances,
        get_instances_output,
        get_latest_backup,
        get_latest_backup_output,
    )
    from .lookups.found import Backup, BackupLink, Instance

__all__ = [
    "Backup",
    "BackupFormat",
    "BackupLink",
    "Instance",
    "InstanceBackup",
    "backup_before",
    "download_backup",
    "get_backup_links",
    "get_backups",
    "get_backups_output",
    "get_instances",
    "get_instances_output",
    "get_latest_backup",
    "get_latest_backup_output",
]

_LOADED_WHEN_USED: Final = {
    "lookups.found": ("Backup", "BackupLink", "Instance"),
    "functions": (
        "download_backup",
        "get_backup_links",
        "get_backups",
        "get_backups_output",
        "get_instances",
        "get_instances_output",
        "get_latest_backup",
        "get_latest_backup_output",
    ),
}
"""By module: a program that only declares backups needs no HTTP."""


def __getattr__(name: str) -> Any:
    for module, names in _LOADED_WHEN_USED.items():
        if name in names:
            found = globals()[name] = getattr(import_module(f".{module}", __name__), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

"""Backups of one instance, as the service lists them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Final

from pulumi_dcs.api.backups import BackupRecord, BackupStatus

START: Final = datetime(2026, 11, 1, 2, tzinfo=timezone.utc)


def record(backup_id: str, *, night: float = 0.0, status: str = "succeed", **more: Any) -> BackupRecord:
    """A backup of that night."""
    about: dict[str, Any] = {
        "backup_type": "manual",
        "remark": "nightly",
        "size": 1181116006,
        "created_at": f"{START + timedelta(days=night):%Y-%m-%dT%H:%M:%S.000Z}",
        "is_support_restore": True,
    }
    return BackupRecord(backup_id, BackupStatus.of(status), status, **{**about, **more})

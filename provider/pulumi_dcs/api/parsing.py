"""What the service sends, read with tolerance: fields may be missing, null, or of another type.

The fields follow ``BackupRecordResponse`` and ``ShowInstance`` of the DCS API, v2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from typing import Any, Final


class BackupFormat(str, Enum):
    """The file format of a backup. ``rdb`` is the service's default."""

    AOF = "aof"
    RDB = "rdb"


class BackupStatus(str, Enum):
    """Where a backup stands. ``UNKNOWN`` stands for any value that is not documented."""

    WAITING = "waiting"
    BACKUPING = "backuping"
    SUCCEED = "succeed"
    FAILED = "failed"
    EXPIRED = "expired"
    DELETED = "deleted"
    UNKNOWN = "unknown"

    @property
    def is_running(self) -> bool:
        """Whether the service is at it, which keeps the instance busy."""
        return self in (BackupStatus.WAITING, BackupStatus.BACKUPING)

    @property
    def is_gone(self) -> bool:
        """Whether the backup exists no more."""
        return self in (BackupStatus.EXPIRED, BackupStatus.DELETED)

    @property
    def is_final(self) -> bool:
        """Whether it will not change by waiting."""
        return self in (BackupStatus.SUCCEED, BackupStatus.FAILED) or self.is_gone


@dataclass(frozen=True)
class BackupRecord:
    """One row of an instance's list of backups."""

    backup_id: str
    status: BackupStatus
    instance_id: str = ""
    backup_name: str = ""
    backup_type: str = ""
    remark: str = ""
    backup_format: str = ""
    progress: str = ""
    size: int | None = None
    created_at: str = ""
    updated_at: str = ""
    error_code: str = ""
    is_support_restore: bool | None = None

    @property
    def percent(self) -> float | None:
        """The progress in percent, 0 to 100; None where the service did not say it readably."""
        try:
            value = float(self.progress.rstrip("% "))
        except ValueError:
            return None
        return value if 0 <= value <= 100 else None

    @property
    def created(self) -> datetime | None:
        """When the backup was begun, by the service's clock."""
        return parse_time(self.created_at)

    @property
    def updated(self) -> datetime | None:
        """When it last changed, by the service's clock: for a finished backup, when it ended."""
        return parse_time(self.updated_at)

    @classmethod
    def parse(cls, row: object) -> BackupRecord | None:
        """Read one row; None where it is no backup record (no ``backup_id``)."""
        if not isinstance(row, Mapping):
            return None
        backup_id = _word(row.get("backup_id"))
        if not backup_id:
            return None
        try:
            status = BackupStatus(_word(row.get("status")).lower())
        except ValueError:
            status = BackupStatus.UNKNOWN
        return cls(
            backup_id=backup_id,
            status=status,
            instance_id=_word(row.get("instance_id")),
            backup_name=_word(row.get("backup_name")),
            backup_type=_word(row.get("backup_type")),
            remark=_text(row.get("remark")),
            backup_format=_word(row.get("backup_format")).lower(),
            progress=_word(row.get("progress")),
            size=_whole_number(row.get("size")),
            created_at=_word(row.get("created_at")),
            updated_at=_word(row.get("updated_at")),
            error_code=_word(row.get("error_code")),
            is_support_restore=_boolean(row.get("is_support_restore")),
        )


@dataclass(frozen=True)
class BackupPage:
    """One page of an instance's list of backups."""

    total: int | None
    records: tuple[BackupRecord, ...]
    row_count: int
    service_time: datetime | None = None


@dataclass(frozen=True)
class Instance:
    """What matters of an instance: can it be backed up?"""

    instance_id: str
    cache_mode: str = ""
    status: str = ""
    engine_version: str = ""

    @property
    def is_single_node(self) -> bool:
        """Single-node instances cannot be backed up."""
        return self.cache_mode == "single"

    @classmethod
    def parse(cls, body: object, instance_id: str) -> Instance:
        """Read the answer of "show the instance"."""
        row: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
        return cls(
            instance_id=instance_id,
            cache_mode=_word(row.get("cache_mode")).lower(),
            status=_word(row.get("status")),
            engine_version=_word(row.get("engine_version")),
        )


_TIME_SHAPES: Final = ("%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S")


def parse_time(text: str) -> datetime | None:
    """Read a time in one of the shapes that the service uses (UTC); None where it is in none of them."""
    for shape in _TIME_SHAPES:
        try:
            return datetime.strptime(text, shape).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    return None


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return ""


def _word(value: object) -> str:
    return _text(value).strip()


def _whole_number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = int(float(value)) if not isinstance(value, int) else value
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 2**63 else None


def _boolean(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(_word(value).lower())

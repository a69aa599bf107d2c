"""The backups of an instance: create, list, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from .backup_format import BackupFormat
from .clock import Pause
from .messages import Request, path_segment
from .pages import MAX_PAGE_SIZE, Page, read_page
from .parsing import boolean, parse_time, percent_of, text, whole_number, word

if TYPE_CHECKING:
    from .client import Client

__all__ = ["BackupFormat", "BackupRecord", "BackupStatus", "Backups"]


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
        """Whether the backup is being made, which keeps the instance busy."""
        return self in (BackupStatus.WAITING, BackupStatus.BACKUPING)

    @property
    def is_gone(self) -> bool:
        """Whether the backup no longer exists."""
        return self in (BackupStatus.EXPIRED, BackupStatus.DELETED)

    @property
    def is_final(self) -> bool:
        """Whether it will not change by waiting."""
        return self in (BackupStatus.SUCCEED, BackupStatus.FAILED) or self.is_gone

    @classmethod
    def of(cls, text: str) -> BackupStatus:
        """The status that the service writes like this."""
        try:
            return cls(text.lower())
        except ValueError:
            return cls.UNKNOWN


@dataclass(frozen=True)
class BackupRecord:
    """One row of an instance's list of backups.

    Attributes:
        status_text: what the service wrote as the status, also where it is not a documented one.
        backup_name: made by the service, with the region's local time in it: no time is to be taken from it.
        execution_at: when the backup really began, some seconds after it was created.
    """

    backup_id: str
    status: BackupStatus
    status_text: str = ""
    instance_id: str = ""
    backup_name: str = ""
    backup_type: str = ""
    remark: str = ""
    backup_format: str = ""
    progress: str = ""
    size: int | None = None
    created_at: str = ""
    updated_at: str = ""
    execution_at: str = ""
    error_code: str = ""
    is_support_restore: bool | None = None

    @property
    def percent(self) -> float | None:
        """The progress in percent, 0 to 100; None where it can't be read."""
        return percent_of(self.progress)

    # As operations.records.Record has it.

    @property
    def id(self) -> str:
        """The backup's id."""
        return self.backup_id

    @property
    def is_waiting(self) -> bool:
        """Whether the backup has not started yet; such a one is running as well."""
        return self.status is BackupStatus.WAITING

    @property
    def is_running(self) -> bool:
        """Whether the service is working on it."""
        return self.status.is_running

    @property
    def has_succeeded(self) -> bool:
        """Whether it ended well."""
        return self.status is BackupStatus.SUCCEED

    @property
    def has_failed(self) -> bool:
        """Whether it ended badly."""
        return self.status is BackupStatus.FAILED

    @property
    def is_gone(self) -> bool:
        """Whether it is listed as one that no longer exists."""
        return self.status.is_gone

    @property
    def is_usable(self) -> bool | None:
        """Whether an instance can be restored from it; None where the service does not say."""
        return self.is_support_restore

    @property
    def created(self) -> datetime | None:
        """When the backup was started, by the service's clock."""
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
        backup_id = word(row.get("backup_id"))
        if not backup_id:
            return None
        status_text = word(row.get("status"))
        return cls(
            backup_id=backup_id,
            status=BackupStatus.of(status_text),
            status_text=status_text,
            instance_id=word(row.get("instance_id")),
            backup_name=word(row.get("backup_name")),
            backup_type=word(row.get("backup_type")),
            remark=text(row.get("remark")),
            backup_format=word(row.get("backup_format")).lower(),
            progress=word(row.get("progress")),
            size=whole_number(row.get("size")),
            created_at=word(row.get("created_at")),
            updated_at=word(row.get("updated_at")),
            execution_at=word(row.get("execution_at")),
            error_code=word(row.get("error_code")),
            is_support_restore=boolean(row.get("is_support_restore")),
        )


class Backups:
    """The backups of instances at one location; cheap to make, one for each operation.

    Args:
        pause: sleeps; raises when the operation has to end. The clock's by default.
    """

    def __init__(self, client: Client, pause: Pause | None = None) -> None:
        self._client = client
        self._pause = pause

    def create(self, instance_id: str, *, remark: str = "", backup_format: BackupFormat | None = None) -> str:
        """POST …/backups ("back up a specified instance"); the new backup's id.

        Raises:
            UnexpectedResponse: also for a 200 without a ``backup_id``.
        """
        action = f"back up instance {instance_id}"
        body = {}
        if remark:
            body["remark"] = remark
        if backup_format is not None:
            body["backup_format"] = backup_format.value
        request = Request("POST", self._path(instance_id), body=body)
        response = self._client.send(request, action=action, expected=(200, 201, 202), pause=self._pause)
        parsed = response.json()
        backup_id = parsed.get("backup_id") if isinstance(parsed, Mapping) else None
        if not isinstance(backup_id, str) or not backup_id.strip():
            raise self._client.unexpected(response, request, action=action)
        return backup_id.strip()

    def list_page(self, instance_id: str, *, limit: int = MAX_PAGE_SIZE, offset: int = 0) -> Page[BackupRecord]:
        """GET …/backups: one page of the instance's backups.

        Without a filter by time, the only one there is: a ``begin_time`` ahead of the service's clock would be refused,
        with the same code as a backup that is gone.
        """
        return read_page(
            self._client,
            self._path(instance_id),
            action=f"list the backups of instance {instance_id}",
            rows="backup_record_response",
            total="total_num",
            parse=BackupRecord.parse,
            limit=limit,
            offset=offset,
            pause=self._pause,
        )

    def delete(self, instance_id: str, backup_id: str) -> None:
        """DELETE …/backups/{backup_id}. The record may stay listed for a while."""
        request = Request("DELETE", f"{self._path(instance_id)}/{path_segment(backup_id)}")
        action = f"delete backup {backup_id} of instance {instance_id}"
        self._client.send(request, action=action, expected=(204,), pause=self._pause)

    def _path(self, instance_id: str) -> str:
        project_id = path_segment(self._client.location.project_id)
        return f"/v2/{project_id}/instances/{path_segment(instance_id)}/backups"

"""The restores of an instance in place: start one, list them. The service has no "show one", and none is deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Final

from .clock import Pause
from .messages import Request, path_segment, service_time
from .parsing import count, parse_time, percent_of, text, word

if TYPE_CHECKING:
    from .client import Client

MAX_PAGE_SIZE: Final = 1000
"""Records per page; the most that the service gives."""


class RestoreStatus(str, Enum):
    """Where a restore stands. ``UNKNOWN`` stands for any value that is not documented."""

    WAITING = "waiting"
    RESTORING = "restoring"
    SUCCEED = "succeed"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, text: str) -> RestoreStatus:
        """The status that the service writes like this."""
        try:
            return cls(text.lower())
        except ValueError:
            return cls.UNKNOWN


@dataclass(frozen=True)
class RestoreRecord:
    """One row of an instance's list of restores.

    Attributes:
        status_text: what the service wrote as the status, also where it is not a documented one.
        remark: the restore's own.
    """

    restore_id: str
    status: RestoreStatus
    status_text: str = ""
    backup_id: str = ""
    backup_name: str = ""
    remark: str = ""
    progress: str = ""
    created_at: str = ""
    updated_at: str = ""
    error_code: str = ""

    # As operations.records.Record has it.

    is_gone: ClassVar[bool] = False
    """A restore that has been carried out stays carried out."""
    is_usable: ClassVar[bool | None] = None

    @property
    def id(self) -> str:
        """The restore's id."""
        return self.restore_id

    @property
    def is_waiting(self) -> bool:
        """Whether it has not started yet; such a one is running as well."""
        return self.status is RestoreStatus.WAITING

    @property
    def is_running(self) -> bool:
        """Whether the service is working on it."""
        return self.status in (RestoreStatus.WAITING, RestoreStatus.RESTORING)

    @property
    def has_succeeded(self) -> bool:
        """Whether it ended well."""
        return self.status is RestoreStatus.SUCCEED

    @property
    def has_failed(self) -> bool:
        """Whether it ended badly."""
        return self.status is RestoreStatus.FAILED

    @property
    def percent(self) -> float | None:
        """The progress in percent, 0 to 100; None where it can't be read."""
        return percent_of(self.progress)

    @property
    def created(self) -> datetime | None:
        """When it was started, by the service's clock."""
        return parse_time(self.created_at)

    @property
    def updated(self) -> datetime | None:
        """When it last changed, by the service's clock: for a finished one, when it ended."""
        return parse_time(self.updated_at)

    @property
    def finished_at(self) -> str:
        """When it ended, as the service writes it; empty while it runs."""
        return self.updated_at if self.has_succeeded or self.has_failed else ""

    @classmethod
    def parse(cls, row: object) -> RestoreRecord | None:
        """Read one row; None where it is no restore record (no ``restore_id``)."""
        restore_id = word(row.get("restore_id")) if isinstance(row, Mapping) else ""
        if not isinstance(row, Mapping) or not restore_id:
            return None
        status_text = word(row.get("status"))
        return cls(
            restore_id=restore_id,
            status=RestoreStatus.of(status_text),
            status_text=status_text,
            backup_id=word(row.get("backup_id")),
            backup_name=word(row.get("backup_name")),
            remark=text(row.get("restore_remark")),
            progress=word(row.get("progress")),
            created_at=word(row.get("created_at")),
            updated_at=word(row.get("updated_at")),
            error_code=word(row.get("error_code")),
        )


@dataclass(frozen=True)
class RestorePage:
    """One page of an instance's list of restores.

    Attributes:
        total: how many restores the service says there are; None where it says nothing that can be read.
        records: those rows that are restore records.
        row_count: how many rows there are, readable or not.
        service_time: when it was made, by the service's clock, in whole seconds.
        offset, limit: what was asked for.
    """

    total: int | None
    records: tuple[RestoreRecord, ...]
    row_count: int
    service_time: datetime | None = None
    offset: int = 0
    limit: int = MAX_PAGE_SIZE

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after it, as far as this page tells."""
        end = self.offset + self.row_count
        return self.row_count == 0 or (end >= self.total if self.total is not None else self.row_count < self.limit)


class Restores:
    """The restores of instances at one location; cheap to make, one for each operation.

    Args:
        pause: sleeps; raises when the operation has to end. The clock's by default.
    """

    def __init__(self, client: Client, pause: Pause | None = None) -> None:
        self._client = client
        self._pause = pause

    def create(self, instance_id: str, backup_id: str, *, remark: str = "") -> str:
        """POST …/restores ("restore a specified instance"), which overwrites the instance's data; the restore's id.

        Raises:
            UnexpectedResponse: also for a 200 without a ``restore_id``.
        """
        action = f"restore instance {instance_id} from backup {backup_id}"
        body = {"backup_id": backup_id, **({"remark": remark} if remark else {})}
        request = Request("POST", self._path(instance_id), body=body)
        response = self._client.send(request, action=action, expected=(200, 201, 202), pause=self._pause)
        parsed = response.json()
        restore_id = word(parsed.get("restore_id")) if isinstance(parsed, Mapping) else ""
        if not restore_id:
            raise self._client.unexpected(response, request, action=action)
        return restore_id

    def list_page(self, instance_id: str, *, limit: int = MAX_PAGE_SIZE, offset: int = 0) -> RestorePage:
        """GET …/restores: one page of the instance's restores."""
        action = f"list the restores of instance {instance_id}"
        request = Request("GET", self._path(instance_id), query=(("limit", str(limit)), ("offset", str(offset))))
        response = self._client.send(request, action=action, expected=(200, 204), pause=self._pause)
        if response.status == 204:
            # Nothing from the offset on: how many there are before it, this does not tell.
            return RestorePage(None if offset else 0, (), 0, service_time(response), offset, limit)
        body = response.json()
        rows = body.get("restore_record_response") if isinstance(body, Mapping) else None
        total = count(body.get("total_num")) if isinstance(body, Mapping) else None
        if rows is None and total == 0:
            rows = []
        if not isinstance(rows, list):
            raise self._client.unexpected(response, request, action=action)
        records = tuple(record for record in map(RestoreRecord.parse, rows) if record is not None)
        return RestorePage(total, records, len(rows), service_time(response), offset, limit)

    def _path(self, instance_id: str) -> str:
        project_id = path_segment(self._client.location.project_id)
        return f"/v2/{project_id}/instances/{path_segment(instance_id)}/restores"

"""The analyses of a backup's keys ("offline key analysis"): start one of a backup, list, read the counts, delete.

What the service tells of single keys is dropped here: their names are the users' data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Final

from .clock import Pause
from .messages import Request, path_segment, service_time
from .parsing import count, parse_time, whole_number, word

if TYPE_CHECKING:
    from .client import Client

MAX_PAGE_SIZE: Final = 1000
"""Records per page; the most that the service gives."""


class AnalysisStatus(str, Enum):
    """Where an analysis stands. ``UNKNOWN`` stands for any value that is not documented."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, text: str) -> AnalysisStatus:
        """The status that the service writes like this."""
        try:
            return cls(text.lower())
        except ValueError:
            return cls.UNKNOWN


@dataclass(frozen=True)
class AnalysisRecord:
    """One row of an instance's list of analyses, which does not tell of which backup.

    Attributes:
        status_text: what the service wrote as the status, also where it is not a documented one.
    """

    task_id: str
    status: AnalysisStatus
    status_text: str = ""
    created_at: str = ""
    finished_at: str = ""

    # As operations.records.Record has it.

    is_gone: ClassVar[bool] = False
    is_usable: ClassVar[bool | None] = None
    percent: ClassVar[float | None] = None
    error_code: ClassVar[str] = ""
    """The service tells none of these."""

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task_id

    @property
    def is_waiting(self) -> bool:
        """Whether it has not started yet; such a one is running as well."""
        return self.status is AnalysisStatus.WAITING

    @property
    def is_running(self) -> bool:
        """Whether the service is working on it."""
        return self.status in (AnalysisStatus.WAITING, AnalysisStatus.RUNNING)

    @property
    def has_succeeded(self) -> bool:
        """Whether it ended well."""
        return self.status is AnalysisStatus.SUCCESS

    @property
    def has_failed(self) -> bool:
        """Whether it ended badly."""
        return self.status is AnalysisStatus.FAILED

    @property
    def created(self) -> datetime | None:
        """When it was started, by the service's clock."""
        return parse_time(self.created_at)

    @property
    def updated(self) -> datetime | None:
        """When it ended, by the service's clock."""
        return parse_time(self.finished_at)

    @classmethod
    def parse(cls, row: object) -> AnalysisRecord | None:
        """Read one row; None where it is no analysis (no ``id``)."""
        task_id = word(row.get("id")) if isinstance(row, Mapping) else ""
        if not isinstance(row, Mapping) or not task_id:
            return None
        status_text = word(row.get("status"))
        return cls(
            task_id,
            AnalysisStatus.of(status_text),
            status_text,
            created_at=word(row.get("created_at")),
            finished_at=word(row.get("finished_at")),
        )


@dataclass(frozen=True)
class AnalysisPage:
    """One page of an instance's list of analyses.

    Attributes:
        total: how many there are, as the service says; None where it says nothing that can be read.
        records: those rows that are analyses.
        row_count: how many rows there are, readable or not.
        service_time: when it was made, by the service's clock, in whole seconds.
        offset, limit: what was asked for.
    """

    total: int | None
    records: tuple[AnalysisRecord, ...]
    row_count: int
    service_time: datetime | None = None
    offset: int = 0
    limit: int = MAX_PAGE_SIZE

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after it, as far as this page tells."""
        end = self.offset + self.row_count
        return self.row_count == 0 or (end >= self.total if self.total is not None else self.row_count < self.limit)


@dataclass(frozen=True)
class KeyCounts:
    """What an analysis has found; no key's name is among it.

    Attributes:
        backup_id, node_id: what was analysed.
        keys: how many keys there are; None where the service does not say, as before the analysis has succeeded.
        bytes: how much memory they take, as the service reckons.
        by_type: how many there are of each type, such as ``string`` or ``hash``.
        finished_at: when it ended, as the service writes it.
    """

    backup_id: str = ""
    node_id: str = ""
    keys: int | None = None
    bytes: int | None = None
    by_type: tuple[tuple[str, int], ...] = ()
    finished_at: str = ""

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> KeyCounts:
        """Read an analysis."""
        rows = body.get("type_num")
        types = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
        numbers = [(word(row.get("type")).lower(), whole_number(row.get("num"))) for row in types]
        return cls(
            backup_id=word(body.get("backup_id")),
            node_id=word(body.get("node_id")),
            keys=whole_number(body.get("total_num")),
            bytes=whole_number(body.get("total_bytes")),
            by_type=tuple(sorted((name, number) for name, number in numbers if name and number)),
            finished_at=word(body.get("finished_at")),
        )


class KeyAnalyses:
    """The key analyses of instances at one location; cheap to make, one for each operation.

    Args:
        pause: sleeps; raises when the operation has to end. The clock's by default.
    """

    def __init__(self, client: Client, pause: Pause | None = None) -> None:
        self._client = client
        self._pause = pause

    def create(self, instance_id: str, backup_id: str, node_id: str) -> str:
        """POST …/offline/key-analysis: have a backup's keys on one node analysed; the task's id.

        Without a backup the service would make a new one, so there is no way to leave it out.

        Raises:
            ValueError: ``backup_id`` or ``node_id`` is empty.
            UnexpectedResponse: also for a 200 without a ``task_id``.
        """
        if not backup_id or not node_id:
            raise ValueError("a key analysis needs the id of a backup and of a node")
        action = f"analyse the keys of backup {backup_id} of instance {instance_id}"
        request = Request("POST", self._path(instance_id), body={"node_id": node_id, "backup_id": backup_id})
        response = self._client.send(request, action=action, expected=(200, 201, 202), pause=self._pause)
        parsed = response.json()
        task_id = word(parsed.get("task_id")) if isinstance(parsed, Mapping) else ""
        if not task_id:
            raise self._client.unexpected(response, request, action=action)
        return task_id

    def list_page(self, instance_id: str, *, limit: int = MAX_PAGE_SIZE, offset: int = 0) -> AnalysisPage:
        """GET …/offline/key-analysis: one page of the instance's analyses."""
        action = f"list the key analyses of instance {instance_id}"
        request = Request("GET", self._path(instance_id), query=(("limit", str(limit)), ("offset", str(offset))))
        response = self._client.send(request, action=action, expected=(200, 204), pause=self._pause)
        if response.status == 204:
            # Nothing from the offset on: how many there are before it, this does not tell.
            return AnalysisPage(None if offset else 0, (), 0, service_time(response), offset, limit)
        body = response.json()
        rows = body.get("records") if isinstance(body, Mapping) else None
        total = count(body.get("total")) if isinstance(body, Mapping) else None
        if rows is None and total == 0:
            rows = []
        if not isinstance(rows, list):
            raise self._client.unexpected(response, request, action=action)
        records = tuple(record for record in map(AnalysisRecord.parse, rows) if record is not None)
        return AnalysisPage(total, records, len(rows), service_time(response), offset, limit)

    def show(self, instance_id: str, task_id: str) -> KeyCounts:
        """GET …/offline/key-analysis/{task_id}: of what it is, and its counts once it has succeeded."""
        action = f"read key analysis {task_id} of instance {instance_id}"
        request = Request("GET", f"{self._path(instance_id)}/{path_segment(task_id)}")
        response = self._client.send(request, action=action, pause=self._pause)
        body = response.json()
        if not isinstance(body, Mapping):
            raise self._client.unexpected(response, request, action=action)
        return KeyCounts.parse(body)

    def delete(self, instance_id: str, task_id: str) -> None:
        """DELETE …/offline/key-analysis/{task_id}. The backup stays."""
        request = Request("DELETE", f"{self._path(instance_id)}/{path_segment(task_id)}")
        action = f"delete key analysis {task_id} of instance {instance_id}"
        self._client.send(request, action=action, expected=(200, 202, 204), pause=self._pause)

    def _path(self, instance_id: str) -> str:
        project_id = path_segment(self._client.location.project_id)
        return f"/v2/{project_id}/instances/{path_segment(instance_id)}/offline/key-analysis"

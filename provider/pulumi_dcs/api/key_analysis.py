"""The analyses of a backup's keys ("offline key analysis"): start one, list, show, delete.

What the service tells of single keys (their names, and prefixes of them) is dropped where a response is read: it is
often personal data, and nobody here needs it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final

from .clock import Pause
from .errors import DcsError
from .messages import Request, Response, path_segment
from .pages import MAX_PAGE_SIZE, Page, read_page
from .parsing import parse_time, whole_number, word

if TYPE_CHECKING:
    from .client import Client

_TYPE: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
"""What can be the name of a type of keys; anything else in its place is not kept."""
_TASK_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
"""What can be a task's id: it becomes part of a URL, and of the resource's id."""
_OTHER_TYPES: Final = "other"


@dataclass(frozen=True)
class AnalysisTask:
    """One row of an instance's list of analyses, which tells neither the backup nor the node.

    Attributes:
        status_text: as the service writes it: ``waiting``, ``running``, ``success`` or ``failed``.
    """

    task_id: str
    status_text: str = ""
    created_at: str = ""
    started_at: str = ""
    finished_at: str = ""

    # As operations.records.Record has it.

    is_gone: ClassVar[bool] = False
    is_usable: ClassVar[bool | None] = None
    percent: ClassVar[float | None] = None
    error_code: ClassVar[str] = ""

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task_id

    @property
    def is_waiting(self) -> bool:
        """Whether it has not started yet; such a one is running as well."""
        return self.status_text.lower() == "waiting"

    @property
    def is_running(self) -> bool:
        """Whether the service is working on it."""
        return self.status_text.lower() in ("waiting", "running")

    @property
    def has_succeeded(self) -> bool:
        """Whether the file was read to its end."""
        return self.status_text.lower() == "success"

    @property
    def has_failed(self) -> bool:
        """Whether the file could not be read."""
        return self.status_text.lower() == "failed"

    @property
    def created(self) -> datetime | None:
        """When it was created, by the service's clock."""
        return parse_time(self.created_at)

    @property
    def updated(self) -> datetime | None:
        """When it ended, by the service's clock."""
        return parse_time(self.finished_at)

    @classmethod
    def parse(cls, row: object) -> AnalysisTask | None:
        """Read one row; None where it is no task (no ``id``)."""
        task_id = word(row.get("id")) if isinstance(row, Mapping) else ""
        if not isinstance(row, Mapping) or not task_id:
            return None
        return cls(
            task_id=task_id,
            status_text=word(row.get("status")),
            created_at=word(row.get("created_at")),
            started_at=word(row.get("started_at")),
            finished_at=word(row.get("finished_at")),
        )


@dataclass(frozen=True)
class KeyAnalysis:
    """An analysis by itself, without what it tells of single keys.

    Attributes:
        key_count, key_bytes: of all keys of the node; None until the analysis has succeeded.
        keys_by_type: how many keys there are of each type.
    """

    task_id: str
    backup_id: str = ""
    node_id: str = ""
    finished_at: str = ""
    key_count: int | None = None
    key_bytes: int | None = None
    keys_by_type: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, body: Mapping[str, object], task_id: str) -> KeyAnalysis:
        """Read an analysis; ``largest_keys`` and ``largest_key_prefixes`` are not looked at."""
        return cls(
            task_id=task_id,
            backup_id=word(body.get("backup_id")),
            node_id=word(body.get("node_id")),
            finished_at=word(body.get("finished_at")),
            key_count=whole_number(body.get("total_num")),
            key_bytes=whole_number(body.get("total_bytes")),
            keys_by_type=_counts(body.get("type_num")),
        )


class KeyAnalyses:
    """The analyses of instances at one location; cheap to make, one for each operation.

    Args:
        pause: sleeps; raises when the operation has to end. The clock's by default.
    """

    def __init__(self, client: Client, pause: Pause | None = None) -> None:
        self._client = client
        self._pause = pause

    def create(self, instance_id: str, *, node_id: str, backup_id: str) -> str:
        """POST …/offline/key-analysis: have a node's part of a backup analysed; the task's id.

        Raises:
            DcsError: there is no ``backup_id``: without one, the service would make a backup. Nothing was sent.
            UnexpectedResponse: also for a 200 without a ``task_id``.
        """
        for name, value in (("backup_id", backup_id), ("node_id", node_id)):
            if not value.strip():
                raise DcsError(f"{name} is empty: no key analysis of instance {instance_id} was started.")
        action = f"analyse the keys of backup {backup_id} of instance {instance_id}"
        body = {"node_id": node_id, "backup_id": backup_id}
        request = Request("POST", self._path(instance_id), body=body, is_confidential=True)
        response = self._client.send(request, action=action, expected=(200, 201, 202), pause=self._pause)
        parsed = response.json()
        task_id = word(parsed.get("task_id")) if isinstance(parsed, Mapping) else ""
        if not _TASK_ID.fullmatch(task_id):
            raise self._client.unexpected(response, request, action=action)
        return task_id

    def list_page(self, instance_id: str, *, limit: int = MAX_PAGE_SIZE, offset: int = 0) -> Page[AnalysisTask]:
        """GET …/offline/key-analysis: one page of the instance's analyses."""
        return read_page(
            self._client,
            self._path(instance_id),
            action=f"list the key analyses of instance {instance_id}",
            rows="records",
            total="total",
            parse=AnalysisTask.parse,
            limit=limit,
            offset=offset,
            pause=self._pause,
            is_confidential=True,
        )

    def show(self, instance_id: str, task_id: str) -> KeyAnalysis:
        """GET …/offline/key-analysis/{task_id}: what it has found, but for what it tells of single keys."""
        action = f"read key analysis {task_id} of instance {instance_id}"
        request = Request("GET", self._path(instance_id, task_id), is_confidential=True)
        response: Response = self._client.send(request, action=action, pause=self._pause)
        body = response.json()
        if not isinstance(body, Mapping):
            raise self._client.unexpected(response, request, action=action)
        return KeyAnalysis.parse(body, task_id)

    def delete(self, instance_id: str, task_id: str) -> None:
        """DELETE …/offline/key-analysis/{task_id}. The backup stays."""
        action = f"delete key analysis {task_id} of instance {instance_id}"
        request = Request("DELETE", self._path(instance_id, task_id), is_confidential=True)
        self._client.send(request, action=action, expected=(200, 204), pause=self._pause)

    def _path(self, instance_id: str, task_id: str | None = None) -> str:
        project_id = path_segment(self._client.location.project_id)
        path = f"/v2/{project_id}/instances/{path_segment(instance_id)}/offline/key-analysis"
        return path if task_id is None else f"{path}/{path_segment(task_id)}"


def _counts(rows: object) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows if isinstance(rows, list) else []:
        number = whole_number(row.get("num")) if isinstance(row, Mapping) else None
        if not isinstance(row, Mapping) or number is None:
            continue
        name = word(row.get("type")).lower()
        name = name if _TYPE.fullmatch(name) else _OTHER_TYPES
        counts[name] = counts.get(name, 0) + number
    return counts

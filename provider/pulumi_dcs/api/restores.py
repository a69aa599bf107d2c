"""The restores of an instance in place: start one, list them. The service has no "show one", and none is deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from .clock import Pause
from .messages import Request, path_segment
from .pages import MAX_PAGE_SIZE, Page, read_page
from .parsing import parse_time, percent_of, text, word

if TYPE_CHECKING:
    from .client import Client


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

    def list_page(self, instance_id: str, *, limit: int = MAX_PAGE_SIZE, offset: int = 0) -> Page[RestoreRecord]:
        """GET …/restores: one page of the instance's restores."""
        return read_page(
            self._client,
            self._path(instance_id),
            action=f"list the restores of instance {instance_id}",
            rows="restore_record_response",
            total="total_num",
            parse=RestoreRecord.parse,
            limit=limit,
            offset=offset,
            pause=self._pause,
        )

    def _path(self, instance_id: str) -> str:
        project_id = path_segment(self._client.location.project_id)
        return f"/v2/{project_id}/instances/{path_segment(instance_id)}/restores"

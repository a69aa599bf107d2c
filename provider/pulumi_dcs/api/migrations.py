"""The tasks that import a backup into another instance. Their bodies can hold passwords: of those, nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from .clock import Pause
from .error_response import clean
from .messages import Request, path_segment
from .pages import MAX_PAGE_SIZE, Page, read_page
from .parsing import parse_time, text, word

if TYPE_CHECKING:
    from .client import Client


class MigrationStatus(str, Enum):
    """Where a task stands. ``UNKNOWN`` stands for any other value: the task is still running, as far as is known."""

    MIGRATING = "MIGRATING"
    FULLMIGRATING = "FULLMIGRATING"
    RUNNING = "RUNNING"
    TERMINATING = "TERMINATING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    MIGRATION_FAILED = "MIGRATION_FAILED"
    TERMINATED = "TERMINATED"
    RELEASED = "RELEASED"
    DELETED = "DELETED"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def of(cls, text: str) -> MigrationStatus:
        """The status that the service writes like this."""
        try:
            return cls(text.upper())
        except ValueError:
            return cls.UNKNOWN

    @property
    def has_failed(self) -> bool:
        """Whether a task in this status has ended without having imported everything; one that was stopped as well."""
        return self in (
            MigrationStatus.FAILED,
            MigrationStatus.MIGRATION_FAILED,
            MigrationStatus.TERMINATED,
            MigrationStatus.RELEASED,
            MigrationStatus.DELETED,
        )


@dataclass(frozen=True)
class MigrationTask:
    """One row of a project's list of tasks: what is named here, and nothing else of it.

    Attributes:
        name: as it was given; this package's are made so that they tell whose they are.
        target_instance_id: the instance that is written to; empty where the row does not say.
        error_message: why it failed, in the service's words.
    """

    task_id: str
    status: MigrationStatus
    status_text: str = ""
    name: str = ""
    target_instance_id: str = ""
    created_at: str = ""
    released_at: str = ""
    error_message: str = ""

    # As operations.records.Record has it.

    is_waiting: ClassVar[bool] = False
    is_gone: ClassVar[bool] = False
    """An import that has been carried out stays carried out."""
    is_usable: ClassVar[bool | None] = None
    percent: ClassVar[float | None] = None
    updated: ClassVar[datetime | None] = None
    progress: ClassVar[str] = ""
    backup_name: ClassVar[str] = ""

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task_id

    @property
    def is_running(self) -> bool:
        """Whether the service is working on it, as far as is known."""
        return not self.has_succeeded and not self.has_failed

    @property
    def has_succeeded(self) -> bool:
        """Whether it ended well."""
        return self.status is MigrationStatus.SUCCESS

    @property
    def has_failed(self) -> bool:
        """Whether it ended badly, or was stopped."""
        return self.status.has_failed

    @property
    def created(self) -> datetime | None:
        """When it was started, by the service's clock."""
        return parse_time(self.created_at)

    @property
    def finished_at(self) -> str:
        """When it ended, as the service writes it; empty where it does not tell."""
        return self.released_at

    @property
    def error_code(self) -> str:
        """Why it failed: a task has no code, but a message."""
        return self.error_message

    @classmethod
    def parse(cls, row: object, redacted: Callable[[str], str] = str) -> MigrationTask | None:
        """Read one row; None where it is no task (no ``task_id``).

        Args:
            redacted: hides what the service's words must not show.
        """
        task_id = word(row.get("task_id")) if isinstance(row, Mapping) else ""
        if not isinstance(row, Mapping) or not task_id:
            return None
        status_text = word(row.get("status"))
        return cls(
            task_id=task_id,
            status=MigrationStatus.of(status_text),
            status_text=status_text,
            name=word(row.get("task_name")),
            target_instance_id=word(row.get("target_instance_id")),
            created_at=word(row.get("created_at")),
            released_at=word(row.get("released_at")),
            # Before it is cut: the beginning of a password at the cut's edge would no longer be recognised.
            error_message=clean(redacted(text(row.get("error_message"))))[:200],
        )


class Migrations:
    """The tasks of one location's project; cheap to make, one for each operation.

    Args:
        pause: sleeps; raises when the operation has to end. The clock's by default.
    """

    def __init__(self, client: Client, pause: Pause | None = None) -> None:
        self._client = client
        self._pause = pause

    def import_backup(
        self, instance_id: str, backup_id: str, *, name: str, description: str = "", password: str = ""
    ) -> str:
        """POST …/migration-task: have a backup of another instance written into this one; the task's id.

        Args:
            name: the task's: 4 to 64 letters, digits, ``-`` and ``_``, the first one a letter.
            password: of the instance that is written to; empty where it has none.

        Raises:
            UnexpectedResponse: also for a 200 without an ``id``.
        """
        action = f"import backup {backup_id} into instance {instance_id}"
        body = {
            "task_name": name,
            "migration_type": "backupfile_import",
            "migration_method": "full_amount_migration",
            "backup_files": {"file_source": "backup_record", "backup_id": backup_id},
            "target_instance": {"id": instance_id, **({"password": password} if password else {})},
            **({"description": description} if description else {}),
        }
        self._client.hide(password)
        request = Request("POST", self._path("migration-task"), body=body, is_confidential=True)
        response = self._client.send(request, action=action, expected=(200, 201, 202), pause=self._pause)
        parsed = response.json()
        task_id = word(parsed.get("id")) if isinstance(parsed, Mapping) else ""
        if not task_id:
            raise self._client.unexpected(response, request, action=action)
        return task_id

    def list_page(self, instance_id: str, *, limit: int = MAX_PAGE_SIZE, offset: int = 0) -> Page[MigrationTask]:
        """GET …/migration-tasks: one page of all tasks of the project, whatever instance they write to."""
        return read_page(
            self._client,
            self._path("migration-tasks"),
            action=f"list the imports into instance {instance_id}",
            rows="migration_tasks",
            total="count",
            parse=lambda row: MigrationTask.parse(row, self._client.redacted),
            limit=limit,
            offset=offset,
            pause=self._pause,
            is_confidential=True,
        )

    def _path(self, name: str) -> str:
        return f"/v2/{path_segment(self._client.location.project_id)}/{name}"

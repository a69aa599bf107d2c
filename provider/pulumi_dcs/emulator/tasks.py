"""Restores, imports and key analyses as they are stored; where each stands follows from the time."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from types import MappingProxyType
from typing import Any, Final


class TaskKind(str, Enum):
    """What a task does."""

    RESTORE = "restore"
    MIGRATION = "migration"
    ANALYSIS = "analysis"


@dataclass(frozen=True)
class StatusWords:
    """How the API calls where a task stands."""

    waiting: str
    running: str
    succeeded: str
    failed: str


WORDS: Final = MappingProxyType(
    {
        TaskKind.RESTORE: StatusWords("waiting", "restoring", "succeed", "failed"),
        TaskKind.MIGRATION: StatusWords("MIGRATING", "MIGRATING", "SUCCESS", "FAILED"),
        TaskKind.ANALYSIS: StatusWords("waiting", "running", "success", "failed"),
    }
)
TERMINATED: Final = "TERMINATED"
"""The status of an import that was stopped."""

_FINAL: Final = frozenset(
    {word for words in WORDS.values() for word in (words.succeeded, words.failed)}
    | {TERMINATED, "MIGRATION_FAILED", "RELEASED", "DELETED"}
)
_UNFINISHED: Final = frozenset(
    {word for words in WORDS.values() for word in (words.waiting, words.running)} | {"TERMINATING", "FULLMIGRATING"}
)


@dataclass(frozen=True)
class StoredTask:
    """One task: when it began, how long it takes, how it will end.

    Attributes:
        instance_id: the instance that it works on; an import's is its target.
        failure: with what it ends: a restore's error code, an import's error message; empty for success.
        ended: the status it is listed with; empty for the one that follows from the time.
        progress: the progress it is listed with; None for the one that follows from the time.
        details: a JSON object with what only this kind of task has.
        pending: whether work on real data is still going on, whatever the time says.
        finished: when it really ended, where that is not when its time was up.
    """

    task_id: str
    kind: TaskKind
    instance_id: str
    project_id: str
    backup_id: str
    created: float
    duration: float
    failure: str = ""
    ended: str = ""
    progress: str | None = None
    details: str = "{}"
    pending: bool = False
    finished: float | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What only this kind of task has."""
        facts: dict[str, Any] = json.loads(self.details)
        return facts

    @property
    def delay(self) -> float:
        """Seconds for which it waits before it begins."""
        return min(0.5, self.duration * 0.1)

    def is_running_at(self, now: float) -> bool:
        """Whether it still works. A status that nobody documents says nothing about that; the time does."""
        if self.ended in _FINAL:
            return False
        return self.ended in _UNFINISHED or self.pending or now - self.created < self.duration

    def status_at(self, now: float) -> str:
        """The status it is listed with."""
        if self.ended:
            return self.ended
        words = WORDS[self.kind]
        if self.is_running_at(now):
            return words.waiting if now - self.created < self.delay else words.running
        return words.failed if self.failure else words.succeeded

    def is_done_at(self, now: float) -> bool:
        """Whether it has ended with success."""
        return self.status_at(now) == WORDS[self.kind].succeeded

    def ended_at(self, now: float) -> float | None:
        """When it ended; None while it works."""
        return None if self.is_running_at(now) else (self.finished or self.created + self.duration)

    def percent_at(self, now: float) -> float:
        """How far it is, in percent."""
        if not self.is_running_at(now):
            return 0.0 if self.status_at(now) == WORDS[self.kind].failed else 100.0
        # 99 while real data take longer than the time that was set.
        return max(0.0, min(99.0, (now - self.created) / self.duration * 100)) if self.duration > 0 else 0.0


_COLUMNS: Final = tuple(field.name for field in fields(StoredTask))
_SELECT: Final = f"select {', '.join(_COLUMNS)} from tasks"
_CHANGEABLE: Final = frozenset({"duration", "failure", "ended", "created", "progress", "finished", "pending"})


class TaskStore:
    """The tasks in the endpoint's database.

    Args:
        database: where they are kept; the table exists.
        now: the endpoint's clock.
    """

    def __init__(self, database: sqlite3.Connection, now: Callable[[], float]) -> None:
        self._db = database
        self._now = now
        # A job on real data does not outlive its endpoint: what became of it nobody has seen.
        self._db.execute(
            "update tasks set pending = 0, failure = 'dcs.08.0002', duration = max(0, min(duration, ? - created)) "
            "where pending",
            (now(),),
        )

    def add(
        self,
        kind: TaskKind,
        instance_id: str,
        *,
        project_id: str,
        backup_id: str,
        duration: float,
        failure: str = "",
        status: str = "",
        progress: str | None = None,
        pending: bool = False,
        **facts: Any,
    ) -> StoredTask:
        """Begin a task; ``facts`` are what only its kind has."""
        task = StoredTask(
            *(str(uuid.uuid4()), kind, instance_id, project_id, backup_id, self._now(), duration, failure, status),
            *(progress, json.dumps(facts), pending),
        )
        self._db.execute(
            f"insert into tasks ({', '.join(_COLUMNS)}) values ({', '.join('?' * len(_COLUMNS))})",
            tuple(_written(getattr(task, column)) for column in _COLUMNS),
        )
        return task

    def find(self, kind: TaskKind, task_id: str) -> StoredTask | None:
        """The task of that kind and id."""
        found = self._where("kind = ? and task_id = ?", kind.value, task_id)
        return found[0] if found else None

    def of_instance(self, kind: TaskKind, instance_id: str) -> list[StoredTask]:
        """The instance's tasks of that kind, newest first."""
        return self._where("kind = ? and instance_id = ?", kind.value, instance_id)

    def of_project(self, kind: TaskKind, project_id: str) -> list[StoredTask]:
        """The project's tasks of that kind, newest first."""
        return self._where("kind = ? and project_id = ?", kind.value, project_id)

    def all(self, kind: TaskKind) -> list[StoredTask]:
        """Every task of that kind, newest first."""
        return self._where("kind = ?", kind.value)

    def occupied(self, now: float) -> dict[str, TaskKind]:
        """The instances that a restore or an import works on: an analysis only reads a file."""
        rows = self._where(
            "kind != ? and (pending or ended != '' or created + duration > ?)", TaskKind.ANALYSIS.value, now
        )
        return {task.instance_id: task.kind for task in rows if task.is_running_at(now)}

    def change(self, task_id: str, changes: Mapping[str, object]) -> None:
        """Set columns of the task; ``status`` is another name for ``ended``."""
        for name, value in changes.items():
            column = "ended" if name == "status" else name
            if column not in _CHANGEABLE:
                raise ValueError(f"{name} of a task can't be changed")
            self._db.execute(f"update tasks set {column} = ? where task_id = ?", (value, task_id))

    def add_facts(self, task: StoredTask, **facts: Any) -> None:
        """Keep more of what only this kind of task has."""
        self._db.execute(
            "update tasks set details = ? where task_id = ?", (json.dumps({**task.facts, **facts}), task.task_id)
        )

    def finish(self, task_id: str, *, failure: str = "") -> None:
        """Note that the work on real data is done."""
        self._db.execute(
            "update tasks set pending = 0, failure = ?1, finished = max(?2, created + duration) where task_id = ?3",
            (failure, self._now(), task_id),
        )

    def remove(self, task_id: str) -> None:
        """Delete the task."""
        self._db.execute("delete from tasks where task_id = ?", (task_id,))

    def remove_instance(self, instance_id: str) -> None:
        """Delete the instance's tasks."""
        self._db.execute("delete from tasks where instance_id = ?", (instance_id,))

    def clear(self) -> None:
        """Forget every task."""
        self._db.execute("delete from tasks")

    def _where(self, condition: str, *values: object) -> list[StoredTask]:
        rows = self._db.execute(f"{_SELECT} where {condition} order by rowid desc", values)
        return [_read(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _read(row: dict[str, Any]) -> StoredTask:
    return StoredTask(**{**row, "kind": TaskKind(row["kind"]), "pending": bool(row["pending"])})


def _written(value: object) -> object:
    return value.value if isinstance(value, TaskKind) else value

"""The instances and backups that the endpoint knows, in SQLite; where a backup stands follows from the time."""

from __future__ import annotations

import secrets
import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

LIMIT_PER_INSTANCE: Final = 24
"""Backups kept per instance; the next one pushes out the oldest."""

PRESET_INSTANCES: Final = (
    ("11111111-1111-4111-8111-000000000001", "sessions", "single", "5.0"),
    ("11111111-1111-4111-8111-000000000002", "orders", "ha", "6.0"),
    ("11111111-1111-4111-8111-000000000003", "catalogue", "cluster", "5.0"),
    ("11111111-1111-4111-8111-000000000004", "carts", "proxy", "5.0"),
    ("11111111-1111-4111-8111-000000000005", "prices", "ha_rw_split", "5.0"),
    ("11111111-1111-4111-8111-000000000006", "legacy", "ha", "3.0"),
)
"""Id, name, cache mode and engine version of the instances that a new endpoint starts with."""

_SCHEMA: Final = """
create table if not exists instances (
    instance_id text primary key, name text not null, cache_mode text not null, engine_version text not null,
    status text not null default 'RUNNING', project_id text not null, created real not null
);
create table if not exists backups (
    backup_id text primary key, instance_id text not null, remark text, backup_format text not null,
    backup_type text not null, created real not null, duration real not null, failure text not null default '',
    ended text not null default '', size integer not null, position integer not null
);
create index if not exists backups_of on backups (instance_id, position desc);
"""


@dataclass(frozen=True)
class StoredInstance:
    """An instance."""

    instance_id: str
    name: str
    cache_mode: str
    engine_version: str
    status: str
    project_id: str
    created: float


@dataclass(frozen=True)
class StoredBackup:
    """A backup: when it began, how long it takes, how it will end."""

    backup_id: str
    instance_id: str
    remark: str | None
    backup_format: str
    backup_type: str
    created: float
    duration: float
    failure: str
    ended: str
    size: int

    def status_at(self, now: float) -> str:
        """Where it stands, as the API says it."""
        age = now - self.created
        if self.ended:
            return self.ended
        if age >= self.duration:
            return "failed" if self.failure else "succeed"
        return "waiting" if age < min(0.5, self.duration * 0.1) else "backuping"

    def percent_at(self, now: float) -> float:
        """How far it is, in percent."""
        if self.duration <= 0:
            return 100.0
        return max(0.0, min(100.0, (now - self.created) / self.duration * 100))


class Store:
    """One SQLite file, or memory.

    Args:
        path: the file; ``:memory:`` for none.
        project_id: the project that the preset instances belong to.
        clock: tells the time, in seconds since the epoch.
    """

    def __init__(self, path: str, project_id: str, clock: Callable[[], float] = time.time) -> None:
        self.clock_offset = 0.0
        self._clock = clock
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript("pragma journal_mode = wal; pragma synchronous = off;" + _SCHEMA)
        if not self._db.execute("select 1 from instances").fetchone():
            for instance in PRESET_INSTANCES:
                self.add_instance(*instance, project_id=project_id)

    def now(self) -> float:
        """The endpoint's own clock."""
        return self._clock() + self.clock_offset

    def add_instance(
        self, instance_id: str, name: str, cache_mode: str, engine_version: str, *, project_id: str
    ) -> None:
        """Add an instance, or change it."""
        self._db.execute(
            "insert or replace into instances values (?, ?, ?, ?, 'RUNNING', ?, ?)",
            (instance_id, name, cache_mode, engine_version, project_id, self.now()),
        )

    def set_instance_status(self, instance_id: str, status: str) -> None:
        """Change what the instance is doing (RUNNING, RESTARTING, …)."""
        self._db.execute("update instances set status = ? where instance_id = ?", (status, instance_id))

    def remove_instance(self, instance_id: str) -> None:
        """Delete the instance and, as the service does, its backups."""
        self._db.execute("delete from instances where instance_id = ?", (instance_id,))
        self._db.execute("delete from backups where instance_id = ?", (instance_id,))

    def instance(self, project_id: str, instance_id: str) -> StoredInstance | None:
        """The project's instance of that id."""
        row = self._db.execute(
            "select * from instances where instance_id = ? and project_id = ?", (instance_id, project_id)
        ).fetchone()
        return StoredInstance(*row) if row else None

    def instances(self, project_id: str) -> list[StoredInstance]:
        """All instances of the project, by name."""
        rows = self._db.execute("select * from instances where project_id = ? order by name", (project_id,))
        return [StoredInstance(*row) for row in rows]

    def add_backup(
        self,
        instance_id: str,
        *,
        remark: str | None,
        backup_format: str,
        duration: float,
        failure: str = "",
        backup_type: str = "manual",
    ) -> StoredBackup:
        """Begin a backup; the oldest goes where there are too many."""
        size = 1_000_000 + secrets.randbelow(9_000_000)
        backup = StoredBackup(
            str(uuid.uuid4()), instance_id, remark, backup_format, backup_type, self.now(), duration, failure, "", size
        )
        self._db.execute(
            "insert into backups values (?, ?, ?, ?, ?, ?, ?, ?, '', ?, "
            "(select coalesce(max(position), 0) + 1 from backups))",
            (
                backup.backup_id,
                instance_id,
                remark,
                backup_format,
                backup_type,
                backup.created,
                duration,
                failure,
                size,
            ),
        )
        self._db.execute(
            "delete from backups where instance_id = ?1 and backup_id not in "
            "(select backup_id from backups where instance_id = ?1 order by position desc limit ?2)",
            (instance_id, LIMIT_PER_INSTANCE),
        )
        return backup

    def backups(self, instance_id: str) -> list[StoredBackup]:
        """The instance's backups, newest first."""
        rows = self._db.execute(
            "select backup_id, instance_id, remark, backup_format, backup_type, created, duration, failure, ended, "
            "size from backups where instance_id = ? order by position desc",
            (instance_id,),
        )
        return [StoredBackup(*row) for row in rows]

    def all_backups(self) -> list[StoredBackup]:
        """Every backup of every instance."""
        ids = [row[0] for row in self._db.execute("select distinct instance_id from backups")]
        return [backup for instance_id in ids for backup in self.backups(instance_id)]

    def remove_backup(self, backup_id: str) -> None:
        """Delete the backup."""
        self._db.execute("delete from backups where backup_id = ?", (backup_id,))

    def change_backup(self, backup_id: str, changes: Sequence[tuple[str, object]]) -> None:
        """Set columns of the backup, for tests."""
        allowed = {"remark", "backup_format", "duration", "failure", "ended", "created", "size"}
        for column, value in changes:
            if column not in allowed:
                raise ValueError(f"{column} can't be changed")
            self._db.execute(f"update backups set {column} = ? where backup_id = ?", (value, backup_id))

    def clear(self) -> None:
        """Forget every backup."""
        self._db.execute("delete from backups")


def as_time(moment: float) -> str:
    """A time as the API writes it: ``2019-05-10T08:31:16.166Z``."""
    text = datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text[:-3] + "Z"

"""The projects, instances and backups that the endpoint knows, in SQLite."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Final

from .records import StoredBackup, StoredInstance
from .schema import prepare
from .tasks import TaskKind, TaskStore

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

_PRESET_SIZES: Final = {
    "sessions": (0.125, 12),
    "orders": (4.0, 1229),
    "catalogue": (8.0, 3277),
    "carts": (4.0, 410),
    "prices": (2.0, 205),
    "legacy": (2.0, 96),
}
"""Capacity in GB and used memory in MB: 1229 MB are the 1.2 GB that previews show of orders."""

_INSTANCE_COLUMNS: Final = tuple(field.name for field in fields(StoredInstance))
_BACKUP_COLUMNS: Final = tuple(field.name for field in fields(StoredBackup))
_SELECT_INSTANCES: Final = f"select {', '.join(_INSTANCE_COLUMNS)} from instances"
_SELECT_BACKUPS: Final = f"select {', '.join(_BACKUP_COLUMNS)} from backups"
_CHANGEABLE_INSTANCE: Final = frozenset(_INSTANCE_COLUMNS) - {"instance_id", "created"}
_CHANGEABLE_BACKUP: Final = frozenset(
    {"remark", "backup_format", "backup_type", "duration", "failure", "ended", "created", "size", "progress"}
)


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
        self._project_id = project_id
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        prepare(self._db)
        self.tasks: Final = TaskStore(self._db, self.now)
        self.import_target_status = "MIGRATING"
        self.on_backup_removed: Callable[[str], None] = lambda _: None
        # Work on real data does not outlive its endpoint.
        self._db.execute(
            "update backups set pending = 0, failure = 'dcs.08.0002', duration = max(0, min(duration, ? - created)) "
            "where pending",
            (self.now(),),
        )
        if not self._db.execute("select 1 from instances").fetchone():
            self.add_presets()

    def now(self) -> float:
        """The endpoint's own clock."""
        return self._clock() + self.clock_offset

    def add_presets(self) -> None:
        """Add the preset instances, or put them back to how they were at the start."""
        for instance_id, name, cache_mode, engine_version in PRESET_INSTANCES:
            self.add_instance(instance_id, name, cache_mode, engine_version, project_id=self._project_id)
            capacity, used_memory = _PRESET_SIZES[name]
            self.change_instance(instance_id, {"capacity": capacity, "used_memory": used_memory})

    def add_instance(
        self, instance_id: str, name: str, cache_mode: str, engine_version: str, *, project_id: str
    ) -> None:
        """Add an instance, or replace it."""
        self._db.execute(
            "insert or replace into instances (instance_id, name, cache_mode, engine_version, project_id, created) "
            "values (?, ?, ?, ?, ?, ?)",
            (instance_id, name, cache_mode, engine_version, project_id, self.now()),
        )

    def change_instance(self, instance_id: str, changes: Mapping[str, object]) -> None:
        """Set columns of the instance."""
        for column, value in changes.items():
            if column not in _CHANGEABLE_INSTANCE:
                raise ValueError(f"{column} of an instance can't be changed")
            written = json.dumps(value) if column == "tags" else value
            self._db.execute(f"update instances set {column} = ? where instance_id = ?", (written, instance_id))

    def remove_instance(self, instance_id: str) -> None:
        """Delete the instance and, as the service does, its backups."""
        self._db.execute("delete from instances where instance_id = ?", (instance_id,))
        self._delete_backups("instance_id = ?", instance_id)
        self.tasks.remove_instance(instance_id)

    def instance(self, project_id: str, instance_id: str) -> StoredInstance | None:
        """The project's instance of that id."""
        row = self._db.execute(
            f"{_SELECT_INSTANCES} where instance_id = ? and project_id = ?", (instance_id, project_id)
        ).fetchone()
        return self._as_of_now(StoredInstance(*row), self.tasks.occupied(self.now())) if row else None

    def instances(self, project_id: str) -> list[StoredInstance]:
        """All instances of the project, by name."""
        rows = self._db.execute(f"{_SELECT_INSTANCES} where project_id = ? order by name", (project_id,))
        occupied = self.tasks.occupied(self.now())
        return [self._as_of_now(StoredInstance(*row), occupied) for row in rows]

    def _as_of_now(self, instance: StoredInstance, occupied: Mapping[str, TaskKind]) -> StoredInstance:
        if instance.busy_until is not None and self.now() >= instance.busy_until:
            instance = replace(instance, status="RUNNING", task="", busy_code="", busy_until=None)
        if instance.status != "RUNNING":
            return instance
        match occupied.get(instance.instance_id):
            case TaskKind.RESTORE:
                return replace(instance, status="RESTORING", task=instance.task or "RESTORING")
            case TaskKind.MIGRATION:
                return replace(instance, status=self.import_target_status)
        return instance

    def add_project(self, project_id: str, name: str) -> None:
        """Add a project; IAM lists it by its name, which is a region's."""
        self._db.execute("insert or ignore into projects (project_id, name) values (?, ?)", (project_id, name))

    def projects(self) -> list[tuple[str, str]]:
        """Id and name of every project that was added."""
        return [(row[0], row[1]) for row in self._db.execute("select project_id, name from projects order by rowid")]

    def remove_projects(self) -> None:
        """Forget every project that was added, with its instances and their backups."""
        for project_id in {project_id for project_id, _ in self.projects()} - {self._project_id}:
            for instance in self.instances(project_id):
                self.remove_instance(instance.instance_id)
        self._db.execute("delete from projects")

    def add_backup(
        self,
        instance_id: str,
        *,
        remark: str | None,
        backup_format: str,
        duration: float,
        failure: str = "",
        backup_type: str = "manual",
        status: str = "",
        progress: str | None = None,
        pending: bool = False,
    ) -> StoredBackup:
        """Begin a backup; the oldest goes where there are too many."""
        size = 1_000_000 + secrets.randbelow(9_000_000)
        created = self.now()
        backup = StoredBackup(
            *(str(uuid.uuid4()), instance_id, remark, backup_format, backup_type, created, duration),
            *(failure, status, size, progress, None, pending),
        )
        self._db.execute(
            f"insert into backups ({', '.join(_BACKUP_COLUMNS)}, position) "
            f"values ({', '.join('?' * len(_BACKUP_COLUMNS))}, (select coalesce(max(position), 0) + 1 from backups))",
            tuple(getattr(backup, column) for column in _BACKUP_COLUMNS),
        )
        self._delete_backups(
            "instance_id = ?1 and removed is null and backup_id not in "
            "(select backup_id from backups where instance_id = ?1 and removed is null "
            "order by position desc limit ?2)",
            *(instance_id, LIMIT_PER_INSTANCE),
        )
        return backup

    def backups(self, instance_id: str, *, removed_since: float | None = None) -> list[StoredBackup]:
        """The instance's backups, newest first; with ``removed_since`` those as well that were deleted after it."""
        which = "removed is null" if removed_since is None else "(removed is null or removed > ?)"
        values: tuple[object, ...] = (instance_id,) if removed_since is None else (instance_id, removed_since)
        rows = self._db.execute(f"{_SELECT_BACKUPS} where instance_id = ? and {which} order by position desc", values)
        return [StoredBackup(*row) for row in rows]

    def backup(self, backup_id: str) -> StoredBackup | None:
        """The backup of that id, whatever its instance."""
        row = self._db.execute(f"{_SELECT_BACKUPS} where backup_id = ? and removed is null", (backup_id,)).fetchone()
        return StoredBackup(*row) if row else None

    def any_instance(self, instance_id: str) -> StoredInstance | None:
        """The instance of that id, whatever its project."""
        row = self._db.execute("select project_id from instances where instance_id = ?", (instance_id,)).fetchone()
        return self.instance(row[0], instance_id) if row else None

    def all_backups(self) -> list[StoredBackup]:
        """Every backup of every instance."""
        ids = [row[0] for row in self._db.execute("select distinct instance_id from backups")]
        return [backup for instance_id in ids for backup in self.backups(instance_id)]

    def remove_backup(self, backup_id: str, *, lagging: bool = False) -> None:
        """Delete the backup. A lagging list can still show it: then it is only marked as deleted."""
        if lagging:
            self._db.execute("update backups set removed = ? where backup_id = ?", (self.now(), backup_id))
            self.on_backup_removed(backup_id)
        else:
            self._delete_backups("backup_id = ?", backup_id)

    def finish_backup(self, backup_id: str, *, size: int = 0, failure: str = "") -> None:
        """Note that the backup's file is written, or that it can't be."""
        self._db.execute(
            "update backups set pending = 0, size = ?, failure = ? where backup_id = ?", (size, failure, backup_id)
        )

    def change_backup(self, backup_id: str, changes: Sequence[tuple[str, object]]) -> None:
        """Set columns of the backup; ``status`` is another name for ``ended``."""
        for name, value in changes:
            column = "ended" if name == "status" else name
            if column not in _CHANGEABLE_BACKUP:
                raise ValueError(f"{name} of a backup can't be changed")
            self._db.execute(f"update backups set {column} = ? where backup_id = ?", (value, backup_id))

    def clear(self) -> None:
        """Forget every backup, restore, import and analysis."""
        self._delete_backups("true")
        self.tasks.clear()

    def _delete_backups(self, condition: str, *values: object) -> None:
        # SQLite before 3.35 does not tell what it has deleted.
        rows = self._db.execute(f"select backup_id from backups where {condition}", values).fetchall()
        if rows:
            self._db.execute(f"delete from backups where {condition}", values)
        for (backup_id,) in rows:
            self.on_backup_removed(backup_id)

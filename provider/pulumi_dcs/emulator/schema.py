"""The endpoint's tables, and how a file of an older version gets the columns that it lacks."""

from __future__ import annotations

import sqlite3
from typing import Final

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
create table if not exists tasks (
    task_id text primary key, kind text not null, instance_id text not null, project_id text not null,
    backup_id text not null, created real not null, duration real not null, failure text not null default '',
    ended text not null default '', progress text, details text not null default '{}',
    pending integer not null default 0, finished real
);
create table if not exists projects (project_id text not null, name text not null, unique (project_id, name));
create index if not exists backups_of on backups (instance_id, position desc);
create index if not exists tasks_of on tasks (kind, instance_id);
"""

_ADDED: Final = {
    "instances": {
        "task": "text not null default ''",
        "busy_code": "text not null default ''",
        "busy_until": "real",
        "capacity": "real not null default 1",
        "used_memory": "integer not null default 128",
        "tags": "text not null default '{}'",
        "ip": "text not null default '192.168.0.10'",
    },
    "backups": {"progress": "text", "removed": "real"},
}
"""Columns that the first version did not have."""


def prepare(database: sqlite3.Connection) -> None:
    """Create what is missing: tables, and columns of tables that an older version made."""
    database.executescript("pragma journal_mode = wal; pragma synchronous = off;" + _SCHEMA)
    for table, columns in _ADDED.items():
        existing = {row[1] for row in database.execute(f"pragma table_info({table})")}
        for column, definition in columns.items():
            if column not in existing:
                database.execute(f"alter table {table} add column {column} {definition}")

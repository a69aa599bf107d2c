"""A file that an older version of the endpoint made is still read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pulumi_dcs.emulator.store import Store

from tests.endpoint import HA, PROJECT_ID

OLD = f"""
create table instances (
    instance_id text primary key, name text not null, cache_mode text not null, engine_version text not null,
    status text not null default 'RUNNING', project_id text not null, created real not null
);
create table backups (
    backup_id text primary key, instance_id text not null, remark text, backup_format text not null,
    backup_type text not null, created real not null, duration real not null, failure text not null default '',
    ended text not null default '', size integer not null, position integer not null
);
insert into instances values ('{HA}', 'orders', 'ha', '6.0', 'RUNNING', '{PROJECT_ID}', 1.0);
insert into backups values ('b', '{HA}', 'kept', 'rdb', 'manual', 1.0, 2.0, '', '', 5, 1);
"""


def test_a_file_of_an_older_version(tmp_path: Path) -> None:
    path = str(tmp_path / "endpoint.db")
    old = sqlite3.connect(path)
    old.executescript(OLD)
    old.close()
    for _ in range(2):
        store = Store(path, PROJECT_ID)
        (backup,) = store.backups(HA)
        assert (backup.remark, backup.progress, backup.removed) == ("kept", None, None)
        instance = store.instance(PROJECT_ID, HA)
        assert instance is not None
        assert (instance.task, instance.busy_until, instance.capacity) == ("", None, 1.0)


def test_state_outlives_the_process(tmp_path: Path) -> None:
    path = str(tmp_path / "endpoint.db")
    backup = Store(path, PROJECT_ID).add_backup(HA, remark="kept", backup_format="rdb", duration=0.0)
    assert Store(path, PROJECT_ID).backups(HA) == [backup]

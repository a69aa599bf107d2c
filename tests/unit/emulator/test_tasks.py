"""Where a restore, an import and an analysis stand, told from the time."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from pulumi_dcs.emulator.schema import prepare
from pulumi_dcs.emulator.tasks import StoredTask, TaskKind, TaskStore

from tests.endpoint import HA, PROJECT_ID


def task(kind: TaskKind = TaskKind.RESTORE, **changes: Any) -> StoredTask:
    return StoredTask("t", kind, HA, PROJECT_ID, "b", 1000.0, 10.0, **changes)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (TaskKind.RESTORE, ["waiting", "restoring", "succeed", "failed"]),
        (TaskKind.MIGRATION, ["MIGRATING", "MIGRATING", "SUCCESS", "FAILED"]),
        (TaskKind.ANALYSIS, ["waiting", "running", "success", "failed"]),
    ],
)
def test_from_the_start_to_the_end(kind: TaskKind, words: list[str]) -> None:
    statuses = [task(kind).status_at(now) for now in (1000.0, 1005.0, 1010.0)]
    assert [*statuses, task(kind, failure="why").status_at(1010.0)] == words
    assert [task(kind).percent_at(now) for now in (1000.0, 1005.0, 1010.0)] == [0.0, 50.0, 100.0]
    assert (task(kind).ended_at(1009.0), task(kind).ended_at(1010.0)) == (None, 1010.0)


def test_real_data_take_longer_than_their_time() -> None:
    pending = task(pending=True)
    assert (pending.status_at(1020.0), pending.percent_at(1020.0), pending.ended_at(1020.0)) == (
        "restoring",
        99.0,
        None,
    )
    assert task(finished=1015.0).ended_at(1020.0) == 1015.0


def test_a_status_that_nobody_documents() -> None:
    odd = task(ended="archiving")
    assert (odd.status_at(1020.0), odd.is_running_at(1005.0), odd.is_running_at(1020.0)) == ("archiving", True, False)
    assert not task(ended="TERMINATED", pending=True).is_running_at(1005.0)
    assert task(ended="restoring").is_running_at(1020.0)


def test_what_an_endpoint_that_was_killed_left() -> None:
    database = sqlite3.connect(":memory:")
    prepare(database)
    store = TaskStore(database, lambda: 1000.0)
    details: dict[str, Any] = {"project_id": PROJECT_ID, "backup_id": "b", "duration": 10.0}
    store.add(TaskKind.RESTORE, HA, pending=True, **details)
    store.add(TaskKind.MIGRATION, HA, **details)
    assert store.occupied(1005.0) == {HA: TaskKind.RESTORE}
    again = TaskStore(database, lambda: 1004.0)
    assert [each.status_at(1004.0) for each in again.all(TaskKind.RESTORE)] == ["failed"]
    assert [each.status_at(1004.0) for each in again.all(TaskKind.MIGRATION)] == ["MIGRATING"]
    assert again.occupied(1004.0) == {HA: TaskKind.MIGRATION}


def test_only_known_columns_are_changed() -> None:
    database = sqlite3.connect(":memory:")
    prepare(database)
    store = TaskStore(database, lambda: 1000.0)
    with pytest.raises(ValueError, match="kind of a task can't be changed"):
        store.change("t", {"kind": "restore"})

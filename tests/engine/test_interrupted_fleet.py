"""Many creates that were killed together, and what has lain there for long."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.endpoint import HA, LocalEndpoint

from .stack import Stack
from .trouble import LONG, SHORT, Exports, killed_create, killed_up, on_another_machine

FLEET = 130
DAYS = 3 * 24 * 3600.0


@pytest.mark.row("E7")
@pytest.mark.parametrize("machine", ["same", "another"])
def test_a_killed_fleet_is_taken_over_with_one_export(stack: Stack, endpoint: LocalEndpoint, machine: str) -> None:
    stack.config("dcs:mark", "true")
    exports = Exports(stack)
    instances = [endpoint.add_instance(cache_mode="ha") for _ in range(FLEET)]
    stack.declare_all({f"b{number}": {"instance_id": instance} for number, instance in enumerate(instances)})
    endpoint.behave(duration=LONG)
    killed_up(stack, lambda: endpoint.count("create_backup") >= FLEET, "--parallel", str(FLEET))
    left = endpoint.backup_ids()
    assert len(left) == FLEET
    assert not stack.resources()
    for backup_id in left:
        endpoint.change_backup(backup_id, duration=0.0)
    endpoint.behave(duration=SHORT)
    if machine == "another":
        on_another_machine(stack)
    exports.take_count()
    outcome = stack.up("--parallel", str(FLEET))
    assert outcome.ok, outcome.text
    assert exports.take_count() == 1
    assert endpoint.count("create_backup") == FLEET
    assert stack.backup_ids() == endpoint.backup_ids() == left


@pytest.mark.row("E7")
def test_a_killed_fleet_without_a_mark_is_named_with_one_export(stack: Stack, endpoint: LocalEndpoint) -> None:
    exports = Exports(stack)
    instances = [endpoint.add_instance(cache_mode="ha") for _ in range(16)]
    stack.declare_all({f"b{number}": {"instance_id": instance} for number, instance in enumerate(instances)})
    endpoint.behave(duration=LONG)
    killed_up(stack, lambda: endpoint.count("create_backup") >= len(instances), "--parallel", "16")
    left = endpoint.backup_ids()
    on_another_machine(stack)
    exports.take_count()
    outcome = stack.up("--parallel", "16")
    assert not outcome.ok
    assert exports.take_count() == 1
    assert all(f"backup {backup_id} may be what it made" in outcome.diagnostics for backup_id in left)
    assert endpoint.backup_ids() == left


def time_passes(stack: Stack, endpoint: LocalEndpoint, seconds: float) -> None:
    """Make everything older: the backups, and what the journal has of them."""
    for backup in endpoint.backups():
        endpoint.change_backup(backup["backup_id"], created=backup["created"] - seconds)
    path = Path(stack.environment["PULUMI_HOME"]) / "pulumi-dcs" / "journal.sqlite"
    with closing(sqlite3.connect(path)) as database, database:
        for number, text in database.execute("select number, request from attempts").fetchall():
            request: dict[str, Any] = json.loads(text) if text else {}
            for name in ("sent_at", "until") if request else ():
                moment = datetime.fromisoformat(request[name]) - timedelta(seconds=seconds)
                request[name] = moment.isoformat()
            database.execute(
                "update attempts set request = ?, changed_at = changed_at - ? where number = ?",
                (json.dumps(request) if request else "", seconds, number),
            )


@pytest.mark.row("E10")
@pytest.mark.parametrize("response", ["seen", "lost"])
def test_killed_on_friday_taken_over_on_monday(stack: Stack, endpoint: LocalEndpoint, response: str) -> None:
    stack.declare(instance_id=HA, remark="one")
    if response == "seen":
        left = killed_create(stack, endpoint)
    else:
        endpoint.plan({"operation": "create_backup", "carried_out": True, "delay": 3.0})
        killed_up(stack, endpoint.backups)
        (left,) = endpoint.backup_ids()
    time_passes(stack, endpoint, DAYS)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == {left}
    assert endpoint.count("create_backup") == 1


@pytest.mark.row("E10")
def test_or_named_in_every_command_until_it_is_gone(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="one")
    left = killed_create(stack, endpoint)
    time_passes(stack, endpoint, DAYS)
    stack.declare(instance_id=HA, remark="two")
    named = f"Orphan: backup {left} of instance {HA} (remark 'one', succeed), made for 'backup'"
    for outcome in (stack.preview(), stack.up(), stack.preview(), stack.up()):
        assert outcome.ok, outcome.text
        assert named in outcome.diagnostics
        assert f"adopt_backup_id='{left}'" in outcome.diagnostics
        assert "delete it in the console" in outcome.diagnostics
        assert "`pulumi refresh --clear-pending-creates` ends this message" in outcome.diagnostics
    assert left in endpoint.backup_ids()
    endpoint.remove_backup(left)
    for outcome in (stack.preview(), stack.up()):
        assert outcome.ok, outcome.text
        assert "Orphan" not in outcome.text
    assert stack.backup_ids() == endpoint.backup_ids()


@pytest.mark.row("E10")
@pytest.mark.parametrize("way", ["adopted", "dismissed"])
def test_or_until_it_is_adopted_or_dismissed(stack: Stack, endpoint: LocalEndpoint, way: str) -> None:
    stack.declare(instance_id=HA, remark="one")
    left = killed_create(stack, endpoint)
    stack.declare(instance_id=HA, remark="two")
    assert stack.up().ok
    both = {"backup": {"instance_id": HA, "remark": "two"}}
    if way == "adopted":
        both["rescued"] = {"instance_id": HA, "adopt_backup_id": left}
        stack.declare_all(both)
        assert stack.up().ok
        assert left in stack.backup_ids()
    else:
        assert stack.refresh("--clear-pending-creates").ok
    for outcome in (stack.preview(), stack.up()):
        assert outcome.ok, outcome.text
        assert "Orphan" not in outcome.text
    assert left in endpoint.backup_ids()


@pytest.mark.row("E12")
def test_responses_that_are_lost_together_give_each_its_own(stack: Stack, endpoint: LocalEndpoint) -> None:
    names = [f"b{number}" for number in range(4)]
    stack.declare(instance_id=HA)
    assert stack.up().ok
    stack.declare_all({})
    assert stack.up().ok
    many_entries(stack)
    for round_ in range(2):
        before = endpoint.backup_ids()
        endpoint.plan({"operation": "create_backup", "carried_out": True, "drop": True})
        endpoint.plan({"operation": "create_backup", "drop": True, "times": len(names) - 1})
        stack.declare_all({f"{name}_{round_}": {"instance_id": HA, "remark": "same"} for name in names})
        outcome = stack.up("--parallel", "4")
        assert outcome.ok, outcome.text
        assert len(stack.backup_ids()) == len(names)
        assert stack.backup_ids() == endpoint.backup_ids()
        assert not before & endpoint.backup_ids()


def many_entries(stack: Stack) -> None:
    """Fill the journal with what hundreds of runs have left."""
    path = Path(stack.environment["PULUMI_HOME"]) / "pulumi-dcs" / "journal.sqlite"
    with closing(sqlite3.connect(path)) as database, database:
        names = "scope, urn, inputs_hash, endpoint, region, project_id, instance_id, record_id, run, changed_at"
        row = f"'scope', 'urn' || value, 'hash', '{endpoint_of(database)}', 'r', 'p', '{HA}', 'b' || value, 'dead', 0.0"
        database.execute(
            f"with recursive numbers(value) as (select 1 union all select value + 1 from numbers where value < 5000) "
            f"insert into attempts ({names}) select {row} from numbers"
        )


def endpoint_of(database: sqlite3.Connection) -> str:
    found: str = database.execute("select endpoint from attempts").fetchone()[0]
    return found


@pytest.mark.row("E12")
def test_killed_together_with_lost_responses_each_takes_its_own(stack: Stack, endpoint: LocalEndpoint) -> None:
    """Several backups of one instance with equal remarks: only one can be running when they are killed."""
    stack.declare_all({name: {"instance_id": HA, "remark": "same"} for name in ("a", "b", "c")})
    endpoint.plan({"operation": "create_backup", "carried_out": True, "delay": 5.0})
    endpoint.behave(duration=LONG)
    killed_up(stack, lambda: endpoint.count("create_backup") >= 3)
    (left,) = endpoint.backup_ids()
    endpoint.change_backup(left, duration=0.0)
    endpoint.behave(duration=SHORT)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert left in stack.backup_ids()
    assert len(stack.backup_ids()) == 3
    assert stack.backup_ids() == endpoint.backup_ids()


@pytest.mark.row("E13")
@pytest.mark.parametrize("what", ["a half-written entry of 0.1", "an open transaction", "a database cut short"])
def test_only_whole_entries_count(stack: Stack, endpoint: LocalEndpoint, what: str) -> None:
    stack.declare(instance_id=HA, remark="one")
    left = killed_create(stack, endpoint)
    folder = Path(stack.environment["PULUMI_HOME"]) / "pulumi-dcs"
    if what == "a half-written entry of 0.1":
        (folder / "creates").mkdir()
        entry = {"form": 2, "urn": "urn:pulumi:dev::shop::t::other", "backup_id": left, "digest": "d"}
        for name in ("0123456789abcdef.json.tmp", "0123456789abcdef.json"):
            (folder / "creates" / name).write_text(json.dumps(entry)[:-9])
    elif what == "an open transaction":
        database = f"sqlite3.connect({str(folder / 'journal.sqlite')!r})"
        begun = "begin immediate; update attempts set record_id = '', urn = 'x'"
        code = f"import os, sqlite3; {database}.executescript({begun!r}); os.kill(os.getpid(), 9)"
        subprocess.run([sys.executable, "-c", code], check=False)
    else:
        for name in ("journal.sqlite-wal", "journal.sqlite-shm"):
            (folder / name).unlink(missing_ok=True)
        (folder / "journal.sqlite").write_bytes(b"SQLite format 3\0" + bytes(100))
    outcome = stack.up()
    if what == "a database cut short":
        # What it knew is lost: then it counts as another machine.
        assert not outcome.ok
        assert f"backup {left} may be what it made" in outcome.diagnostics
        assert endpoint.backup_ids() == {left}
    else:
        assert outcome.ok, outcome.text
        assert stack.backup_ids() == endpoint.backup_ids() == {left}
    assert endpoint.count("create_backup") == 1

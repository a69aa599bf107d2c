"""Many creates that were killed together, and what has lain there for long."""

from __future__ import annotations

import json
import sqlite3

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.endpoint import HA, LocalEndpoint

from .stack import Stack
from .trouble import LONG, SHORT, Exports, killed_create, killed_up, on_another_machine

FLEET = 130
DAYS = 3 * 24 * 3600.0


@pytest.mark.row("14.7")
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


@pytest.mark.row("14.7")
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
            request = json.loads(text) if text else None
            for name in ("sent_at", "until") if request else ():
                moment = datetime.fromisoformat(request[name]) - timedelta(seconds=seconds)
                request[name] = moment.isoformat()
            database.execute(
                "update attempts set request = ?, changed_at = changed_at - ? where number = ?",
                (json.dumps(request) if request else "", seconds, number),
            )


@pytest.mark.row("14.10")
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


@pytest.mark.row("14.10")
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


@pytest.mark.row("14.10")
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

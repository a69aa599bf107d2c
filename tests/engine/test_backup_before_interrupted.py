"""Runs that are cut short while a backup before a change is being taken."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.endpoint import HA, LocalEndpoint

from .guarded import TO_8, TO_16, Guarded, made
from .stack import Stack, until
from .trouble import LONG, SHORT, kill_everything, on_another_machine, processes_of


@pytest.fixture
def guarded(stack: Stack) -> Guarded:
    return Guarded(stack)


def cut_short(guarded: Guarded, endpoint: LocalEndpoint) -> str:
    """Kill an ``up`` that has started a backup before its update; that backup, which is still running."""
    made(guarded)
    endpoint.behave(duration=LONG)
    guarded.declare(orders=TO_8)
    process = guarded.stack.start_up(lambda: endpoint.count("create_backup") and endpoint.count("list_backups") > 2)
    kill_everything(guarded.stack)
    process.communicate(timeout=60)
    guarded.stack.pulumi("cancel", "--yes")
    (left,) = endpoint.backup_ids()
    return left


@pytest.mark.row("B2")
def test_a_killed_runs_backup_is_gone_on_with(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    left = cut_short(guarded, endpoint)
    assert guarded.changes() == []
    on_another_machine(guarded.stack)
    process = guarded.stack.start("up", "--yes", "--skip-preview")
    lists = endpoint.count("list_backups")
    until(lambda: endpoint.count("list_backups") > lists + 1)
    assert guarded.changes() == []
    endpoint.change_backup(left, duration=0.0)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text
    assert f"Goes on with backup {left}, which an earlier run took before this update of orders" in text
    assert endpoint.count("create_backup") == 1
    assert guarded.changes() == [f"update {HA}"]


@pytest.mark.row("B2")
def test_a_killed_runs_backup_that_has_succeeded_is_used(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    left = cut_short(guarded, endpoint)
    endpoint.change_backup(left, duration=0.0)
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert f"Uses backup {left}, which an earlier run took before this update of orders" in outcome.diagnostics
    assert endpoint.count("create_backup") == 1
    assert guarded.changes() == [f"update {HA}"]


@pytest.mark.row("B3")
def test_another_change_gets_a_backup_of_its_own(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    left = cut_short(guarded, endpoint)
    endpoint.change_backup(left, duration=0.0)
    endpoint.behave(duration=SHORT)
    guarded.declare(orders=TO_16)
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert len(endpoint.backup_ids() - {left}) == 1


@pytest.mark.row("B2")
def test_ctrl_c_ends_it_at_once_and_names_the_backup_that_goes_on(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded)
    endpoint.behave(duration=LONG)
    guarded.declare(orders=TO_8)
    process = guarded.stack.start_up(lambda: endpoint.count("create_backup") and endpoint.count("list_backups") > 1)
    # As a terminal does it.
    os.killpg(process.pid, signal.SIGINT)
    text, _ = process.communicate(timeout=20)
    assert process.returncode != 0
    (backup,) = endpoint.backup_ids()
    assert f"Cancelled while backup {backup} of instance {HA} was being made." in text
    assert f"backup {backup} goes on at the service" in text
    assert "orders was not changed: no update without its backup" in text
    assert guarded.changes() == []
    until(lambda: not processes_of(guarded.stack), seconds=20)


def test_nothing_asks_on_once_the_engine_is_gone(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded)
    endpoint.behave(duration=LONG)
    guarded.declare(orders=TO_8)
    process = guarded.stack.start_up(lambda: endpoint.count("create_backup") and endpoint.count("list_backups") > 1)
    process.kill()
    process.communicate(timeout=20)
    until(lambda: not processes_of(guarded.stack, "cat"), seconds=20)
    lists = endpoint.count("list_backups")
    time.sleep(6.0)
    assert endpoint.count("list_backups") <= lists + 1
    kill_everything(guarded.stack)


def test_a_program_that_fails_meanwhile_names_the_backup_that_goes_on(
    guarded: Guarded, endpoint: LocalEndpoint
) -> None:
    made(guarded)
    endpoint.behave(duration=LONG)
    guarded.declare(orders=TO_8)
    text = (guarded.stack.folder / "__main__.py").read_text()
    guarded.stack.write(
        f"{text}\nimport asyncio\nasync def end():\n    await asyncio.sleep(6)\n    raise ValueError('end')\n"
        "pulumi.export('end', pulumi.Output.from_input(end()))"
    )
    outcome = guarded.stack.up()
    assert not outcome.ok
    (backup,) = endpoint.backup_ids()
    assert f"Backup {backup} of instance {HA} goes on at the service" in outcome.text
    assert guarded.changes() == []

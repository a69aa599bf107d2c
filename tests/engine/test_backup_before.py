"""A backup before a change, as the real engine calls for it."""

from __future__ import annotations

import pytest

from tests.endpoint import HA, SINGLE, LocalEndpoint

from .guarded import ORDERS, Guarded
from .stack import Stack


@pytest.fixture
def guarded(stack: Stack) -> Guarded:
    return Guarded(stack)


def test_an_update_is_made_after_the_backup(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    guarded.declare(orders=ORDERS)
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 0
    guarded.declare(orders={**ORDERS, "capacity": 8})
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert guarded.changes() == [f"update {HA}"]
    (backup,) = endpoint.backups(HA)
    assert backup["status"] == "succeed"
    assert backup["remark"].startswith("before update of orders ~change:")
    assert f"Backed up before this update of orders: backup {backup['backup_id']}" in outcome.diagnostics


def test_without_the_backup_the_change_does_not_happen(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    guarded.declare(orders={**ORDERS, "which": SINGLE})
    assert guarded.stack.up().ok
    guarded.declare(orders={**ORDERS, "which": SINGLE, "capacity": 8})
    outcome = guarded.stack.up()
    assert not outcome.ok
    assert guarded.changes() == []
    assert "orders was not changed: no update without its backup" in outcome.diagnostics
    assert "Traceback" not in outcome.diagnostics


def test_a_preview_says_that_a_backup_will_be_taken(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    guarded.declare(orders=ORDERS)
    assert guarded.stack.up().ok
    guarded.declare(orders={**ORDERS, "capacity": 8})
    outcome = guarded.stack.preview()
    assert outcome.ok, outcome.text
    assert "Takes a backup of instance orders before this update (master/standby, Redis" in outcome.diagnostics
    assert endpoint.count("create_backup") == 0

"""The engine's other commands and options, around backups that were killed, replaced and given up."""

from __future__ import annotations

import time

import pytest

from tests.endpoint import CLUSTER, HA, LocalEndpoint

from .stack import Stack
from .trouble import LONG, SHORT, killed_create, killed_up, on_another_machine

DELETED_FIRST = "pulumi.ResourceOptions(delete_before_replace=True)"


@pytest.mark.row("E8")
@pytest.mark.parametrize("machine", ["same", "another", "another, marked"])
def test_killed_between_the_delete_and_the_create(stack: Stack, endpoint: LocalEndpoint, machine: str) -> None:
    if machine.endswith("marked"):
        stack.config("dcs:mark", "true")
    stack.declare(instance_id=HA, remark="one", opts=DELETED_FIRST)
    assert stack.up().ok
    stack.declare(instance_id=HA, remark="two", opts=DELETED_FIRST)
    (old,) = stack.backup_ids()
    endpoint.behave(duration=LONG)
    lists = endpoint.count("list_backups")
    killed_up(stack, lambda: len(endpoint.requests("list_backups")) > lists + 1 and old not in endpoint.backup_ids())
    (left,) = endpoint.backup_ids()
    endpoint.change_backup(left, duration=0.0)
    endpoint.behave(duration=SHORT)
    if machine != "same":
        on_another_machine(stack)
    assert (
        f"Takes a new backup of instance {HA} in place of backup {old}, which is deleted already."
        in stack.preview().diagnostics
    )
    outcome = stack.up()
    assert endpoint.count("create_backup") == 2
    assert endpoint.backup_ids() == {left}
    if machine == "another":
        assert not outcome.ok
        assert f'adopt_backup_id="{left}"' in outcome.diagnostics
    else:
        assert outcome.ok, outcome.text
        assert stack.backup_ids() == {left}
        assert stack.up("--expect-no-changes").ok


@pytest.mark.row("E8", "E10")
def test_clearing_the_pending_create_gives_it_up(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="one")
    left = killed_create(stack, endpoint)
    assert f"Orphan: backup {left}" in stack.preview().text
    assert stack.refresh("--clear-pending-creates").ok
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert left not in stack.backup_ids()
    assert endpoint.backup_ids() == stack.backup_ids() | {left}
    assert "Orphan" not in stack.preview().text


@pytest.mark.row("E14")
def test_a_resource_deleted_from_the_state_takes_a_new_backup(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="one")
    assert stack.up().ok
    (given_up,) = stack.backup_ids()
    assert stack.pulumi("state", "delete", stack.resource()["urn"], "--yes").ok
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert given_up not in stack.backup_ids()
    assert endpoint.backup_ids() == stack.backup_ids() | {given_up}


def test_a_target_leaves_a_killed_one_for_later(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare_all({"one": {"instance_id": HA, "remark": "x"}})
    left = killed_create(stack, endpoint)
    both = {"one": {"instance_id": HA, "remark": "x"}, "other": {"instance_id": CLUSTER}}
    stack.declare_all(both)
    urn = "urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:InstanceBackup::{}"
    outcome = stack.up("--target", urn.format("other"))
    assert outcome.ok, outcome.text
    assert len(endpoint.backups()) == 2
    assert left not in stack.backup_ids()
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids()
    assert left in stack.backup_ids()
    assert len(endpoint.backups()) == 2


@pytest.mark.parametrize("option", ["--target-replace", "taint"])
def test_a_forced_replacement_that_is_killed_is_gone_on_with(
    stack: Stack, endpoint: LocalEndpoint, option: str
) -> None:
    stack.declare(instance_id=HA, remark="x")
    assert stack.up().ok
    (old,) = stack.backup_ids()
    urn = stack.resource()["urn"]
    options = ["--target-replace", urn] if option == "--target-replace" else []
    if option == "taint":
        assert stack.pulumi("state", "taint", urn, "--yes").ok
    endpoint.behave(duration=LONG)
    lists = endpoint.count("list_backups")
    killed_up(stack, lambda: len(endpoint.backups()) == 2 and endpoint.count("list_backups") > lists + 1, *options)
    (left,) = endpoint.backup_ids() - {old}
    endpoint.change_backup(left, duration=0.0)
    endpoint.behave(duration=SHORT)
    outcome = stack.up(*options)
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == {left}
    assert endpoint.count("create_backup") == 2


def test_a_cancelled_lock_does_not_make_a_second_one(stack: Stack, endpoint: LocalEndpoint) -> None:
    """``pulumi cancel`` while a run lives lets another one in: it must see what the first one is making."""
    endpoint.behave(duration=LONG)
    stack.declare(instance_id=HA, remark="x")
    process = stack.start_up(lambda: endpoint.count("list_backups") > 1)
    (made,) = endpoint.backup_ids()
    assert stack.pulumi("cancel", "--yes").ok
    second = stack.start("up", "--yes", "--skip-preview")
    time.sleep(6.0)
    assert process.poll() is None
    endpoint.change_backup(made, duration=0.0)
    endpoint.behave(duration=SHORT)
    process.communicate(timeout=120)
    second.communicate(timeout=120)
    assert endpoint.count("create_backup") == 1
    assert endpoint.backup_ids() == {made}

"""An instance that has all the backups that the service keeps: one more pushes out the oldest."""

from __future__ import annotations

from typing import Any

import pytest

from tests.endpoint import CLUSTER, HA, LocalEndpoint

from .stack import Stack
from .test_previews import declare, of_component

MAX_BACKUPS = 24
RETAINED = "pulumi.ResourceOptions(retain_on_delete=True)"


def fill(endpoint: LocalEndpoint, instance_id: str = HA) -> None:
    """Make backups as others would, until one more pushes out the oldest."""
    for _ in range(MAX_BACKUPS - len(endpoint.backups(instance_id))):
        endpoint.add_backup(instance_id)


def changing(release: int, **more: Any) -> dict[str, Any]:
    return {"instance_id": HA, "triggers": {"release": release}, **more}


@pytest.mark.row("E20")
def test_one_that_another_resource_holds_is_not_pushed_out(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare_all({"oldest": {"instance_id": HA}})
    assert stack.up().ok
    (oldest,) = stack.backup_ids()
    stack.declare_all({"oldest": {"instance_id": HA}, "changing": changing(1)})
    assert stack.up().ok
    fill(endpoint)
    before, held = endpoint.backup_ids(), stack.backup_ids()
    stack.declare_all({"oldest": {"instance_id": HA}, "changing": changing(2)})
    outcome = stack.up()
    assert not outcome.ok
    assert f"No backup of instance {HA} was started: it has 24 backups" in outcome.diagnostics
    assert f"the oldest, backup {oldest}, which 'oldest' holds" in outcome.diagnostics
    assert "delete a backup of this instance that is no longer needed" in outcome.diagnostics
    assert endpoint.count("create_backup") == 2
    assert endpoint.backup_ids() == before
    assert stack.backup_ids() == held
    endpoint.remove_backup(next(iter(before - held)))
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert held & stack.backup_ids() == {oldest}
    assert stack.backup_ids() <= endpoint.backup_ids()


@pytest.mark.row("E20")
def test_twenty_four_resources_of_one_instance(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=0.0)
    adopted = [endpoint.add_backup(HA) for _ in range(MAX_BACKUPS)]
    declared: dict[str, dict[str, object]] = {
        f"b{n}": {"instance_id": HA, "adopt_backup_id": each} for n, each in enumerate(adopted)
    }
    stack.declare_all(declared)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    declared["b23"]["triggers"] = {"release": 1}
    stack.declare_all(declared)
    outcome = stack.up()
    assert not outcome.ok
    assert f"the oldest, backup {adopted[0]}, which 'b0' holds" in outcome.diagnostics
    assert stack.backup_ids() == endpoint.backup_ids() == set(adopted)
    assert endpoint.count("create_backup") == 0


@pytest.mark.row("E20")
def test_one_that_was_to_be_kept_is_not_pushed_out(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(**changing(1, opts=RETAINED))
    assert stack.up().ok
    (kept,) = endpoint.backup_ids()
    stack.declare(**changing(2, opts=RETAINED))
    assert stack.up().ok
    fill(endpoint)
    stack.declare(**changing(3, opts=RETAINED))
    outcome = stack.up()
    assert not outcome.ok
    assert f"backup {kept}, which an InstanceBackup made and left at the service" in outcome.diagnostics
    assert kept in endpoint.backup_ids()
    assert endpoint.count("create_backup") == 2


@pytest.mark.row("E20")
def test_one_that_is_kept_for_its_component_is_not_pushed_out(stack: Stack, endpoint: LocalEndpoint) -> None:
    declare(stack, of_component, "one", "retain_on_delete=True")
    assert stack.up().ok
    (kept,) = endpoint.backup_ids()
    fill(endpoint)
    declare(stack, of_component, "two", "retain_on_delete=True")
    outcome = stack.up()
    assert not outcome.ok
    assert f"the oldest, backup {kept}, which 'backup' holds" in outcome.diagnostics
    assert kept in endpoint.backup_ids()
    assert endpoint.count("create_backup") == 1


@pytest.mark.row("E20")
def test_anothers_is_named_in_a_warning(stack: Stack, endpoint: LocalEndpoint) -> None:
    theirs = endpoint.add_backup(HA)
    stack.declare(**changing(1))
    assert stack.up().ok
    fill(endpoint)
    stack.declare(**changing(2))
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert f"warning: Instance {HA} has 24 backups" in outcome.diagnostics
    assert f"the service pushes out the oldest, backup {theirs}" in outcome.diagnostics
    assert theirs not in endpoint.backup_ids()
    assert stack.backup_ids() <= endpoint.backup_ids()


@pytest.mark.row("E20")
def test_the_one_that_is_replaced_may_go_and_other_instances_do_not_count(
    stack: Stack, endpoint: LocalEndpoint
) -> None:
    stack.declare(**changing(1))
    assert stack.up().ok
    fill(endpoint)
    fill(endpoint, CLUSTER)
    stack.declare(**changing(2))
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert "pushes out" not in outcome.text
    assert stack.backup_ids() <= endpoint.backup_ids()
    assert len(endpoint.backups(HA)) == MAX_BACKUPS

"""Stacks that look alike: clones with relative state folders; and what another stack adopts."""

from __future__ import annotations

import pytest

from tests.endpoint import HA, LocalEndpoint

from .conftest import MakeStack
from .stack import Stack
from .trouble import SHORT, Journal, kill_everything, kill_those, killed_create, processes_of


def clones(make_stack: MakeStack, how: str) -> tuple[Stack, Stack]:
    """Two copies of one project, as two checkouts have it, with a state folder of their own named in the same words."""
    made = []
    for folder in ("first", "second"):
        stack = make_stack(folder=folder)
        if how == "backend: in Pulumi.yaml":
            (stack.folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\nbackend:\n  url: file://./state\n")
            del stack.environment["PULUMI_BACKEND_URL"]
        else:
            stack.environment["PULUMI_BACKEND_URL"] = "file://./state"
        assert stack.pulumi("stack", "select", "dev").ok
        made.append(stack)
    return made[0], made[1]


HOW = pytest.mark.parametrize("how", ["PULUMI_BACKEND_URL", "backend: in Pulumi.yaml"])


@pytest.mark.row("E4")
@HOW
def test_a_clone_leaves_a_living_backup_alone(make_stack: MakeStack, endpoint: LocalEndpoint, how: str) -> None:
    first, second = clones(make_stack, how)
    for stack in (first, second):
        stack.declare(instance_id=HA, remark="one")
    endpoint.behave(duration=5.0)
    running = first.start_up(lambda: endpoint.count("list_backups") > 1)
    (made,) = endpoint.backup_ids()
    endpoint.behave(duration=SHORT)
    outcome = second.up()
    assert outcome.ok, outcome.text
    text, _ = running.communicate(timeout=120)
    assert running.returncode == 0, text
    assert first.backup_ids() == {made}
    assert len(second.backup_ids()) == 1
    assert endpoint.backup_ids() == {made} | second.backup_ids()
    assert len(endpoint.backups()) == 2
    second.declare(instance_id=HA, remark="two")
    assert second.up().ok
    assert made in endpoint.backup_ids()


@pytest.mark.row("E4")
@HOW
def test_a_clone_takes_over_nothing_of_a_killed_run(make_stack: MakeStack, endpoint: LocalEndpoint, how: str) -> None:
    first, second = clones(make_stack, how)
    for stack in (first, second):
        stack.declare(instance_id=HA, remark="one")
    left = killed_create(first, endpoint)
    preview = second.preview()
    assert preview.ok
    assert left not in preview.text
    assert second.up().ok
    assert left not in second.backup_ids()
    outcome = first.up()
    assert outcome.ok, outcome.text
    assert first.backup_ids() == {left}
    assert endpoint.backup_ids() == first.backup_ids() | second.backup_ids()
    assert len(endpoint.backups()) == 2


@pytest.mark.row("E4")
def test_the_next_run_waits_for_a_host_that_outlives_its_engine(make_stack: MakeStack, endpoint: LocalEndpoint) -> None:
    """It writes down what it has made: what the next run starts meanwhile would be a second one."""
    stack = make_stack()
    stack.declare(instance_id=HA, remark="one")
    endpoint.behave(duration=SHORT)
    endpoint.plan({"operation": "create_backup", "carried_out": True, "delay": 9.0})
    process = stack.start_up(endpoint.backups)
    kill_those(stack, "pulumi up")
    assert processes_of(stack, "pulumi.dynamic")
    stack.pulumi("cancel", "--yes")
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 1
    assert stack.backup_ids() == endpoint.backup_ids()
    assert len(endpoint.backups()) == 1
    kill_everything(stack)
    process.communicate(timeout=60)


@pytest.mark.row("E11")
@pytest.mark.parametrize("then", ["other inputs", "not declared any more", "destroyed"])
def test_what_another_stack_adopts_is_never_deleted(make_stack: MakeStack, endpoint: LocalEndpoint, then: str) -> None:
    first, second = make_stack(folder="first"), make_stack(folder="second")
    first.declare(instance_id=HA, remark="one")
    left = killed_create(first, endpoint)
    second.declare(instance_id=HA, adopt_backup_id=left)
    outcome = second.up()
    assert outcome.ok, outcome.text
    if then == "other inputs":
        first.declare(instance_id=HA, remark="two")
    else:
        first.declare_all({})
    outcome = first.destroy() if then == "destroyed" else first.up()
    assert outcome.ok, outcome.text
    assert left in endpoint.backup_ids()
    assert second.backup_ids() == {left}
    assert second.up("--expect-no-changes").ok
    assert endpoint.count("delete_backup") == 0
    # Nor is it taken over, now that it has an owner on this machine.
    first.declare(instance_id=HA, remark="one")
    outcome = first.up()
    assert outcome.ok, outcome.text
    assert left not in first.backup_ids()
    assert endpoint.backup_ids() == {left} | first.backup_ids()


@pytest.mark.row("E14")
@pytest.mark.parametrize("how", ["retained", "kept by another"])
def test_a_journal_that_is_brought_back_deletes_nothing(
    make_stack: MakeStack, endpoint: LocalEndpoint, how: str
) -> None:
    """As a CI cache does that restores the home of a run long ago."""
    stack = make_stack()
    stack.declare(instance_id=HA, remark="one", opts="pulumi.ResourceOptions(retain_on_delete=True)")
    left = killed_create(stack, endpoint)
    journal = Journal(stack)
    assert stack.up().ok
    assert stack.backup_ids() == {left}
    stack.declare_all({})
    assert stack.up().ok
    assert endpoint.backup_ids() == {left}
    if how == "kept by another":
        stack.declare_all({"other": {"instance_id": HA, "adopt_backup_id": left}})
        assert stack.up().ok
    journal.bring_back()
    declared = {"backup": {"instance_id": HA, "remark": "two"}}
    if how == "kept by another":
        declared["other"] = {"instance_id": HA, "adopt_backup_id": left}
    stack.declare_all(declared)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert left in endpoint.backup_ids()
    assert endpoint.count("delete_backup") == 0
    assert stack.destroy().ok
    assert endpoint.backup_ids() == (set() if how == "kept by another" else {left})

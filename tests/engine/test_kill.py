"""``kill -9`` of the host, of the engine, of everything: the next run takes over what the killed one has made."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.endpoint import CLUSTER, HA, LocalEndpoint

from .conftest import MakeStack
from .stack import Stack, until
from .trouble import (
    Journal,
    kill_everything,
    kill_those,
    killed_create,
    killed_up,
    on_another_machine,
    processes_of,
)


def kill_host(stack: Stack) -> None:
    kill_those(stack, "pulumi.dynamic")


def kill_engine(stack: Stack) -> None:
    kill_those(stack, "pulumi up")


@pytest.mark.row("13")
@pytest.mark.parametrize("kill", [kill_host, kill_engine, kill_everything])
@pytest.mark.parametrize("finished", [False, True], ids=["running", "finished"])
def test_the_next_up_takes_over_the_killed_runs_backup(
    stack: Stack, endpoint: LocalEndpoint, kill: Callable[[Stack], None], *, finished: bool
) -> None:
    endpoint.behave(duration=600.0)
    stack.declare(instance_id=HA, remark="one")
    killed_up(stack, lambda: endpoint.count("list_backups") > 1, kill=kill)
    (backup_id,) = endpoint.backup_ids()
    endpoint.change_backup(backup_id, duration=0.0 if finished else 5.0, created=time.time() - 3.0)
    # An engine that outlives its host by long enough saves that the create failed.
    is_pending = bool(stack.deployment().get("pending_operations"))
    assert is_pending or kill is kill_host
    assert ("An earlier run of it was interrupted: `pulumi up` goes on" in stack.preview().diagnostics) == is_pending
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert (
        f"    Goes on with backup {backup_id} of an interrupted run: this resource has it now." in outcome.diagnostics
    )
    assert stack.backup_ids() == endpoint.backup_ids() == {backup_id}
    assert endpoint.count("create_backup") == 1
    assert stack.up("--expect-no-changes").ok


@pytest.mark.row("13")
@pytest.mark.parametrize("kill", [kill_host, kill_engine, kill_everything])
def test_so_it_does_when_killed_before_the_response_to_the_post(
    stack: Stack, endpoint: LocalEndpoint, kill: Callable[[Stack], None]
) -> None:
    endpoint.behave(duration=30.0)
    endpoint.plan({"operation": "create_backup", "carried_out": True, "delay": 3.0})
    stack.declare(instance_id=HA, remark="one")
    killed_up(stack, endpoint.backups, kill=kill)
    (backup_id,) = endpoint.backup_ids()
    endpoint.change_backup(backup_id, duration=0.0)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == {backup_id}
    assert endpoint.count("create_backup") == 1


@pytest.mark.row("13")
def test_killed_before_the_post_it_makes_one(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.plan({"operation": "create_backup", "status": 503, "delay": 3.0})
    stack.declare(instance_id=HA, remark="one")
    killed_up(stack, lambda: endpoint.count("list_backups") > 0)
    assert not endpoint.backups()
    time.sleep(3.0)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert len(endpoint.backups()) == 1
    assert stack.backup_ids() == endpoint.backup_ids()


@pytest.mark.row("13")
def test_a_killed_replacement_is_taken_over_and_the_old_one_goes(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="one")
    assert stack.up().ok
    new = killed_replacement(stack, endpoint)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == {new}
    assert endpoint.count("create_backup") == 2


def orphan(backup_id: str, *, remark: str, instance_id: str = HA, name: str = "backup") -> str:
    """The warning that names a backup which a killed run has left, with the two ways out."""
    shown = f"remark {remark!r}" if remark else "no remark"
    return (
        f"    warning: Orphan: backup {backup_id} of instance {instance_id} ({shown}, succeed), made for {name!r} by a "
        "run that was interrupted. No state holds it.\n"
        f"      `pulumi up` takes it over by itself if {name!r} is declared as it was then. If it is not, take it over "
        f"with adopt_backup_id={backup_id!r}, or delete it in the console.\n"
        "      `pulumi refresh --clear-pending-creates` ends this message.\n"
    )


@pytest.mark.row("13")
def test_what_a_killed_run_made_for_other_inputs_is_named_and_stays(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="one")
    left = killed_create(stack, endpoint)
    stack.declare(instance_id=HA, remark="two")
    for command in (stack.preview, stack.up, stack.preview):
        outcome = command()
        assert outcome.ok, outcome.text
        assert outcome.diagnostics.count("warning: ") == 1
        assert orphan(left, remark="one") in outcome.diagnostics
    assert stack.backup_ids() == endpoint.backup_ids() - {left}
    assert len(endpoint.backups()) == 2
    assert endpoint.count("delete_backup") == 0


@pytest.mark.row("13")
@pytest.mark.parametrize("way_out", ["adopted", "deleted", "dismissed"])
def test_a_killed_replacement_that_is_no_longer_wanted_is_named_until_the_user_has_seen_to_it(
    stack: Stack, endpoint: LocalEndpoint, way_out: str
) -> None:
    stack.declare(instance_id=HA, remark="one")
    assert stack.up().ok
    (old,) = endpoint.backup_ids()
    left = killed_replacement(stack, endpoint)
    stack.declare(instance_id=HA, remark="one")
    for command in (stack.preview, stack.up, stack.up):
        outcome = command("--expect-no-changes")
        assert outcome.ok, outcome.text
        assert orphan(left, remark="two") in outcome.diagnostics
    assert stack.backup_ids() == {old}
    assert endpoint.backup_ids() == {old, left}
    if way_out == "adopted":
        stack.declare_all(
            {
                "backup": {"instance_id": HA, "remark": "one"},
                "theirs": {"instance_id": HA, "adopt_backup_id": left},
            }
        )
        assert stack.up().ok
    elif way_out == "deleted":
        endpoint.remove_backup(left)
    else:
        assert stack.refresh("--clear-pending-creates").ok
    outcome = stack.up("--expect-no-changes")
    assert outcome.ok, outcome.text
    assert "Orphan" not in outcome.text
    assert stack.backup_ids() == ({old, left} if way_out == "adopted" else {old})
    assert endpoint.backup_ids() == ({old} if way_out == "deleted" else {old, left})
    assert endpoint.count("create_backup") == 2


@pytest.mark.row("13")
def test_what_the_killed_run_has_in_the_state_is_not_named(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=600.0)
    both = {"done": {"instance_id": HA, "remark": "one"}, "cut_short": {"instance_id": CLUSTER, "remark": "one"}}
    stack.declare_all(both)

    def one_is_in_the_state() -> bool:
        for backup in endpoint.backups():
            if backup["instance_id"] == HA:
                endpoint.change_backup(backup["backup_id"], duration=0.0)
        return len(stack.resources()) == 1

    killed_up(stack, one_is_in_the_state)
    # The warning comes with the first resource that is checked: before the engine has named the other's state.
    stack.declare_all({"new": {"instance_id": HA}, **both})
    preview = stack.preview()
    assert preview.ok, preview.text
    (left,) = endpoint.backup_ids() - stack.backup_ids()
    assert f"Orphan: backup {left} of instance {CLUSTER} (remark 'one', backuping), made for 'cut_short'" in (
        preview.diagnostics
    )
    assert "'done'" not in preview.diagnostics


@pytest.mark.row("13")
@pytest.mark.parametrize("how", ["taken out of the program", "destroyed"])
def test_so_it_is_when_the_resource_goes(stack: Stack, endpoint: LocalEndpoint, how: str) -> None:
    stack.declare(instance_id=HA, remark="one")
    assert stack.up().ok
    left = killed_replacement(stack, endpoint)
    stack.declare_all({})
    outcome = stack.destroy() if how == "destroyed" else stack.up()
    assert outcome.ok, outcome.text
    assert orphan(left, remark="two") in outcome.diagnostics
    assert endpoint.backup_ids() == {left}
    assert not stack.resources()


def killed_replacement(stack: Stack, endpoint: LocalEndpoint) -> str:
    """Kill a replacement by another remark after its POST; the backup that it left."""
    before = endpoint.backup_ids()
    posts = endpoint.count("create_backup")
    endpoint.behave(duration=600.0)
    stack.declare(instance_id=HA, remark="two")
    killed_up(stack, lambda: endpoint.count("create_backup") > posts)
    (left,) = endpoint.backup_ids() - before
    endpoint.change_backup(left, duration=0.0)
    endpoint.behave(duration=0.3)
    return left


def test_a_run_that_ended_well_leaves_nothing_to_take_over(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="one")
    assert stack.up().ok
    (first,) = endpoint.backup_ids()
    urn = stack.resource()["urn"]
    assert stack.pulumi("state", "delete", urn, "--yes").ok
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert "warning" not in outcome.diagnostics
    assert len(endpoint.backups()) == 2
    assert stack.backup_ids() == endpoint.backup_ids() - {first}


@pytest.mark.row("13", "18")
def test_another_stack_takes_nothing_over(make_stack: MakeStack, endpoint: LocalEndpoint) -> None:
    first, second = make_stack(folder="first"), make_stack(folder="second")
    first.declare(instance_id=HA, remark="same")
    left = killed_create(first, endpoint)
    second.declare(instance_id=HA, remark="same")
    assert second.up().ok
    assert len(endpoint.backups()) == 2
    assert first.up().ok
    assert first.backup_ids() == {left}
    assert first.backup_ids() | second.backup_ids() == endpoint.backup_ids()


@pytest.mark.row("13b")
@pytest.mark.parametrize("way_out", ["adopted", "dismissed"])
def test_on_another_machine_without_a_mark_it_stops_and_names_the_one_that_was_left(
    stack: Stack, endpoint: LocalEndpoint, way_out: str
) -> None:
    stack.declare(instance_id=HA, remark="one")
    left = killed_create(stack, endpoint)
    on_another_machine(stack)
    for _ in range(2):
        outcome = stack.up()
        assert not outcome.ok
        assert (
            f"    error: No backup of instance {HA} was started: an earlier run of this resource was interrupted, and "
            f"backup {left} may be what it made.\n"
            f"      backup {left}: succeed, created "
        ) in outcome.diagnostics
        assert (
            "      What to do: look at it in the console. If it is the one, take it over with "
            f'adopt_backup_id="{left}"; if not, run `pulumi refresh --clear-pending-creates`, and then `pulumi up` '
            "makes a new one.\n"
        ) in outcome.diagnostics
        assert endpoint.backup_ids() == {left}
        assert not stack.resources()
    assert endpoint.count("create_backup") == 1
    if way_out == "adopted":
        stack.declare(instance_id=HA, remark="one", adopt_backup_id=left)
    else:
        assert stack.refresh("--clear-pending-creates").ok
    outcome = stack.up()
    assert outcome.ok, outcome.text
    if way_out == "adopted":
        assert stack.backup_ids() == endpoint.backup_ids() == {left}
    else:
        assert len(endpoint.backups()) == 2
        assert stack.backup_ids() == endpoint.backup_ids() - {left}
    assert stack.up("--expect-no-changes").ok


@pytest.mark.row("13b")
def test_on_another_machine_it_goes_on_where_nothing_fits(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=600.0)
    stack.declare(instance_id=HA, remark="one")
    killed_up(stack, lambda: endpoint.count("list_backups") > 1)
    (left,) = endpoint.backup_ids()
    endpoint.change_backup(left, duration=0.0, remark="somebody else's")
    endpoint.behave(duration=0.3)
    on_another_machine(stack)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert len(endpoint.backups()) == 2
    assert stack.backup_ids() == endpoint.backup_ids() - {left}


@pytest.mark.row("13b")
@pytest.mark.parametrize("is_selected", [True, False], ids=["selected", "--stack"])
def test_on_another_machine_the_mark_proves_whose_it_is(
    stack: Stack, endpoint: LocalEndpoint, *, is_selected: bool
) -> None:
    stack.config("dcs:mark", "true")
    stack.declare(instance_id=HA, remark="one")
    left = killed_create(stack, endpoint)
    on_another_machine(stack, is_selected=is_selected)
    outcome = stack.up("--stack", stack.name)
    assert outcome.ok, outcome.text
    assert stack.pulumi("stack", "select", stack.name).ok
    assert stack.backup_ids() == endpoint.backup_ids() == {left}
    assert endpoint.count("create_backup") == 1
    assert stack.resource()["outputs"]["remark"] == "one"
    assert stack.refresh("--expect-no-changes").ok
    assert stack.up("--expect-no-changes").ok


def test_the_mark_does_not_pass_off_the_replaced_backup_as_new(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.config("dcs:mark", "true")
    stack.declare(instance_id=HA)
    assert stack.up().ok
    (old,) = endpoint.backup_ids()
    assert stack.resource()["outputs"].get("remark") is None
    outcome = stack.up("--target-replace", stack.resource()["urn"])
    assert outcome.ok, outcome.text
    (new,) = endpoint.backup_ids()
    assert new != old


def test_an_orphaned_host_ends(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=600.0)
    stack.declare(instance_id=HA)
    process = stack.start_up(endpoint.backups)
    kill_engine(stack)
    until(lambda: not processes_of(stack, "pulumi.dynamic"), seconds=20.0)
    kill_everything(stack)
    process.communicate(timeout=60)


def test_moving_a_backup_to_another_resource_does_not_delete_it(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare_all({"first": {"instance_id": HA}})
    assert stack.up().ok
    (backup_id,) = endpoint.backup_ids()
    stack.declare_all({"second": {"instance_id": HA, "adopt_backup_id": backup_id}})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.backup_ids() == stack.backup_ids() == {backup_id}
    assert f"warning: Backup {backup_id} is not deleted: 'second' has it as well.\n" in outcome.diagnostics


@pytest.mark.parametrize("how", ["target-replace", "taint"])
def test_to_replace_an_adopted_backup_by_force_does_not_lose_it(
    stack: Stack, endpoint: LocalEndpoint, how: str
) -> None:
    existing = endpoint.add_backup(HA)
    stack.declare(instance_id=HA, adopt_backup_id=existing)
    assert stack.up().ok
    urn = stack.resource()["urn"]
    if how == "taint":
        assert stack.pulumi("state", "taint", urn, "--yes").ok
    outcome = stack.up(*(["--target-replace", urn] if how == "target-replace" else []))
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids()
    assert len(endpoint.backups()) == 1


def test_a_journal_that_is_out_of_date_does_not_pass_off_the_old_backup_as_new(
    stack: Stack, endpoint: LocalEndpoint
) -> None:
    stack.declare(instance_id=HA, remark="one")
    old = killed_create(stack, endpoint)
    journal = Journal(stack)
    assert stack.up().ok
    journal.bring_back()
    outcome = stack.up("--target-replace", stack.resource()["urn"])
    assert outcome.ok, outcome.text
    (new,) = endpoint.backup_ids()
    assert new != old


@pytest.mark.row("13")
@pytest.mark.parametrize("when", ["begun", "response"])
def test_a_host_that_dies_alone_leaves_no_pending_create_and_is_gone_on_with(
    stack: Stack, endpoint: LocalEndpoint, when: str
) -> None:
    """The engine lives on, sees the create fail, and saves a state that knows nothing of it."""
    endpoint.behave(duration=30.0)
    if when == "response":
        endpoint.plan({"operation": "create_backup", "carried_out": True, "delay": 3.0})
    stack.declare(instance_id=HA, remark="one")
    process = stack.start_up(endpoint.backups if when == "response" else lambda: endpoint.count("list_backups") > 1)
    kill_host(stack)
    process.communicate(timeout=60)
    assert '"pending_operations"' not in stack.pulumi("stack", "export").text
    (backup_id,) = endpoint.backup_ids()
    endpoint.change_backup(backup_id, duration=0.0)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == {backup_id}
    assert endpoint.count("create_backup") == 1

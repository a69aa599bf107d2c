"""Runs that were killed, on this machine and on another, and runs whose state could not be saved."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.endpoint import CLUSTER, HA, LocalEndpoint

from .stack import Stack, until
from .test_previews import declare, of_component
from .trouble import (
    SHORT,
    Exports,
    killed_create,
    killed_up,
    on_another_machine,
    processes_of,
    state_that_cannot_be_written,
)

LIST = {"operation": "list_backups"}


@pytest.mark.row("E3")
def test_a_state_that_cannot_be_saved_after_the_create(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=600.0)
    stack.declare(instance_id=HA, remark="one")
    process = stack.start_up(lambda: endpoint.count("list_backups") > 1)
    (made,) = endpoint.backup_ids()
    with state_that_cannot_be_written(stack):
        endpoint.change_backup(made, duration=0.0)
        text, _ = process.communicate(timeout=120)
    assert process.returncode != 0, text
    assert not stack.resources()
    stack.pulumi("cancel", "--yes")
    endpoint.behave(duration=SHORT)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 1
    assert stack.backup_ids() == endpoint.backup_ids() == {made}
    assert "Orphan" not in stack.preview().text


@pytest.mark.row("E3")
def test_so_with_the_second_of_a_replacement(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="one")
    assert stack.up().ok
    (old,) = stack.backup_ids()
    endpoint.behave(duration=600.0)
    stack.declare(instance_id=HA, remark="two")
    process = stack.start_up(lambda: endpoint.count("create_backup") > 1)
    (new,) = endpoint.backup_ids() - {old}
    with state_that_cannot_be_written(stack):
        endpoint.change_backup(new, duration=0.0)
        text, _ = process.communicate(timeout=120)
    assert process.returncode != 0, text
    assert endpoint.backup_ids() == {old, new}
    assert stack.backup_ids() == {old}
    stack.pulumi("cancel", "--yes")
    endpoint.behave(duration=SHORT)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 2
    assert stack.backup_ids() == endpoint.backup_ids() == {new}


@pytest.mark.row("E3")
def test_interrupted_twice_while_a_list_is_slow(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=600.0)
    endpoint.plan({**LIST, "skip": 1, "delay": 20.0, "times": -1})
    stack.declare(instance_id=HA, remark="one")
    process = stack.start_up(endpoint.backups)
    until(lambda: endpoint.count("list_backups") > 1)
    (made,) = endpoint.backup_ids()
    process.send_signal(signal.SIGINT)
    # The engine takes a second signal within the same moment for the first one.
    time.sleep(2.0)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert not stack.resources()
    until(lambda: not processes_of(stack, "pulumi.dynamic"))
    stack.pulumi("cancel", "--yes")
    endpoint.control("DELETE", "/faults")
    endpoint.change_backup(made, duration=0.0)
    endpoint.behave(duration=SHORT)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 1
    assert stack.backup_ids() == endpoint.backup_ids() == {made}


@pytest.mark.row("E6")
@pytest.mark.parametrize("where", ["full path", "main: src"])
def test_on_another_machine_the_mark_proves_it_wherever_pulumi_is(
    stack: Stack, endpoint: LocalEndpoint, engine: Path, where: str
) -> None:
    stack.config("dcs:mark", "true")
    if where == "main: src":
        stack.environment["PULUMI_BACKEND_URL"] = "file://./state"
        (stack.folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\nmain: src\n")
        stack.program_folder = stack.folder / "src"
        stack.program_folder.mkdir()
        assert stack.pulumi("stack", "select", "dev").ok
    else:
        stack.call_by_full_path(engine)
    stack.declare(instance_id=HA, remark="one")
    left = killed_create(stack, endpoint)
    on_another_machine(stack)
    exports = Exports(stack)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert exports.take_count() == 1
    assert endpoint.count("create_backup") == 1
    assert stack.backup_ids() == endpoint.backup_ids() == {left}
    assert stack.up("--expect-no-changes").ok


@pytest.mark.row("E6")
@pytest.mark.parametrize("mark", ["true", "false"])
def test_where_the_state_cannot_be_read_it_stops_before_a_second_one(
    stack: Stack, endpoint: LocalEndpoint, mark: str
) -> None:
    stack.config("dcs:mark", mark)
    stack.declare_all({name: {"instance_id": HA, "remark": name} for name in ("one",)})
    left = killed_create(stack, endpoint)
    on_another_machine(stack)
    exports = Exports(stack)
    exports.refuse()
    outcome = stack.up()
    assert not outcome.ok
    assert f"No backup of instance {HA} was started" in outcome.diagnostics
    assert f"backup {left} may be the one" in outcome.diagnostics
    assert "the stack's saved state can't be read" in outcome.diagnostics
    assert "pulumi could not be run: No such file or directory" in outcome.diagnostics
    assert "Traceback" not in outcome.diagnostics
    assert endpoint.backup_ids() == {left}
    assert not stack.resources()
    # Asked once, and the failure is kept.
    assert exports.take_count() == 1


@pytest.mark.row("E6")
def test_a_fleet_that_cannot_read_the_state_asks_once(stack: Stack, endpoint: LocalEndpoint) -> None:
    instances = [endpoint.add_instance(cache_mode="ha") for _ in range(8)]
    stack.declare_all({f"b{n}": {"instance_id": instance} for n, instance in enumerate(instances)})
    for instance in instances:
        endpoint.add_backup(instance)
    exports = Exports(stack)
    exports.refuse()
    outcome = stack.up("--parallel", "8")
    assert not outcome.ok
    assert exports.take_count() == 1
    assert endpoint.count("create_backup") == 0


def assert_names_both_ways_out(text: str, left: str) -> None:
    assert f"No backup of instance {HA} was started: an earlier run of this resource was interrupted" in text
    assert f"backup {left} may be what it made" in text
    assert f"backup {left}: succeed, created 20" in text
    assert f'adopt_backup_id="{left}"' in text
    assert "`pulumi refresh --clear-pending-creates`" in text


@pytest.mark.row("E8")
def test_on_another_machine_without_a_mark_it_stops_and_names_the_backup(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare_all({"one": {"instance_id": HA, "remark": "x"}, "other": {"instance_id": CLUSTER}})
    endpoint.plan({"operation": "create_backup", "instance_id": CLUSTER, "status": 403, "times": 1})
    left = killed_create(stack, endpoint)
    on_another_machine(stack)
    outcome = stack.up()
    assert not outcome.ok
    assert_names_both_ways_out(outcome.diagnostics, left)
    # That resource only.
    assert len(stack.backup_ids()) == 1
    assert left not in stack.backup_ids()
    assert endpoint.backup_ids() == stack.backup_ids() | {left}


@pytest.mark.row("E8")
def test_the_first_way_out_is_to_adopt_it(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="x")
    left = killed_create(stack, endpoint)
    on_another_machine(stack)
    assert not stack.up().ok
    stack.declare(instance_id=HA, remark="x", adopt_backup_id=left)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == {left}
    stack.declare(instance_id=HA, remark="x")
    assert stack.up("--expect-no-changes").ok
    # The pending create outlives that; what is in the state is nobody's leftover.
    stack.declare(instance_id=HA, remark="x", triggers={"release": 1})
    assert stack.up().ok
    stack.declare(instance_id=HA, remark="x")
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids()
    assert left not in stack.backup_ids()
    assert endpoint.count("create_backup") == 3


@pytest.mark.row("E8")
def test_the_second_way_out_is_to_clear_the_pending_create(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="x")
    left = killed_create(stack, endpoint)
    on_another_machine(stack)
    assert not stack.up().ok
    assert stack.refresh("--clear-pending-creates").ok
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert len(stack.backup_ids()) == 1
    assert endpoint.backup_ids() == stack.backup_ids() | {left}


@pytest.mark.row("E8")
@pytest.mark.parametrize("what", ["deleted", "other inputs", "another's", "in the state"])
def test_where_nothing_fits_it_goes_on(stack: Stack, endpoint: LocalEndpoint, what: str) -> None:
    stack.declare(instance_id=HA, remark="x")
    left = killed_create(stack, endpoint)
    posts = 2
    if what == "deleted":
        endpoint.remove_backup(left)
    elif what == "another's":
        endpoint.remove_backup(left)
        endpoint.add_backup(HA, remark="theirs")
        endpoint.add_backup(HA, remark="x", backup_type="auto")
        endpoint.add_backup(HA, remark="x", failure="dcs.08.0002", status="failed")
    elif what == "other inputs":
        stack.declare(instance_id=HA, remark="y")
    on_another_machine(stack)
    if what == "in the state":
        adopting = {"instance_id": HA, "adopt_backup_id": left}
        stack.declare_all({"holder": adopting})
        assert stack.up().ok
        stack.declare_all({"holder": adopting, "backup": {"instance_id": HA, "remark": "x"}})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == posts
    assert stack.backup_ids() <= endpoint.backup_ids()
    assert (left in stack.backup_ids()) == (what == "in the state")


@pytest.mark.row("E3")
def test_killed_without_checkpoints(stack: Stack, endpoint: LocalEndpoint) -> None:
    """The engine saves nothing before the end: neither what it has made, nor that it was about to."""
    stack.environment.update({"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"})
    after = "pulumi.ResourceOptions(depends_on=[one])"
    stack.declare_all({"one": {"instance_id": HA}, "other": {"instance_id": CLUSTER, "opts": after}})
    endpoint.plan({"operation": "create_backup", "instance_id": CLUSTER, "status": 503, "delay": 5.0})
    killed_up(stack, lambda: endpoint.count("create_backup") > 1)
    (made,) = endpoint.backup_ids()
    assert not stack.resources()
    preview = stack.preview()
    assert f"Orphan: backup {made} of instance {HA} (no remark, succeed), made for 'one'" in preview.diagnostics
    assert f"Orphan: a backup of instance {CLUSTER} that may have been started, made for 'other'" in preview.diagnostics
    assert "If it is not, look for it in the console: adopt it, or delete it.\n" in preview.diagnostics
    assert "adopt_backup_id=''" not in preview.text
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert made in stack.backup_ids()
    assert stack.backup_ids() == endpoint.backup_ids()
    assert len(endpoint.backups()) == 2
    assert "Orphan" not in stack.preview().text


@pytest.mark.row("E8")
@pytest.mark.parametrize("machine", ["same", "another"])
def test_a_preview_speaks_of_an_interrupted_run_only_while_it_matters(
    stack: Stack, endpoint: LocalEndpoint, machine: str
) -> None:
    """A pending create stays in the state until the user clears it."""
    stack.declare(instance_id=HA, remark="x")
    left = killed_create(stack, endpoint)
    if machine == "another":
        on_another_machine(stack)
        endpoint.remove_backup(left)
    else:
        assert "An earlier run of it was interrupted" in stack.preview().text
        assert stack.up().ok
        assert stack.backup_ids() == {left}
    options = [] if machine == "another" else ["--target-replace", stack.resource()["urn"]]
    preview = stack.preview(*options)
    assert preview.ok, preview.text
    assert "An earlier run of it was interrupted" not in preview.text
    outcome = stack.up(*options)
    assert outcome.ok, outcome.text
    assert "Goes on with" not in outcome.text
    assert stack.backup_ids() == endpoint.backup_ids()
    assert left not in endpoint.backup_ids()


@pytest.mark.row("E5", "E8")
def test_the_mark_of_what_was_kept_for_its_component_proves_nothing(stack: Stack, endpoint: LocalEndpoint) -> None:
    """It is the mark that the resource's next first backup has."""
    stack.config("dcs:mark", "true")
    declare(stack, of_component, "x", "retain_on_delete=True")
    assert stack.up().ok
    (old,) = endpoint.backup_ids()
    stack.write("")
    assert stack.up().ok
    declare(stack, of_component, "x", "retain_on_delete=True")
    endpoint.plan({"operation": "create_backup", "status": 503, "delay": 3.0})
    killed_up(stack, lambda: endpoint.count("create_backup") > 1)
    on_another_machine(stack)
    outcome = stack.up()
    assert not outcome.ok
    assert f"backup {old} may be what it made" in outcome.diagnostics
    assert not stack.resources()

"""Runs that end at any of their requests, in virtual time: no task is left, and nothing is read without need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pulumi_dcs.api.errors import ConnectionFailed
from pulumi_dcs.api.nodes import Node, Nodes
from pulumi_dcs.api.transport import Request
from pulumi_dcs.backup_verification.lifecycle import Lifecycle
from pulumi_dcs.emulator.faults import Fault
from pulumi_dcs.emulator.tasks import TaskKind
from pulumi_dcs.engine.errors import DiagnosticError, ResourceInitFailedError
from pulumi_dcs.engine.requests import (
    CheckRequest,
    CreateRequest,
    DeleteRequest,
    DiffRequest,
    ProgramFacts,
    UpdateRequest,
)
from pulumi_dcs.engine.stack_state import PendingCreate, StackState, StateResource
from pulumi_dcs.session import Session

from tests.endpoint import CLUSTER

from ..simulation import CONFIGURATION, Killed, Messages, Service, VirtualClock

URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:BackupVerification::proof"
SHARDS = 2
"""Of the endpoint's cluster."""


class World:
    """The endpoint with one backup of a cluster, and a stack that is to verify it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        self.clock = VirtualClock()
        self.service = Service(self.clock)
        self.service.serve(monkeypatch)
        self.home = home
        self.messages = Messages()
        self.pending: list[dict[str, Any]] = []
        self.in_state: tuple[StateResource, ...] = ()
        self.sent: list[Request] = []
        self.kill_before = self.kill_after = -1
        self.service.before = self._before
        self.service.after = self._after
        self.service.world.behaviour.analysis_duration = 4.0
        store = self.service.world.store
        backup = store.add_backup(CLUSTER, remark=None, backup_format="rdb", duration=0.0)
        self.clock.now += 5.0
        self.inputs: dict[str, Any] = {"instance_id": CLUSTER, "backup_id": backup.backup_id, "region": "cn-north-4"}

    def _before(self, request: Request) -> None:
        self.sent.append(request)
        if len(self.sent) - 1 == self.kill_before:
            raise Killed

    def kill(self) -> None:
        raise Killed

    def _after(self, _: Request) -> None:
        if len(self.sent) - 1 == self.kill_after:
            raise Killed

    @property
    def tasks(self) -> list[Any]:
        return self.service.world.store.tasks.all(TaskKind.ANALYSIS)

    @property
    def posts(self) -> list[Request]:
        return [each for each in self.sent if each.method == "POST"]

    def read(self, urn: str, organization: str = "", *, not_before: float = 0.0) -> StackState:
        pending = tuple(PendingCreate(URN, each) for each in self.pending)
        return StackState(self.in_state, pending, self.clock.monotonic())

    def lifecycle(self) -> Lifecycle:
        environment = {"PULUMI_HOME": str(self.home), "PULUMI_BACKEND_URL": "sim://"}
        session = Session(CONFIGURATION, self.messages, clock=self.clock, environment=environment, stack_states=self)
        return Lifecycle(session)

    def create(self, timeout: float | None = None) -> Any:
        """A run's create; what it was killed at stays pending, as the engine has it."""
        self.pending.insert(0, self.inputs)
        found = self.lifecycle().create(CreateRequest(URN, self.inputs, timeout))
        self.pending.pop(0)
        return found


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    return World(monkeypatch, tmp_path)


def assert_verified(world: World, properties: Any) -> None:
    assert properties["key_count"] == 1000 * SHARDS
    assert sum(properties["keys_by_type"].values()) == 1000 * SHARDS
    assert not world.tasks
    assert "__analyses" not in properties
    assert all(each.body and each.body["backup_id"] == world.inputs["backup_id"] for each in world.posts)
    assert len(world.service.world.store.backups(CLUSTER)) == 1


def test_undisturbed(world: World) -> None:
    assert_verified(world, world.create().properties)
    assert len(world.posts) == SHARDS


def every_request(make: Callable[[], World]) -> int:
    world = make()
    world.create()
    return len(world.sent)


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, when: str) -> None:
    count = every_request(lambda: World(monkeypatch, tmp_path))
    assert count > 10
    for number in range(count):
        world = World(monkeypatch, tmp_path)
        setattr(world, f"kill_{when}", number)
        with pytest.raises(Killed):
            world.create()
        world.service.is_killed = False
        world.kill_before = world.kill_after = -1
        assert_verified(world, world.create().properties)
        # Those whose result was read and whose task was removed are read again; nothing else is.
        removed = sum(each.method == "DELETE" for each in world.sent[: number + 1])
        assert len(world.posts) <= SHARDS + removed + 1


def test_a_timeout_at_any_moment_is_gone_on_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for seconds in range(1, 16):
        world = World(monkeypatch, tmp_path)
        try:
            world.create(float(seconds))
        except ResourceInitFailedError as error:
            world.pending.clear()
            assert "continues the verification" in error.message
            update = UpdateRequest(URN, error.id, world.inputs, error.properties, world.inputs)
            assert_verified(world, world.lifecycle().update(update).properties)
            assert len(world.posts) == SHARDS
        except DiagnosticError:
            # Before the first task: there is nothing to go on with.
            assert not world.tasks


def test_one_that_was_cut_short_is_removed(world: World) -> None:
    with pytest.raises(ResourceInitFailedError) as cut:
        world.create(6.0)
    assert world.tasks
    world.lifecycle().delete(DeleteRequest(URN, cut.value.id, cut.value.properties, world.inputs))
    assert not world.tasks
    assert len(world.service.world.store.backups(CLUSTER)) == 1


def test_a_shard_that_cant_be_read(world: World) -> None:
    world.service.world.behaviour.analysis_failure = "x"
    with pytest.raises(DiagnosticError, match="can't be read through by the service, shard 1 of 2"):
        world.create()
    assert not world.tasks
    assert len(world.posts) == 1


def test_a_count_that_names_no_backup_is_no_proof(world: World) -> None:
    half = Fault(operation="show_key_analysis", status=200, body='{"total_num": 3}')
    world.service.world.faults.planned.append(half)
    assert_verified(world, world.create().properties)


@pytest.mark.parametrize("removed", [0, 1])
def test_tasks_that_cant_be_removed_are_named_and_kept_for_the_destroy(world: World, removed: int) -> None:
    deletes = 0

    def before(request: Request) -> None:
        nonlocal deletes
        world.sent.append(request)
        deletes += request.method == "DELETE"
        if request.method == "DELETE" and deletes > removed:
            raise ConnectionFailed("Out of reach.", sent=False, is_transient=False)

    world.service.before = before
    created = world.create()
    left = {each.task_id for each in world.tasks}
    assert len(left) == SHARDS - removed
    assert created.properties["key_count"] == 1000 * SHARDS
    (warning,) = world.messages.lasting
    assert all(each in warning for each in left)
    world.service.before = lambda _: None
    world.lifecycle().delete(DeleteRequest(URN, created.id, created.properties, world.inputs))
    assert not world.tasks


def test_a_failover_while_it_is_cut_short_counts_no_shard_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ResourceInitFailedError) as cut:
        world.create(6.0)
    swapped = {"master": "slave", "slave": "master"}
    listed = Nodes.list

    def after_failover(self: Nodes, instance_id: str) -> tuple[Node, ...]:
        return tuple(replace(each, node_type=swapped[each.node_type]) for each in listed(self, instance_id))

    monkeypatch.setattr(Nodes, "list", after_failover)
    update = UpdateRequest(URN, cut.value.id, world.inputs, cut.value.properties, world.inputs)
    assert_verified(world, world.lifecycle().update(update).properties)


def test_a_killed_runs_tasks_for_another_backup_are_removed_even_by_a_run_that_is_cut_short(world: World) -> None:
    world.service.after = lambda request: world.kill() if request.method == "POST" else None
    with pytest.raises(Killed):
        world.create()
    world.service.is_killed, world.service.after = False, lambda _: None
    (left,) = world.tasks
    another = world.service.world.store.add_backup(CLUSTER, remark=None, backup_format="rdb", duration=0.0)
    world.clock.now += 5.0
    world.inputs = {**world.inputs, "backup_id": another.backup_id}
    with pytest.raises(ResourceInitFailedError) as cut:
        world.create(6.0)
    assert left.task_id in {each.task_id for each in world.tasks}
    update = UpdateRequest(URN, cut.value.id, world.inputs, cut.value.properties, world.inputs)
    assert world.lifecycle().update(update).properties["key_count"] == 1000 * SHARDS
    assert not world.tasks


def test_a_lost_request_is_not_confused_with_another_verification_of_this_run(world: World) -> None:
    """Its task fits, and so does not tell whether this one's request was carried out: it is sent again."""
    lifecycle = world.lifecycle()
    other_urn, first = URN.replace("proof", "other"), True

    def before(request: Request) -> None:
        nonlocal first
        world.sent.append(request)
        if request.method == "POST" and first:
            first = False
            with pytest.raises(ResourceInitFailedError):
                lifecycle.create(CreateRequest(other_urn, world.inputs, 2.0))
            world.clock.now += 4.0
            raise ConnectionFailed("Lost.", sent=True)

    world.service.before = before
    created = lifecycle.create(CreateRequest(URN, world.inputs, None))
    assert created.properties["key_count"] == 1000 * SHARDS
    # Its own were removed, the other verification's was not.
    (others,) = world.tasks
    assert others.task_id not in created.id
    assert len(world.posts) == SHARDS + 2


def test_a_minimum_that_is_a_secret_is_not_shown(world: World) -> None:
    inputs = {**world.inputs, "minimum_keys": 54321, "__secretInputs": ["minimum_keys"]}
    with pytest.raises(ResourceInitFailedError, match="has 2000 keys, too few: minimum_keys is more") as failed:
        world.lifecycle().create(CreateRequest(URN, inputs, None))
    assert "54321" not in failed.value.message
    which = failed.value.id
    with pytest.raises(DiagnosticError, match="too few") as previewed:
        lifecycle = world.lifecycle()
        program = ProgramFacts(dry_run=True, secret_paths=("minimum_keys",))
        lifecycle.check(CheckRequest(URN, world.inputs, inputs, program))
        lifecycle.diff(DiffRequest(URN, which, world.inputs, failed.value.properties, inputs))
    assert "54321" not in previewed.value.message


def test_a_pending_create_that_was_carried_out_since_makes_nobodys_task_ours(world: World) -> None:
    world.service.after = lambda request: world.kill() if request.method == "POST" else None
    with pytest.raises(Killed):
        world.create()
    world.service.is_killed, world.service.after = False, lambda _: None
    created = world.create()
    assert not world.tasks
    # The engine keeps the pending create until it is cleared.
    assert len(world.pending) == 1
    world.in_state = (StateResource(URN, created.id, world.inputs, created.properties),)
    store = world.service.world.store
    node = {"node_id": next(each.body["node_id"] for each in world.posts if each.body)}
    theirs = store.tasks.add(
        TaskKind.ANALYSIS,
        CLUSTER,
        project_id="",
        backup_id=world.inputs["backup_id"],
        duration=0.0,
        node=node,
        result={},
        analysis_type="old_backup",
    )
    world.inputs = {**world.inputs, "triggers": {"release": 2}}
    assert world.create().properties["key_count"] == 1000 * SHARDS
    assert [each.task_id for each in world.tasks] == [theirs.task_id]
    # One that is killed now is one of this resource again.
    world.service.after = lambda request: world.kill() if request.method == "POST" else None
    with pytest.raises(Killed):
        world.create()
    world.service.is_killed, world.service.after = False, lambda _: None
    store.tasks.remove(theirs.task_id)
    assert_verified(world, world.create().properties)

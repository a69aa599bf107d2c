"""Sequences that once broke a promise: a second backup in silence, a live one deleted, an old one passed off as new."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.protobuf import struct_pb2
from pulumi_dcs.api.transport import Request
from pulumi_dcs.emulator.faults import Fault
from pulumi_dcs.engine.wire import from_json, from_struct
from pulumi_dcs.resources.inputs import canonical_json

from tests.endpoint import HA
from tests.unit.simulation import Killed, Service, Stack, VirtualClock

NIGHTLY = {"instance_id": HA, "remark": "nightly"}


class Laboratory:
    """A service, a machine, and stacks on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        self.clock = VirtualClock()
        self.service = Service(self.clock)
        self.service.serve(monkeypatch)
        self.home = home

    def stack(self, name: str = "blue", **configuration: str) -> Stack:
        return Stack(self.service, self.home, name, {f"dcs:{key}": value for key, value in configuration.items()})

    @property
    def backup_ids(self) -> list[str]:
        return [backup.backup_id for backup in self.service.world.store.all_backups()]

    def killed(self, run: Callable[[], object], when: str = "while it waits for the backup", late: float = 0) -> None:
        """Run until the process is killed.

        Args:
            late: seconds before the service carries the request for a backup out.
        """
        is_posted = False

        def before(request: Request) -> None:
            nonlocal is_posted
            if request.method == "POST":
                if when == "before the request":
                    raise Killed
                self.clock.now += late
                is_posted = True
            elif is_posted or when == "before the list":
                raise Killed

        def after(request: Request) -> None:
            if request.method == "POST" and when == "before the response":
                raise Killed

        self.service.before, self.service.after = before, after
        try:
            with pytest.raises(Killed):
                run()
        finally:
            self.service.before = self.service.after = lambda _: None


@pytest.fixture
def laboratory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Laboratory]:
    yield Laboratory(monkeypatch, tmp_path / "machine-1")


def test_to_replace_an_adopted_backup_by_force_does_not_delete_it(laboratory: Laboratory) -> None:
    """``--replace`` and ``pulumi state taint`` have the engine check without the old inputs and ask for no diff."""
    existing = laboratory.service.world.store.add_backup(HA, remark="nightly", backup_format="rdb", duration=1.0)
    laboratory.clock.now += 60
    stack = laboratory.stack()
    declared = {"a": {**NIGHTLY, "adopt_backup_id": existing.backup_id}}
    assert stack.up(declared), stack.errors
    stack.up(declared, replaced=["a"])
    assert set(stack.backup_ids) <= set(laboratory.backup_ids), "the state holds a backup that was deleted"


def test_killed_while_deleting_first_it_makes_no_second(laboratory: Laboratory) -> None:
    """The engine keeps what was deleted first in the state, until the new one is there."""
    stack = laboratory.stack()
    assert stack.up({"a": {**NIGHTLY, "triggers": {"release": 1}}})
    declared = {"a": {**NIGHTLY, "triggers": {"release": 2}}}
    laboratory.killed(lambda: stack.up(declared, deleted_first=["a"]))
    made = laboratory.backup_ids
    assert stack.up(declared, deleted_first=["a"]), stack.errors
    assert laboratory.backup_ids == made == stack.backup_ids


def test_killed_while_deleting_first_by_force_it_makes_no_second_in_silence(laboratory: Laboratory) -> None:
    stack = laboratory.stack()
    assert stack.up({"a": NIGHTLY})
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}, deleted_first=["a"], replaced=["a"]))
    made = laboratory.backup_ids
    if stack.up({"a": NIGHTLY}, deleted_first=["a"]):
        assert stack.backup_ids == made
    assert laboratory.backup_ids == made


def test_killed_after_a_refresh_in_the_same_run_it_makes_no_second(laboratory: Laboratory) -> None:
    """``pulumi up --refresh``: the refresh takes the old one out of the state, so that it replaces nothing."""
    stack = laboratory.stack()
    assert stack.up({"a": NIGHTLY})
    laboratory.service.world.store.remove_backup(stack.backup_ids[0])
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}, refreshes=True))
    made = laboratory.backup_ids
    assert stack.up({"a": NIGHTLY}, refreshes=True), stack.errors
    assert laboratory.backup_ids == made == stack.backup_ids


@pytest.mark.parametrize("renames", [False, True], ids=["backend", "stack"])
def test_killed_and_then_called_otherwise_it_makes_no_second_in_silence(laboratory: Laboratory, renames: bool) -> None:
    """The same state backend by another URL, or ``pulumi stack rename``: the journal knows the backup as another's."""
    stack = laboratory.stack()
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}))
    made = laboratory.backup_ids
    if renames:
        renamed = laboratory.stack("green")
        renamed.saved = stack.saved
        renamed.saved.pending_creates = [
            (renamed.urn(urn.rpartition("::")[2]), inputs) for urn, inputs in stack.saved.pending_creates
        ]
        stack = renamed
    else:
        stack.backend = "sim://blue?region=eu"
    if stack.up({"a": NIGHTLY}):
        assert stack.backup_ids == made
    assert laboratory.backup_ids == made


@pytest.mark.parametrize("late", [15.0, 40.0])
def test_killed_while_a_slow_service_carries_the_request_out_it_makes_no_second(
    laboratory: Laboratory, late: float
) -> None:
    """The rate limit may keep a request back, and a slow service carries it out long after it was sent."""
    stack = laboratory.stack()
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}), "before the response", late=late)
    made = laboratory.backup_ids
    assert len(made) == 1
    laboratory.clock.now += 60
    laboratory.service.world.faults.planned = [Fault(operation="list_backups", status=502)]
    assert stack.up({"a": NIGHTLY}), stack.errors
    assert laboratory.backup_ids == made == stack.backup_ids


def test_killed_twice_and_on_another_machine_it_makes_no_second_in_silence(
    laboratory: Laboratory, tmp_path: Path
) -> None:
    """The second killed run had sent nothing; that explains one of the two pending creates, not the other."""
    stack = laboratory.stack()
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}))
    made = laboratory.backup_ids
    stack.home = tmp_path / "machine-2"
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}), "before the list")
    laboratory.service.world.faults.planned = [Fault(operation="list_backups", status=502)]
    if stack.up({"a": NIGHTLY}):
        assert stack.backup_ids == made
    assert laboratory.backup_ids == made


def test_killed_before_the_request_the_mark_of_a_retained_backup_proves_nothing(
    laboratory: Laboratory, tmp_path: Path
) -> None:
    """A backup that was kept when its resource went bears the mark that the resource's next first one would have."""
    stack = laboratory.stack(mark="true")
    declared = {"a": {**NIGHTLY, "retain_on_delete": True}}
    assert stack.up(declared)
    old = stack.backup_ids
    assert stack.up({})
    laboratory.killed(lambda: stack.up(declared), "before the request")
    stack.home = tmp_path / "machine-2"
    stack.up(declared)
    assert stack.backup_ids != old, "an old backup is passed off as new"


def test_somebody_elses_backup_of_days_later_is_not_taken_over(laboratory: Laboratory) -> None:
    """Without a Date header nothing says until when the request of a killed run can have been carried out."""
    laboratory.service.world.behaviour.send_date = False
    stack = laboratory.stack()
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}), "before the request")
    laboratory.clock.now += 2 * 24 * 3600
    theirs = laboratory.service.world.store.add_backup(HA, remark="nightly", backup_format="rdb", duration=1.0)
    laboratory.clock.now += 3600
    stack.up({"a": NIGHTLY})
    assert theirs.backup_id not in stack.backup_ids


def test_what_was_taken_over_once_is_not_taken_over_again(laboratory: Laboratory, tmp_path: Path) -> None:
    """A pending create stays in the state for ever, unless the user clears it: it is explained only once."""
    stack = laboratory.stack()
    declared = {"a": {**NIGHTLY, "retain_on_delete": True}}
    laboratory.killed(lambda: stack.up(declared))
    assert stack.up(declared), stack.errors
    old = stack.backup_ids
    stack.home = tmp_path / "machine-2"
    assert stack.up({})
    stack.home = laboratory.home
    stack.up(declared)
    assert stack.backup_ids != old, "an old backup is passed off as new"


def test_a_backup_whose_response_is_on_its_way_is_nobody_elses(laboratory: Laboratory) -> None:
    """One request is lost and was not carried out; meanwhile another resource's, with the same remark, was."""
    first, second = laboratory.stack("blue"), laboratory.stack("green")
    posts = 0

    def drop(request: Request) -> None:
        nonlocal posts
        if request.method == "POST":
            posts += 1
            if posts == 1:
                # The service has carried it out; before the response comes, the other one's request gets lost.
                laboratory.service.world.faults.planned = [Fault(operation="create_backup", drop=True)]
                second.up({"b": NIGHTLY})
                laboratory.service.world.faults.planned = []

    laboratory.service.after = drop
    assert first.up({"a": NIGHTLY}), first.errors
    assert not set(first.backup_ids) & set(second.backup_ids), "one backup has two owners"


def test_a_computer_that_slept_while_the_request_was_on_its_way_makes_no_second(laboratory: Laboratory) -> None:
    """The monotonic clock stands still meanwhile, and the connection is lost: the service's clock is far ahead then."""
    laboratory.service.world.faults.planned = [Fault(operation="create_backup", drop=True, carried_out=True)]

    def sleep(request: Request) -> None:
        if request.method == "POST":
            laboratory.service.world.behaviour.clock_offset = 3600.0

    laboratory.service.before = sleep
    stack = laboratory.stack()
    assert stack.up({"a": NIGHTLY}), stack.errors
    assert laboratory.backup_ids == stack.backup_ids


def test_of_two_that_the_killed_runs_request_may_have_made_no_third_is_made(laboratory: Laboratory) -> None:
    stack = laboratory.stack()
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}), "before the response")
    laboratory.service.world.store.add_backup(HA, remark="nightly", backup_format="rdb", duration=1.0)
    laboratory.clock.now += 3600
    assert not stack.up({"a": NIGHTLY})
    assert len(laboratory.backup_ids) == 2
    stack.clear_pending_creates()
    assert stack.up({"a": NIGHTLY}), stack.errors


def test_a_large_number_is_the_same_in_the_state_as_on_the_wire() -> None:
    """Such as a time in nanoseconds: else the pending create of a killed run would be one with other inputs."""
    told = struct_pb2.Struct()
    told.update({"now": 1764500000123456789})
    written = json.loads('{"now": 1764500000123456800}')
    assert canonical_json(from_struct(told)) == canonical_json(from_json(written))


@pytest.mark.parametrize("when", ["while it waits for the backup", "before the response"])
def test_where_the_engine_outlives_its_host_there_is_no_second(laboratory: Laboratory, when: str) -> None:
    """The engine takes the create for failed, and saves a state that knows nothing of it."""
    stack = laboratory.stack()
    stack.outlives_its_host = True
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}), when)
    assert not stack.saved.pending_creates
    made = laboratory.backup_ids
    assert stack.up({"a": NIGHTLY}), stack.errors
    assert laboratory.backup_ids == made == stack.backup_ids


def test_twice_in_a_row_neither(laboratory: Laboratory) -> None:
    """The first time it was pending, and still is: that says nothing of the second."""
    stack = laboratory.stack()
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}))
    stack.outlives_its_host = True
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}), "before the list")
    made = laboratory.backup_ids
    assert stack.up({"a": NIGHTLY}), stack.errors
    assert laboratory.backup_ids == made == stack.backup_ids


def test_a_pending_create_of_other_inputs_says_nothing_of_it(laboratory: Laboratory) -> None:
    stack = laboratory.stack()
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}), "before the request")
    stack.outlives_its_host = True
    other = {"a": {**NIGHTLY, "remark": "other"}}
    laboratory.killed(lambda: stack.up(other), "before the response")
    made = laboratory.backup_ids
    stack.preview()
    assert stack.up(other), stack.errors
    assert laboratory.backup_ids == made == stack.backup_ids


def test_where_the_engine_outlives_its_host_what_nobody_declares_any_more_is_named(laboratory: Laboratory) -> None:
    stack = laboratory.stack()
    stack.outlives_its_host = True
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}))
    (left,) = laboratory.backup_ids
    for _ in range(2):
        stack.up({"a": {**NIGHTLY, "remark": "other"}})
        said = "\n".join(stack.messages.lasting)
        assert f"Orphan: backup {left} " in said
        assert "clear-pending-creates" not in said, "nothing is pending"
    laboratory.service.world.store.remove_backup(left)
    stack.up({"a": {**NIGHTLY, "remark": "other"}})
    assert "Orphan" not in "\n".join(stack.messages.lasting)


def test_what_was_named_and_cleared_is_given_up(laboratory: Laboratory) -> None:
    stack = laboratory.stack()
    laboratory.killed(lambda: stack.up({"a": NIGHTLY}))
    (left,) = laboratory.backup_ids
    stack.clear_pending_creates()
    assert stack.up({"a": NIGHTLY}), stack.errors
    assert left not in stack.backup_ids

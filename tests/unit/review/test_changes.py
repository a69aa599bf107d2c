"""What the engine's steps mean for backups."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.engine.unknowns import UNKNOWN
from pulumi_dcs.review.changes import Change, Kind, changes_in, other_changes
from pulumi_dcs.review.report import Outcome

from .logs import CARTS, ORDERS, RETENTION, location, log, replacement, report, retention, state, step


def changes(*events: Any) -> list[Change]:
    return changes_in(log(*events))


def test_a_first_backup() -> None:
    (change,) = changes(step("create", "a", None, state(inputs={"backup_format": "aof"}, protect=True)))
    assert (change.kind, change.name, change.location.instance_id) == (Kind.TAKE, "a", ORDERS)
    assert (change.backup_format, change.is_protected, change.is_retained) == ("aof", True, False)
    assert change.goes is change.stays is change.result is None


def test_a_replacement_deletes_the_old_one_after_the_new_one_is_made() -> None:
    (change,) = changes(replacement("a", state("b1"), state()))
    assert change.kind is Kind.REPLACE
    assert change.goes is not None
    assert (change.goes.backup_id, change.goes.size) == ("b1", 1181116006)
    assert not change.is_deleted_first


def test_a_replacement_that_deletes_first_is_known_by_the_order_of_its_steps() -> None:
    (change,) = changes(replacement("a", state("b1"), state(), deletes_first=True))
    assert change.is_deleted_first


def test_a_replaced_backup_is_left_where_the_state_says_that_it_is_retained() -> None:
    (change,) = changes(replacement("a", state("b1", retainOnDelete=True), state()))
    assert change.goes is None
    assert change.stays is not None
    assert change.stays.backup_id == "b1"
    assert not change.is_retained


def test_a_replacement_by_an_existing_backup_takes_none() -> None:
    (change,) = changes(replacement("a", state("b1"), state(inputs={"adopt_backup_id": "b2"})))
    assert (change.kind, change.adopted_id) == (Kind.ADOPT, "b2")


@pytest.mark.parametrize("named", ["b1", "b0"])
def test_an_adoption_that_is_spent_takes_a_new_backup(named: str) -> None:
    old = state("b1", inputs={"adopt_backup_id": "b0"})
    (change,) = changes(replacement("a", old, state(inputs={"adopt_backup_id": named})))
    assert (change.kind, change.adopted_id) == (Kind.REPLACE, "")


def test_an_adoption_by_a_new_resource() -> None:
    (change,) = changes(step("create", "a", None, state(inputs={"adopt_backup_id": "b2"})))
    assert (change.kind, change.adopted_id) == (Kind.ADOPT, "b2")
    (change,) = changes(step("create", "a", None, state(inputs={"adopt_backup_id": UNKNOWN})))
    assert (change.kind, change.adopted_id) == (Kind.ADOPT, "")


def test_a_deletion_deletes_unless_the_backup_is_retained() -> None:
    gone, left = changes(
        step("delete", "a", state("b1")), step("delete", "b", state("b2", instance_id=CARTS, retainOnDelete=True))
    )
    assert gone.kind is Kind.DELETE
    assert gone.goes is not None
    assert gone.goes.backup_id == "b1"
    assert left.kind is Kind.LEAVE
    assert left.goes is None
    assert left.location.instance_id == CARTS


def test_what_an_interrupted_replacement_left_is_deleted_beside_the_own_change() -> None:
    left = step("delete-replaced", "a", state("b0", delete=True))
    first, second = changes(replacement("a", state("b1"), state()), left)
    assert {first.kind, second.kind} == {Kind.REPLACE, Kind.DELETE}
    assert {each.goes.backup_id for each in (first, second) if each.goes} == {"b0", "b1"}
    (alone,) = changes(left)
    assert alone.kind is Kind.DELETE


def test_what_an_earlier_replacement_left_does_not_say_that_the_own_backup_goes_first() -> None:
    left = step("delete-replaced", "a", state("b0", delete=True))
    (change,) = [each for each in changes(left, replacement("a", state("b1"), state())) if each.kind is Kind.REPLACE]
    assert not change.is_deleted_first


def test_an_update_waits_for_a_running_backup_or_changes_none() -> None:
    running = state("b1")
    running["outputs"]["status"] = "backuping"
    (change,) = changes(step("update", "a", running, running))
    assert change.kind is Kind.WAIT
    (change,) = changes(step("update", "a", state("b1"), state("b1")))
    assert change.kind is Kind.UPDATE


def test_what_stays_as_it_is_is_no_change() -> None:
    same = [*step("same", "a", state("b1"), state("b1")), *step("read", "b", None, state("b2"))]
    assert changes(same, step("refresh", "c", state("b1"), state("b1"), ends="")) == []
    assert other_changes(log(same)) == 0


def test_other_resources_are_counted_once_each() -> None:
    other = "huaweicloud:Dcs/instance:Instance"
    events = log(step("create", "a", None, state()), step("update", "x", {}, {}, type_=other))
    assert other_changes(events) == 1
    assert other_changes(log(step("create", "stack", None, {}, type_="pulumi:pulumi:Stack"))) == 0
    assert other_changes(log(step("create", "default", None, {}, type_="pulumi:providers:random"))) == 0
    assert other_changes(log(*(step(op, "x", {}, {}, type_=other) for op in ("create-replacement", "replace")))) == 1


def test_what_is_not_known_yet_is_empty() -> None:
    (change,) = changes(step("create", "a", None, state(instance_id=UNKNOWN)))
    assert change.location.instance_id == ""


def test_a_record_knows_what_was_finished() -> None:
    done, failed, started = changes(
        step("create", "a", None, state("b1")),
        step("create", "b", None, state(), ends="resOpFailedEvent"),
        step("create", "c", None, state(), ends=""),
    )
    assert done.is_done
    assert done.result is not None
    assert done.result.backup_id == "b1"
    assert not failed.is_done
    assert failed.result is None
    assert not started.is_done


def test_a_replacement_whose_deletion_failed_is_not_done_but_has_its_result() -> None:
    events = [
        *step("create-replacement", "a", state("b1"), state("b2")),
        *step("delete-replaced", "a", state("b1", delete=True), ends="resOpFailedEvent"),
    ]
    (change,) = changes(events)
    assert not change.is_done
    assert change.result is not None
    assert change.result.backup_id == "b2"


@pytest.mark.parametrize("op", ["create", "update"])
def test_a_retention_deletes_each_backup_that_it_lists(op: str) -> None:
    events = log(step(op, "orders", None, retention("b1", "b2"), type_=RETENTION))
    first, second = changes_in(events)
    assert (first.kind, first.name, first.location) == (Kind.DELETE_OLD, "orders", location())
    assert first.goes is not None
    assert (first.goes.backup_id, first.goes.size, first.goes.remark) == ("b1", 1181116006, "nightly b1")
    assert first.goes.created_at == "2026-11-20T02:00:00.000Z"
    assert second.goes is not None
    assert second.goes.backup_id == "b2"
    assert first.is_done
    assert other_changes(events) == 0


@pytest.mark.parametrize("op", ["same", "refresh", "delete"])
def test_a_retention_that_deletes_nothing_is_another_change_or_none(op: str) -> None:
    old = retention("b1")
    events = log(step(op, "orders", old, None if op == "delete" else old, type_=RETENTION))
    assert changes_in(events) == []
    assert other_changes(events) == (op == "delete")


def test_a_retention_that_changes_otherwise_is_another_change() -> None:
    events = log(step("update", "orders", retention("b0"), retention(), type_=RETENTION))
    assert changes_in(events) == []
    assert other_changes(events) == 1


def test_of_a_retention_that_failed_it_is_told_what_was_deleted_before() -> None:
    new = retention("b1", "b2", deleted_ids=["b1"])
    events = log(step("update", "orders", None, new, type_=RETENTION, ends="resOpFailedEvent"))
    assert report(events, {}, Outcome.APPLY_FAILED).deleted == 1
    found = changes_in(events)
    assert [(each.goes and each.goes.backup_id, each.is_done) for each in found] == [("b1", True), ("b2", False)]


def test_what_was_deleted_by_an_earlier_run_is_no_deletion_of_a_refresh() -> None:
    old, new = retention("b1", deleted_ids=["b1"], surplus=0), retention("b1", deleted_ids=["b1"], surplus=2)
    assert changes_in(log(step("update", "orders", old, new, type_=RETENTION))) == []


@pytest.mark.parametrize("odd", [1, "b1", {"b1": 1}, [["b1"]], None])
def test_ids_of_another_shape_are_none(odd: object) -> None:
    old, new = retention("b1", deleted_ids=odd), retention("b1", deleted_ids=odd)
    new["inputs"]["deletes"][0]["size"] = 10**400
    (change,) = changes_in(log(step("update", "orders", old, new, type_=RETENTION)))
    assert change.goes is not None
    assert change.goes.size is None


def test_a_backup_that_was_deleted_before_its_replacement_failed_is_gone() -> None:
    events = log(
        step("delete-replaced", "a", state("b1", delete=True)),
        step("replace", "a", state("b1"), state()),
        step("create-replacement", "a", state("b1"), state(), ends="resOpFailedEvent"),
    )
    (change,) = changes_in(events)
    assert (change.is_done, change.is_gone, change.is_deleted_first) == (False, True, True)
    told = report(events, {}, Outcome.APPLY_FAILED)
    assert (told.taken, told.deleted, told.label) == (0, 1, "backup: delete")


def test_a_replacement_that_was_stopped_before_its_deletion_has_deleted_nothing() -> None:
    events = log(step("create-replacement", "a", state("b1"), state("b2")))
    told = report(events, {}, Outcome.CANCELLED)
    assert (told.taken, told.deleted) == (1, 0)
    failed = [*step("create-replacement", "a", state("b1"), state("b2"))]
    failed += step("delete-replaced", "a", state("b1", delete=True), ends="resOpFailedEvent")
    assert report(log(failed), {}, Outcome.APPLY_FAILED).deleted == 0


def test_what_an_earlier_run_has_deleted_already_does_not_go_again() -> None:
    """After a replacement that deleted first and then failed, the engine only makes the new one."""
    made = [*step("replace", "a", state("b1"), state()), *step("create-replacement", "a", state("b1"), state())]
    (change,) = changes(made)
    assert (change.kind, change.goes, change.stays) == (Kind.REPLACE, None, None)


def test_a_replacement_that_did_not_come_to_its_creation_is_not_done() -> None:
    events = [*step("delete-replaced", "a", state("b1", delete=True)), *step("replace", "a", state("b1"), state())]
    (change,) = changes(events)
    assert (change.is_done, change.is_gone) == (False, True)


@pytest.mark.parametrize(("status", "taken"), [("succeed", 1), ("backuping", 0), ("waiting", 0), ("failed", 0)])
def test_only_a_backup_that_has_succeeded_was_taken(status: str, taken: int) -> None:
    new = state("b1")
    new["outputs"]["status"] = status
    assert report(log(step("create", "a", None, new, ends="resOpFailedEvent")), {}, Outcome.CANCELLED).taken == taken


SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}


@pytest.mark.parametrize("hidden", [SECRET, "[secret]", UNKNOWN, "[unknown]", None, []])
def test_what_the_log_does_not_show_is_empty(hidden: Any) -> None:
    (change,) = changes(step("create", "a", None, state(inputs={"instance_id": hidden, "backup_format": hidden})))
    assert (change.location.instance_id, change.backup_format) == ("", "")


def test_a_deleted_backup_whose_outputs_are_secret_is_known_by_its_id() -> None:
    old = state("b1")
    old["outputs"]["backup_id"] = SECRET
    (change,) = changes(step("delete", "a", old))
    assert change.goes is not None
    assert change.goes.backup_id == "b1"


def test_a_replacement_by_a_backup_that_is_not_known_yet_takes_none() -> None:
    (change,) = changes(replacement("a", state("b1"), state(inputs={"adopt_backup_id": UNKNOWN})))
    assert (change.kind, change.adopted_id) == (Kind.ADOPT, "")


@pytest.mark.parametrize("size", [float("nan"), float("inf"), -1, "much", True, [], None])
def test_an_odd_size_is_none(size: Any) -> None:
    old = state("b1")
    old["outputs"]["size"] = size
    (change,) = changes(step("delete", "a", old))
    assert change.goes is not None
    assert change.goes.size is None


def test_a_deletion_that_failed_has_deleted_nothing() -> None:
    events = log(step("delete", "a", state("b1"), ends="resOpFailedEvent"))
    assert report(events, {}, Outcome.APPLY_FAILED).deleted == 0

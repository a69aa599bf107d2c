"""What a reviewer must not miss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pulumi_dcs.api.backups import BackupRecord
from pulumi_dcs.backup_verification.names import RESOURCE_TYPE as VERIFICATION
from pulumi_dcs.instance_backup.names import RESOURCE_TYPE as BACKUP
from pulumi_dcs.instance_restore.names import RESOURCE_TYPE as RESTORE
from pulumi_dcs.review.concerns import Topic, concerns_of
from pulumi_dcs.review.sentence import plain
from pulumi_dcs.review.service import InstanceFacts

from .logs import (
    RETENTION,
    diagnostic,
    facts,
    location,
    log,
    record,
    replacement,
    report,
    retention,
    rows,
    state,
    step,
    urn,
)


def said(topic: Topic, known: InstanceFacts | None, *events: Any) -> list[str]:
    found = log(*events)
    concerns = concerns_of(rows(found, {location(): known} if known is not None else {}), found)
    return [plain(each.sentence) for each in concerns if each.topic is topic]


def test_a_deleted_backup_is_named_with_its_date_and_size() -> None:
    known = facts(record("b1", days=2), record("b2", days=1))
    expected = ["Backup b1 of orders (2026-11-24 02:00 UTC, 1.1 GB) is deleted."]
    assert said(Topic.DELETION, known, step("delete", "a", state("b1"))) == expected


def test_without_the_service_a_deleted_backup_is_named_by_its_instances_id() -> None:
    (found,) = said(Topic.DELETION, None, step("delete", "a", state("b1")))
    assert found.startswith("Backup b1 of 11111111-1111-4111-8111-000000000002 (")


def test_what_a_retention_deletes_is_named_with_its_remark() -> None:
    known = facts(record("b1", days=6), record("b2", days=6), record("b3"))
    assert said(Topic.DELETION, known, step("update", "keep", None, retention("b1", "b2"), type_=RETENTION)) == [
        f"Backup {each} of orders (2026-11-20 02:00 UTC, 1.1 GB), nightly {each}, is deleted by the retention keep."
        for each in ("b1", "b2")
    ]


def test_the_only_succeeded_backup() -> None:
    known = facts(record("b1"), record("b2", status="failed"), record("b3", status="backuping"))
    (found,) = said(Topic.DELETION, known, step("delete", "a", state("b1")))
    assert found.endswith("is deleted: the only succeeded one of orders.")


def test_all_succeeded_backups_at_once() -> None:
    deletions = [*step("delete", "a", state("b1")), *step("delete", "b", state("b2"))]
    for found in said(Topic.DELETION, facts(record("b1"), record("b2")), deletions):
        assert found.endswith("is deleted: one of the 2, all succeeded ones of orders.")
    for found in said(Topic.DELETION, facts(record("b1"), record("b2"), record("b3")), deletions):
        assert found.endswith("is deleted.")


def test_a_replaced_backup_is_not_the_last_one_unless_it_goes_first() -> None:
    known = facts(record("b1"))
    (found,) = said(Topic.DELETION, known, replacement("a", state("b1"), state()))
    assert found.endswith("is deleted once the new one has succeeded.")
    (found,) = said(Topic.DELETION, known, replacement("a", state("b1"), state(), deletes_first=True))
    assert "until the new one has succeeded, there is none in its place: the only succeeded one of orders." in found


def test_a_backup_that_another_one_replaces_goes_once_that_is_taken_over() -> None:
    events = log(replacement("a", state("b1"), state(inputs={"adopt_backup_id": "b2"})))
    (deletion, _) = report(events).concerns
    assert plain(deletion.sentence).endswith("is deleted once the other one has been taken over.")


def test_what_stays_at_the_service_is_no_deletion() -> None:
    assert said(Topic.DELETION, facts(record("b1")), step("delete", "a", state("b1", retainOnDelete=True))) == []


@pytest.mark.parametrize(("count", "taken", "pushed"), [(23, 1, 0), (24, 1, 1), (23, 2, 1), (24, 2, 2)])
def test_backups_that_the_service_would_push_out(count: int, taken: int, pushed: int) -> None:
    known = facts(*(record(f"b{number}", days=number) for number in range(count)))
    found = said(Topic.PUSHED_OUT, known, *(step("create", f"n{number}", None, state()) for number in range(taken)))
    if not pushed:
        assert found == []
        return
    oldest = [f"b{count - 1 - number} (manual)" for number in range(pushed)]
    assert found == [f"orders has {count} backups, and the service keeps 24: it pushes out {' and '.join(oldest)}."]


@pytest.mark.parametrize("status", ["deleted", "expired"])
def test_what_no_longer_exists_takes_no_room(status: str) -> None:
    records = [record(f"b{number}", days=number) for number in range(23)]
    known = facts(*records, record("b23", days=23, status=status))
    assert said(Topic.PUSHED_OUT, known, step("create", "a", None, state())) == []


def test_a_replacement_may_push_out_its_own_old_backup() -> None:
    known = facts(*(record(f"b{number}", days=number) for number in range(24)))
    assert said(Topic.PUSHED_OUT, known, replacement("a", state("b23"), state())) == []
    assert said(Topic.PUSHED_OUT, known, replacement("a", state("b0"), state()))


@pytest.mark.parametrize(
    ("instance", "expected"),
    [
        ({"cache_mode": "single"}, "orders is a single-node instance, which has no backups."),
        ({"status": "RESTARTING"}, "orders is not running: its status is RESTARTING. The backup waits for it."),
        ({"task": "BACKUPING"}, "orders is busy (BACKUPING). The backup waits until it is free."),
        (
            {"status": "<b>@all"},
            "orders is not running: its status is one that is not documented. The backup waits for it.",
        ),
        ({"status": ""}, ""),
        ({}, ""),
    ],
)
def test_instances_that_cant_be_backed_up_now(instance: dict[str, Any], expected: str) -> None:
    found = said(Topic.INSTANCE, facts(**instance), step("create", "a", None, state()))
    assert found == ([expected] if expected else [])
    assert said(Topic.INSTANCE, facts(**instance), step("delete", "a", state("b1"))) == []


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (
            [record("b1", days=2), record("b2", days=1, status="failed", error_code="dcs.08.0002")],
            "The last backup of orders failed (2026-11-25 12:00 UTC): dcs.08.0002",
        ),
        ([record("b1", days=1), record("b2", days=2, status="failed")], ""),
        ([record("b1", status="of a later version"), record("b2", days=1, status="failed")], ""),
        ([record("b1", status="backuping"), record("b2", days=1, status="failed")], "The last backup of orders failed"),
        ([], ""),
    ],
)
def test_a_last_backup_that_failed(records: list[BackupRecord], expected: str) -> None:
    found = said(Topic.FAILED_BACKUP, facts(*records), step("create", "a", None, state()))
    assert len(found) == bool(expected)
    assert all(each.startswith(expected) for each in found)


def test_backups_that_are_neither_protected_nor_retained_are_named_together() -> None:
    events = [step("create", f"n{number}", None, state()) for number in range(9)]
    (found,) = said(Topic.NOT_KEPT, None, *events, step("create", "kept", None, state(protect=True)))
    assert found == "n0, n1, n2, n3, n4, n5 and 3 others are neither protected nor retained on delete."
    (found,) = said(Topic.NOT_KEPT, None, step("create", "a", None, state()))
    assert found == "a is neither protected nor retained on delete."
    assert said(Topic.NOT_KEPT, None, step("create", "a", None, state(retainOnDelete=True))) == []


def test_mandatory_policies_orphans_and_the_providers_own_warnings() -> None:
    def violation(name: str, level: str) -> dict[str, Any]:
        return {"policyEvent": {"policyName": name, "message": "…", "enforcementLevel": level}}

    events = [violation("one", "mandatory"), violation("two", "advisory"), violation("one", "mandatory")]
    assert said(Topic.POLICY, None, *events) == ["1 mandatory policy is violated: one."]
    assert said(Topic.POLICY, None, *events, violation("three", "mandatory")) == [
        "2 mandatory policies are violated: one and three."
    ]
    orphan = "Orphan: backup b9 of instance i, made for 'a' by a run that was interrupted."
    events = [diagnostic(orphan, name="a"), diagnostic("busy", name="a"), diagnostic("of another", name="")]
    assert said(Topic.ORPHAN, None, *events) == [orphan]
    assert said(Topic.DIAGNOSTIC, None, *events) == ["busy"]


@pytest.mark.parametrize("type_", [BACKUP, RETENTION, RESTORE, VERIFICATION])
def test_each_resource_of_ours_may_warn(type_: str) -> None:
    warning = {"diagnosticEvent": {"message": "busy", "severity": "warning", "urn": urn("a", type_)}}
    assert said(Topic.DIAGNOSTIC, None, warning) == ["busy"]


def test_what_is_most_serious_comes_first() -> None:
    events = log(
        step("create", "a", None, state()),
        step("delete", "b", state("b1")),
        diagnostic("Orphan: backup b9."),
        diagnostic("busy", name="a"),
        {"policyEvent": {"policyName": "p", "message": "m", "enforcementLevel": "mandatory"}},
    )
    known = facts(*(record(f"b{days}", days=days, status="failed") for days in range(24)), status="EXTENDING")
    found = [each.topic for each in concerns_of(rows(events, {location(): known}), events)]
    assert found == sorted(found, key=list(Topic).index)
    assert set(found) == set(Topic) - {Topic.PLAN, Topic.RESTORE}


def test_a_list_that_may_miss_backups_proves_nothing() -> None:
    known = facts(record("b1", status="succeed"))
    assert known.backups is not None
    doubtful = replace(known, backups=replace(known.backups, is_complete=False))
    (found,) = said(Topic.DELETION, doubtful, step("delete", "a", state("b1")))
    assert "the only succeeded one" not in found


def test_an_instance_is_one_however_its_location_is_written() -> None:
    events = [
        *step("delete", "a", state("b1")),
        *step("delete", "b", state("b2", inputs={"region": ""})),
    ]
    for found in said(Topic.DELETION, facts(record("b1"), record("b2")), events):
        assert found.endswith("is deleted: one of the 2, all succeeded ones of orders.")


def test_what_is_deleted_first_makes_room() -> None:
    known = facts(*(record(f"b{number}", days=number) for number in range(24)))
    assert said(Topic.PUSHED_OUT, known, replacement("a", state("b0"), state(), deletes_first=True)) == []

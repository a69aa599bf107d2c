"""Which existing backup serves for a change."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from pulumi_dcs.api.backups import BackupRecord, BackupStatus
from pulumi_dcs.guard.take import find_existing
from pulumi_dcs.operations.record_cache import Snapshot

NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
MARK = "~change:0123456789ab"


def record(
    backup_id: str,
    status: BackupStatus = BackupStatus.SUCCEED,
    minutes: float | None = 5,
    remark: str = f"before {MARK}",
    *,
    usable: bool | None = True,
    began: int = 0,
) -> BackupRecord:
    ended = "" if minutes is None else f"{NOW - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S.000Z}"
    return BackupRecord(
        backup_id,
        status,
        remark=remark,
        created_at=ended and f"2026-11-20T00:{began:02}:00.000Z",
        updated_at=ended,
        is_support_restore=usable,
    )


def found(*records: BackupRecord, within: timedelta = HOUR) -> str | None:
    snapshot = Snapshot(0.0, {each.id: each for each in records})
    existing = find_existing(snapshot, MARK, within, NOW)
    return existing.id if existing is not None else None


def test_one_that_runs_is_gone_on_with_however_old() -> None:
    assert found(record("b", BackupStatus.BACKUPING, 600)) == "b"
    assert found(record("done"), record("running", BackupStatus.WAITING)) == "running"
    assert found(record("b", BackupStatus.BACKUPING, None), within=timedelta()) == "b"


def test_one_that_succeeded_a_short_time_ago_is_used() -> None:
    assert found(record("b", minutes=59)) == "b"
    assert found(record("b", minutes=61)) is None
    assert found(record("old", minutes=30), record("young", minutes=10)) == "young"
    assert found(record("b", minutes=1), within=timedelta()) is None


@pytest.mark.parametrize(
    "other",
    [
        record("b", BackupStatus.FAILED),
        record("b", BackupStatus.EXPIRED),
        record("b", BackupStatus.DELETED),
        record("b", usable=False),
        record("b", minutes=None),
        record("b", remark="before"),
        record("b", remark="before ~change:ba9876543210"),
        record("b", remark=f"{MARK} and more"),
    ],
)
def test_nothing_else_is(other: BackupRecord) -> None:
    assert found(other) is None


def test_blanks_that_the_service_adds_do_no_harm() -> None:
    assert found(record("b", remark=f"before {MARK}  ")) == "b"


OTHER = "~change:ba9876543210"


@pytest.mark.parametrize(
    ("other", "serves"),
    [
        (record("other", remark=f"before {OTHER}", began=1), False),
        (record("other", remark=f"before {OTHER} ", began=1, minutes=500), False),
        (record("other", BackupStatus.FAILED, remark=f"before {OTHER}", began=1), True),
        (record("other", BackupStatus.BACKUPING, remark=f"before {OTHER}", began=1), True),
        (record("other", remark="before", began=1), True),
        (record("other", remark=f"before of another resource {OTHER}", began=1), True),
        (record("other", remark=f"before {OTHER}", began=0), True),
    ],
    ids=["later", "blank", "failed", "running", "no-change", "other-resource", "earlier"],
)
def test_one_serves_no_longer_once_the_resource_was_changed_otherwise(other: BackupRecord, *, serves: bool) -> None:
    assert found(record("b"), other) == ("b" if serves else None)

"""A new backup pushes out none that somebody relies on."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from pulumi_dcs.api.backups import BackupRecord, BackupStatus
from pulumi_dcs.operations.operation import Operation
from pulumi_dcs.operations.record_cache import Snapshot
from pulumi_dcs.resources.limit import LimitReachedError, check_limit

from tests.clocks import LeapingClock

START = datetime(2026, 11, 1, tzinfo=timezone.utc)


def snapshot(count: int, *, oldest_remark: str = "", gone: int = 0) -> Snapshot[BackupRecord]:
    """So many backups, b0 the oldest, in the order of the service: newest first."""
    records = {}
    for number in reversed(range(count)):
        created = (START + timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        status = BackupStatus.EXPIRED if count - number <= gone else BackupStatus.SUCCEED
        remark = oldest_remark if number == 0 else ""
        records[f"b{number}"] = BackupRecord(f"b{number}", status, created_at=created, remark=remark)
    return Snapshot(0.0, records)


def checked(listed: Snapshot[BackupRecord], *, replaced: str = "", holder: str = "", ours: str = "") -> list[str]:
    """The warnings."""
    warnings: list[str] = []
    check_limit(
        listed,
        Operation("back up", clock=LeapingClock(), timeout=60.0, warn=warnings.append),
        "i",
        holders=lambda: {"b0": holder} if holder else {},
        was_ours=lambda backup_id: backup_id == ours,
        goes_anyway=lambda backup_id: backup_id == replaced,
    )
    return warnings


def test_below_the_limit_nobody_is_asked() -> None:
    def asked() -> dict[str, str]:
        raise AssertionError

    check_limit(
        snapshot(30, gone=7),
        Operation("back up", clock=LeapingClock(), timeout=60.0),
        "i",
        holders=asked,
        was_ours=lambda _: True,
    )


def test_what_is_replaced_may_go() -> None:
    assert not checked(snapshot(24), replaced="b0", holder="urn::self")


def test_somebody_elses_is_named() -> None:
    assert checked(snapshot(24)) == ["Instance i has 24 backups: the service pushes out the oldest, backup b0."]


@pytest.mark.parametrize(
    ("listed", "holder", "ours", "whose"),
    [
        (snapshot(24), "urn:pulumi:dev::shop::t::other", "", "'other' holds"),
        (snapshot(24, oldest_remark="r ~dcs:0123456789ab"), "", "", "made and left at the service"),
        (snapshot(24), "", "b0", "made and left at the service"),
    ],
)
def test_what_is_held_or_was_kept_stops_it(listed: Snapshot[BackupRecord], holder: str, ours: str, whose: str) -> None:
    with pytest.raises(LimitReachedError, match="the oldest, backup b0") as caught:
        checked(listed, holder=holder, ours=ours, replaced="b5")
    assert whose in str(caught.value)

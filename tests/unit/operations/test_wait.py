"""How waiting ends for records whose status nobody has documented."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pulumi_dcs.api.backups import BackupRecord, BackupStatus
from pulumi_dcs.api.pages import Page
from pulumi_dcs.operations.errors import RecordFailedError, TimedOutError
from pulumi_dcs.operations.operation import Operation
from pulumi_dcs.operations.polling import PollingPool
from pulumi_dcs.operations.record_cache import RecordCache
from pulumi_dcs.operations.records import RecordKind
from pulumi_dcs.operations.wait import Wait
from pulumi_dcs.resources.backups import KIND

from tests.clocks import LeapingClock


class OneRecord:
    """An instance's list with one backup."""

    def __init__(self, record: BackupRecord) -> None:
        self.record = record

    def list_page(self, instance_id: str, *, limit: int, offset: int) -> Page[BackupRecord]:
        return Page(1, (self.record,), 1)

    def delete(self, instance_id: str, record_id: str) -> None:
        raise NotImplementedError


def wait_for(progress: str, *, is_usable: bool | None, kind: RecordKind = KIND) -> tuple[BackupRecord, list[str]]:
    record = BackupRecord(
        "b", BackupStatus.UNKNOWN, status_text="archived", progress=progress, is_support_restore=is_usable
    )
    warnings: list[str] = []
    operation = Operation("wait", clock=LeapingClock(), timeout=600.0, warn=warnings.append)
    cache = RecordCache[BackupRecord](lambda _: OneRecord(record))
    pool = PollingPool(lambda: 0.0)
    return Wait(kind, cache, pool, operation, instance_id="i", record_id="b").run(), warnings


@pytest.mark.parametrize("is_usable", [True, None])
def test_at_100_percent_it_is_final_and_said(*, is_usable: bool | None) -> None:
    record, warnings = wait_for("100.00", is_usable=is_usable)
    assert record.id == "b"
    assert "'archived', at 100 %: a status that is not documented" in warnings[0]


def test_unless_the_service_says_that_it_is_of_no_use() -> None:
    with pytest.raises(RecordFailedError):
        wait_for("100.00", is_usable=False)


@pytest.mark.parametrize("is_usable", [True, None])
def test_what_overwrites_data_is_not_done_on_a_guess(*, is_usable: bool | None) -> None:
    with pytest.raises(RecordFailedError, match="Whether it has succeeded is not known") as caught:
        wait_for("100.00", is_usable=is_usable, kind=replace(KIND, is_repeatable=False))
    assert not caught.value.is_documented


@pytest.mark.parametrize("progress", ["", "99.99", "many"])
def test_before_that_it_is_waited_for(progress: str) -> None:
    with pytest.raises(TimedOutError):
        wait_for(progress, is_usable=None)

"""The list of backups is read whole, and reading it always ends."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from pulumi_dcs.api import client
from pulumi_dcs.api.client import DcsClient, Place
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.api.parsing import BackupPage, BackupRecord, BackupStatus
from pulumi_dcs.operations.operation import Operation
from pulumi_dcs.operations.record_cache import BackupLists

from tests.endpoint import HA, PROJECT_ID, LocalEndpoint

from .service import KEYS, Heard, service_at

Page = Callable[[int], BackupPage]


def records(*numbers: int) -> tuple[BackupRecord, ...]:
    return tuple(BackupRecord(f"b{number}", BackupStatus.SUCCEED) for number in numbers)


class Pages(DcsClient):
    """A client whose pages are given."""

    def __init__(self, page: Page) -> None:
        super().__init__(Place("http://127.0.0.1:9", PROJECT_ID), lambda: KEYS, SystemClock())
        self._page = page
        self.asked: list[int] = []

    def list_backups(self, operation: Operation, offset: int = 0) -> BackupPage:
        self.asked.append(offset)
        return self._page(offset)


def read(page: Page) -> tuple[set[str], list[int]]:
    pages = Pages(page)
    snapshot = BackupLists(pages).look(Heard(HA).operation)
    return set(snapshot.records), pages.asked


@pytest.mark.row("16")
def test_many_pages() -> None:
    def page(offset: int) -> BackupPage:
        return BackupPage(5, records(*range(offset, min(offset + 2, 5))), min(2, 5 - offset))

    assert read(page) == ({"b0", "b1", "b2", "b3", "b4"}, [0, 2, 4])


@pytest.mark.row("16")
def test_an_empty_page_below_the_total_ends_it() -> None:
    assert read(lambda offset: BackupPage(100, records(0) if offset == 0 else (), 1 if offset == 0 else 0)) == (
        {"b0"},
        [0, 1],
    )


def test_a_service_that_ignores_the_offset_ends_it() -> None:
    assert read(lambda _: BackupPage(100, records(0, 1), 2)) == ({"b0", "b1"}, [0, 2])


@pytest.mark.row("16")
def test_a_total_that_grows_for_ever_ends_it() -> None:
    found, asked = read(lambda offset: BackupPage(offset + 10, records(offset), 1))
    assert len(found) == 200
    assert len(asked) <= 600


def test_rows_that_are_no_records_count_for_the_offset() -> None:
    pages = {0: BackupPage(3, records(0), 2), 2: BackupPage(3, records(2), 1)}
    assert read(lambda offset: pages[offset]) == ({"b0", "b2"}, [0, 2])


@pytest.mark.row("16")
def test_records_that_move_while_reading_are_read_again() -> None:
    asked = iter(range(100))

    def page(offset: int) -> BackupPage:
        # Between the first two pages b0 is deleted, so that b2 moves from the second page to the first.
        if next(asked) == 0:
            return BackupPage(4, records(0, 1), 2)
        left = (1, 2, 3)[offset : offset + 2]
        return BackupPage(3, records(*left), len(left))

    assert read(page)[0] == {"b1", "b2", "b3"}


def test_without_a_total_a_short_page_is_the_last() -> None:
    assert read(lambda _: BackupPage(None, records(0, 1), 2)) == ({"b0", "b1"}, [0])


@pytest.mark.row("16")
@pytest.mark.parametrize("without_zone", [True, False])
def test_the_real_list_in_small_pages(
    endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch, *, without_zone: bool
) -> None:
    monkeypatch.setattr(client, "PAGE_SIZE", 5)
    endpoint.behave(times_without_zone=without_zone)
    ids = {endpoint.add_backup(HA, remark=f" {number} ") for number in range(23)}
    service = service_at(endpoint.url)
    for backup_id in ids:
        record = service.find(Heard(HA).operation, backup_id, max_age=60.0)
        assert record is not None
        assert record.created is not None
    assert endpoint.count("list_backups") == 5


@pytest.mark.row("16")
def test_fields_of_any_type_are_read() -> None:
    rows: tuple[object, ...] = (
        {"backup_id": "b"},
        {"backup_id": "b", "period": {}, "error_code": {}, "status": None, "size": "12", "remark": None},
        {"backup_id": "b", "size": True, "progress": [], "status": 7, "is_support_restore": "perhaps"},
        {"backup_id": "b", "size": 1e400, "progress": "nan", "created_at": 5, "backup_format": "RDB"},
    )
    for row in rows:
        record = BackupRecord.parse(json.loads(json.dumps(row)))
        assert record is not None
        assert record.status is BackupStatus.UNKNOWN
        assert record.percent is None
        assert record.size in (None, 12)
    nothings: tuple[object, ...] = (None, [], "x", {}, {"backup_id": ""}, {"backup_id": {}})
    for nothing in nothings:
        assert BackupRecord.parse(nothing) is None

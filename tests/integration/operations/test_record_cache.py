"""The list of records is read whole, reading it always ends, and those who want the same list share one request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from pulumi_dcs.api.backups import BackupRecord, BackupStatus
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.api.errors import UnexpectedResponse
from pulumi_dcs.api.pages import Page
from pulumi_dcs.operations import record_cache
from pulumi_dcs.operations.errors import IncompleteListError, TimedOutError
from pulumi_dcs.operations.operation import Operation
from pulumi_dcs.operations.record_cache import RecordCache

from tests.clocks import LeapingClock
from tests.endpoint import HA, LocalEndpoint
from tests.integration.service import Reported, service_at

GetPage = Callable[[int], Page[BackupRecord]]


def records(*numbers: int) -> tuple[BackupRecord, ...]:
    return tuple(BackupRecord(f"b{number}", BackupStatus.SUCCEED) for number in numbers)


class Pages:
    """An API whose pages are given."""

    def __init__(self, page: GetPage) -> None:
        self._page = page
        self.asked: list[int] = []

    def list_page(self, instance_id: str, *, limit: int, offset: int) -> Page[BackupRecord]:
        self.asked.append(offset)
        return replace(self._page(offset), offset=offset, limit=limit)

    def delete(self, instance_id: str, record_id: str) -> None:
        raise NotImplementedError


def read(page: GetPage) -> tuple[set[str], bool, list[int]]:
    pages = Pages(page)
    snapshot = RecordCache[BackupRecord](lambda _: pages).list(Reported().operation, HA)
    return set(snapshot.records), snapshot.is_complete, pages.asked


@pytest.mark.row("16")
def test_many_pages() -> None:
    def page(offset: int) -> Page[BackupRecord]:
        return Page(5, records(*range(offset, min(offset + 2, 5))), min(2, 5 - offset))

    assert read(page) == ({"b0", "b1", "b2", "b3", "b4"}, True, [0, 2, 4])


@pytest.mark.row("16")
def test_an_empty_page_below_the_total_ends_it_and_proves_nothing() -> None:
    found, is_complete, asked = read(lambda offset: Page(9, records(0) if not offset else (), int(not offset)))
    assert (found, is_complete, asked) == ({"b0"}, False, [0, 1] * 3)


def test_a_service_that_ignores_the_offset_ends_it_and_proves_nothing() -> None:
    assert read(lambda _: Page(100, records(0, 1), 2)) == ({"b0", "b1"}, False, [0, 2] * 3)


@pytest.mark.row("16")
def test_a_total_that_grows_for_ever_ends_it_and_proves_nothing() -> None:
    found, is_complete, asked = read(lambda offset: Page(offset + 10, records(offset), 1))
    assert (len(found), is_complete) == (200, False)
    assert len(asked) <= 600


def test_rows_that_are_no_records_count_for_the_offset_and_prove_nothing() -> None:
    pages = {0: Page(3, records(0), 2), 2: Page(3, records(2), 1)}
    assert read(lambda offset: pages[offset]) == ({"b0", "b2"}, False, [0, 2] * 3)


@pytest.mark.row("16")
def test_records_that_move_while_reading_are_read_again() -> None:
    asked = iter(range(100))

    def page(offset: int) -> Page[BackupRecord]:
        # Between the first two pages b0 is deleted, so that b2 moves from the second page to the first.
        if next(asked) == 0:
            return Page(4, records(0, 1), 2)
        left = (1, 2, 3)[offset : offset + 2]
        return Page(3, records(*left), len(left))

    found, is_complete, _ = read(page)
    assert (found, is_complete) == ({"b1", "b2", "b3"}, True)


@pytest.mark.parametrize(
    ("total", "rows", "is_complete"), [(None, (0, 1), True), (None, (), False), (3, (), False), (0, (), True)]
)
def test_what_a_single_page_proves(total: int | None, rows: Sequence[int], *, is_complete: bool) -> None:
    assert read(lambda _: Page(total, records(*rows), len(rows)))[1] is is_complete


def test_a_list_that_keeps_contradicting_itself_is_an_error_where_absence_counts() -> None:
    cache = RecordCache[BackupRecord](lambda _: Pages(lambda _: Page(3, (), 0)))
    with pytest.raises(IncompleteListError, match="fewer rows than its own total"):
        cache.list_completely(Reported(timeout=600.0, clock=LeapingClock()).operation, HA)


class Gate:
    """An API whose lists wait until they are let through; the last outcome is that of all further lists."""

    def __init__(self, *outcomes: Page[BackupRecord] | Exception) -> None:
        self.outcomes = list(outcomes)
        self.open = threading.Event()
        self.asked = 0

    def list_page(self, instance_id: str, *, limit: int, offset: int) -> Page[BackupRecord]:
        self.asked += 1
        self.open.wait(10)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def delete(self, instance_id: str, record_id: str) -> None:
        raise NotImplementedError


def in_threads(count: int, work: Callable[[], object]) -> list[threading.Thread]:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.parametrize("fails", [False, True])
def test_those_who_wait_share_one_request_and_its_failure(monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> None:
    page = Page(1, records(1), 1)
    gate = Gate(UnexpectedResponse("DCS failed.", http_status=500) if fails else page)
    cache = RecordCache[BackupRecord](lambda _: gate)
    outcomes: list[object] = []

    def ask() -> None:
        try:
            outcomes.append(len(cache.list(Reported().operation, HA, max_age=60.0, retry_timeout=0.0).records))
        except UnexpectedResponse as error:
            outcomes.append(error.summary)

    waiting: list[Operation] = []
    wait_for = Operation.wait_for

    def note_waiting(operation: Operation, event: threading.Event) -> None:
        waiting.append(operation)
        wait_for(operation, event)

    monkeypatch.setattr(Operation, "wait_for", note_waiting)
    threads = in_threads(8, ask)
    while len(waiting) < len(threads) - 1:
        time.sleep(0.01)  # a failure is only for those who wait already
    gate.open.set()
    for thread in threads:
        thread.join()
    assert outcomes == ["DCS failed." if fails else 1] * 8
    assert gate.asked == 1


def test_each_who_waits_has_a_deadline_of_its_own() -> None:
    gate = Gate(Page(0, (), 0))
    cache = RecordCache[BackupRecord](lambda _: gate)
    (slow,) = in_threads(1, lambda: cache.list(Reported().operation, HA))
    while not gate.asked:
        pass
    reported = Reported(timeout=0.2)
    with pytest.raises(TimedOutError):
        cache.list(reported.operation, HA, max_age=60.0)
    assert slow.is_alive()
    gate.open.set()
    slow.join()


def test_one_that_was_asked_for_too_early_is_not_enough() -> None:
    gate = Gate(Page(0, (), 0))
    cache = RecordCache[BackupRecord](lambda _: gate)
    threads = in_threads(1, lambda: cache.list(Reported().operation, HA))
    while not gate.asked:
        pass
    threads += in_threads(3, lambda: cache.list(Reported().operation, HA))
    gate.open.set()
    for thread in threads:
        thread.join()
    assert gate.asked >= 2


def test_an_other_ones_cancellation_is_not_shared() -> None:
    gate = Gate(TimedOutError("too late"), Page(0, (), 0))
    cache = RecordCache[BackupRecord](lambda _: gate)
    cancelled = Reported(clock=SystemClock(), timeout=30.0)

    def end_the_first() -> None:
        with pytest.raises(TimedOutError):
            cache.list(cancelled.operation, HA)

    first = in_threads(1, end_the_first)
    while not gate.asked:
        pass
    found: list[int] = []
    second = in_threads(1, lambda: found.append(len(cache.list(Reported().operation, HA, max_age=60.0).records)))
    gate.open.set()
    first[0].join()
    second[0].join()
    assert found == [0]


@pytest.mark.row("16")
@pytest.mark.parametrize("without_zone", [True, False])
def test_the_real_list_in_small_pages(
    endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch, *, without_zone: bool
) -> None:
    monkeypatch.setattr(record_cache, "PAGE_SIZE", 5)
    endpoint.behave(times_without_zone=without_zone)
    ids = {endpoint.add_backup(HA, remark=f" {number} ") for number in range(23)}
    service = service_at(endpoint.url)
    for backup_id in ids:
        record = service.find(Reported().operation, HA, backup_id, max_age=60.0)
        assert record is not None
        assert record.created is not None
    assert endpoint.count("list_backups") == 5

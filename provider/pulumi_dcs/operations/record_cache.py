"""All records of an instance, read page by page, shared between those who ask for the same list at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic

from ..api import retries
from ..api.errors import DcsError
from .errors import CancelledError, IncompleteListError, TimedOutError
from .operation import Operation
from .records import PAGE_SIZE, OpenLists, R

_MAX_PAGES: Final = 200
"""More pages than any instance can fill (24 backups): the bound for a service that never stops paging."""
_MAX_READINGS: Final = 3
"""How often a list that contradicts itself is read again at once; most contradictions are a change in between."""


@dataclass(frozen=True)
class Snapshot(Generic[R]):
    """An instance's records at a moment.

    Attributes:
        started_at: when the list was asked for (monotonic): everything done before that is in it.
        records: by id, in the service's order.
        is_complete: whether the list agrees with its own total. One that does not proves no absence.
        service_time: the service's clock when it responded, in whole seconds; None where it did not say.
        received_at: the same moment here (monotonic).
    """

    started_at: float
    records: dict[str, R]
    is_complete: bool = True
    service_time: datetime | None = None
    received_at: float = 0.0

    def by_service_clock(self, moment: float) -> datetime | None:
        """A monotonic moment of ours by the clock that the records' times are from, a little early at most."""
        if self.service_time is None:
            return None
        return self.service_time + timedelta(seconds=moment - self.received_at)


@dataclass
class _Flight(Generic[R]):
    """A list that is being read."""

    started_at: float
    landed: threading.Event = field(default_factory=threading.Event)
    snapshot: Snapshot[R] | None = None
    error: BaseException | None = None


@dataclass
class _Shared(Generic[R]):
    latest: Snapshot[R] | None = None
    flight: _Flight[R] | None = None


class RecordCache(Generic[R]):
    """Lists records: of each instance at most one list is being read, for all who want it.

    Args:
        open_api: lists the kind of record.
        belongs: whether a listed record is the instance's, where the service lists those of others as well.
    """

    def __init__(
        self, open_api: OpenLists[R], belongs: Callable[[R, str], bool] = lambda _record, _instance_id: True
    ) -> None:
        self._open_api = open_api
        self._belongs = belongs
        self._shared: dict[str, _Shared[R]] = {}
        self._lock = threading.Lock()

    def list(
        self,
        operation: Operation,
        instance_id: str,
        *,
        max_age: float = 0.0,
        retry_timeout: float = retries.READ_RETRY_TIMEOUT,
    ) -> Snapshot[R]:
        """The instance's records, asked for now or at most ``max_age`` seconds ago.

        Args:
            retry_timeout: for how many seconds transient failures are tried again; 0 for one try.

        Raises:
            DcsError: the list could not be read.
        """
        asked_at = operation.clock.monotonic() - max_age
        return retries.read(
            lambda: self._list_once(operation, instance_id, asked_at),
            clock=operation.clock,
            pause=operation.pause,
            retry_timeout=min(retry_timeout, operation.remaining),
            on_retry=operation.report_progress,
        )

    def list_completely(self, operation: Operation, instance_id: str) -> Snapshot[R]:
        """The instance's records as of now, from a list that proves absence as well.

        However long reading takes: without it nothing can be decided.

        Raises:
            IncompleteListError: the service keeps contradicting itself.
            DcsError: the list could not be read before the operation's deadline.
        """
        since = operation.elapsed
        attempt = 0
        while True:
            snapshot = self.list(operation, instance_id, retry_timeout=operation.remaining)
            if snapshot.is_complete:
                return snapshot
            if operation.elapsed - since > retries.READ_RETRY_TIMEOUT:
                raise IncompleteListError(instance_id)
            attempt += 1
            operation.report_progress("DCS sends a list that contradicts its own total; asking again.")
            operation.pause(retries.backoff_delay(attempt))

    def forget(self, instance_id: str) -> None:
        """Note that we have changed the instance's records: what was read before is no longer good."""
        with self._lock:
            shared = self._shared.get(instance_id)
            if shared is not None:
                shared.latest = None

    def _list_once(self, operation: Operation, instance_id: str, asked_at: float) -> Snapshot[R]:
        """One try, or the outcome of another thread's try that started late enough."""
        while True:
            with self._lock:
                shared = self._shared.setdefault(instance_id, _Shared())
                if shared.latest is not None and shared.latest.started_at >= asked_at:
                    return shared.latest
                flight = shared.flight
                if flight is None:
                    flight = shared.flight = _Flight(operation.clock.monotonic())
                    is_ours = True
                else:
                    is_ours = False
            if is_ours:
                return self._fly(operation, instance_id, shared, flight)
            operation.wait_for(flight.landed)
            if flight.started_at < asked_at:
                continue
            if flight.snapshot is not None:
                return flight.snapshot
            if isinstance(flight.error, DcsError) and not _is_anothers_end(flight.error):
                raise flight.error

    def _fly(self, operation: Operation, instance_id: str, shared: _Shared[R], flight: _Flight[R]) -> Snapshot[R]:
        try:
            flight.snapshot = self._read(operation, instance_id)
        except BaseException as error:
            flight.error = error
            raise
        else:
            return flight.snapshot
        finally:
            with self._lock:
                shared.flight = None
                if flight.snapshot is not None:
                    shared.latest = flight.snapshot
            flight.landed.set()

    def _read(self, operation: Operation, instance_id: str) -> Snapshot[R]:
        for _ in range(_MAX_READINGS):
            snapshot = self._read_once(operation, instance_id)
            if snapshot.is_complete:
                break
        return snapshot

    def _read_once(self, operation: Operation, instance_id: str) -> Snapshot[R]:
        """All pages. Complete if the total stood still, and there are as many records as it says.

        Where the service says no total, a list with rows is believed, and an empty one is not.
        """
        api = self._open_api(operation.pause)
        started_at = operation.clock.monotonic()
        records: dict[str, R] = {}
        totals: set[int | None] = set()
        row_count = 0
        for _ in range(_MAX_PAGES):
            page = api.list_page(instance_id, limit=PAGE_SIZE, offset=row_count)
            received_at = operation.clock.monotonic()
            new = {record.id: record for record in page.records if record.id not in records}
            records.update(new)
            totals.add(page.total)
            row_count += page.row_count
            if page.is_last or not new:
                break
        is_complete = len(records) == row_count and (totals == {row_count} or (totals == {None} and row_count > 0))
        own = {each.id: each for each in records.values() if self._belongs(each, instance_id)}
        return Snapshot(started_at, own, is_complete, page.service_time, received_at)


def _is_anothers_end(error: DcsError) -> bool:
    """Whether the thread that read the list ended for a reason of its own: its deadline, or a cancellation."""
    return isinstance(error, (CancelledError, TimedOutError))

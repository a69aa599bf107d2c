"""All backups of an instance, read page by page and shared between those who ask at the same time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ..api import retries
from ..api.client import PAGE_SIZE, DcsClient
from ..api.parsing import BackupRecord
from .operation import Operation

_MOST_PAGES: Final = 200
_MOST_READINGS: Final = 3


@dataclass(frozen=True)
class Snapshot:
    """An instance's backups at a moment.

    Attributes:
        asked_at: when the list was asked for (monotonic): everything done before that is in it.
        records: by backup_id, in the service's order.
        service_time: when it was answered, by the service's clock, in whole seconds; None where it did not say.
        answered_at: the same moment here (monotonic).
    """

    asked_at: float
    records: dict[str, BackupRecord]
    service_time: datetime | None = None
    answered_at: float = 0.0

    def by_service_clock(self, moment: float) -> datetime | None:
        """A monotonic moment of ours by the clock that the records' times are from, a little early at most."""
        if self.service_time is None:
            return None
        return self.service_time + timedelta(seconds=moment - self.answered_at)

    def get(self, backup_id: str) -> BackupRecord | None:
        """The record of that backup, if the instance has it."""
        return self.records.get(backup_id)


@dataclass
class _Shared:
    lock: threading.Lock = field(default_factory=threading.Lock)
    latest: Snapshot | None = None


class BackupLists:
    """Lists backups, one request for all who want to know the same instance's at the same time."""

    def __init__(self, client: DcsClient) -> None:
        self._client = client
        self._shared: dict[str, _Shared] = {}
        self._lock = threading.Lock()

    def look(self, operation: Operation, *, max_age: float = 0.0, patience: float = retries.READ_PATIENCE) -> Snapshot:
        """The instance's backups, asked for now or at most ``max_age`` seconds ago.

        Args:
            patience: for how many seconds failures that can pass are tried again; 0 for one try.
        """
        asked = operation.clock.monotonic()
        with self._lock:
            shared = self._shared.setdefault(operation.instance_id, _Shared())
        with shared.lock:
            latest = shared.latest
            if latest is None or latest.asked_at < asked - max_age:
                latest = retries.read(operation, lambda: self._read(operation), patience=patience)
                shared.latest = latest
            return latest

    def forget(self, instance_id: str) -> None:
        """Note that we have changed the instance's backups: what was read before is no longer good."""
        with self._lock:
            self._shared.pop(instance_id, None)

    def _read(self, operation: Operation) -> Snapshot:
        snapshot, steady = self._read_once(operation)
        for _ in range(_MOST_READINGS - 1):
            if steady:
                break
            snapshot, steady = self._read_once(operation)
        return snapshot

    def _read_once(self, operation: Operation) -> tuple[Snapshot, bool]:
        """All pages, and whether the list stood still while it was read (else a record may have been missed)."""
        asked_at = operation.clock.monotonic()
        records: dict[str, BackupRecord] = {}
        totals = set()
        service_time: datetime | None = None
        answered_at = asked_at
        offset = 0
        for _ in range(_MOST_PAGES):
            page = self._client.list_backups(operation, offset)
            service_time, answered_at = page.service_time, operation.clock.monotonic()
            fresh = [record for record in page.records if record.backup_id not in records]
            records.update((record.backup_id, record) for record in fresh)
            totals.add(page.total)
            offset += page.row_count
            is_last = offset >= page.total if page.total is not None else page.row_count < PAGE_SIZE
            if is_last or not fresh:
                break
        return Snapshot(asked_at, records, service_time, answered_at), len(totals) == 1

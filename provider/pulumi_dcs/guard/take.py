"""Takes the backup for a change, exactly one: goes on with what an earlier run took for it, or has one started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from ..api.backup_format import BackupFormat
from ..api.backups import BackupRecord
from ..api.clock import Clock, in_words
from ..api.errors import DcsError
from ..operations.errors import (
    CancelledError,
    CredentialsRefusedError,
    OperationError,
    RecordFailedError,
    TimedOutError,
)
from ..operations.operation import Operation
from ..operations.ownership import Evidence, Unrecorded
from ..operations.record_cache import Snapshot
from ..resources.backups import BackupService, WantedBackup
from ..resources.limit import check_limit
from ..resources.mark import is_same_remark
from .remark import split_mark, with_mark

_CLEANUP_TIMEOUT: Final = 60.0
"""Seconds for removing a failed backup's record: nobody waits for that longer than for the error itself."""


@dataclass(frozen=True)
class Order:
    """The backup that a change needs.

    Attributes:
        what: the change in words: ``this update of orders``.
        remark: as the service gets it, but for the mark.
        mark: that only this change has (see ``guard.remark``).
        reuse_within: how old, since it succeeded, a backup for the same change may be.
        holders: the backups that the stack's saved state holds, with their URNs; asked only at the service's limit.
        note: tells the user, to stay.
        on_started: called with the backup's id as soon as it is known.
    """

    what: str
    instance_id: str
    remark: str
    mark: str
    backup_format: BackupFormat | None
    reuse_within: timedelta
    holders: Callable[[], Mapping[str, str]]
    note: Callable[[str], None]
    on_started: Callable[[str], None]


class _FoundError(Exception):
    """There is one already: nothing has to be started."""

    def __init__(self, record: BackupRecord) -> None:
        super().__init__(record.id)
        self.record = record


class _NothingSaved:
    """The saved state knows nothing of backups that hooks take."""

    def evidence(self, enough: int) -> Evidence:
        return Evidence()


def take(service: BackupService, operation: Operation, order: Order) -> BackupRecord:
    """The backup for the change, once it has succeeded.

    Raises:
        DcsError: there is none; it says what is true now, and what to do.
    """
    backup_id, is_made_here = _start(service, operation, order)
    order.on_started(backup_id)
    try:
        record = service.wait(operation, order.instance_id, backup_id)
    except (TimedOutError, CancelledError, CredentialsRefusedError) as error:
        again = "run `pulumi up` again: it goes on with the same backup and takes no other."
        raise error.with_facts(
            f"backup {backup_id} goes on at the service",
            advice=f"{error.advice[:-1]}, then {again}" if error.advice else again,
        ) from error
    except RecordFailedError as error:
        if not (is_made_here and error.is_documented):
            raise
        raise _with_record_removed(service, operation, order, error) from error
    if record.is_usable is False:
        raise OperationError(
            f"Backup {backup_id} of instance {order.instance_id} succeeded, but nothing can be restored from it.",
            facts=["DCS lists it with is_support_restore FALSE"],
            advice="look at it in the console. `pulumi up` takes another one.",
        )
    if is_made_here:
        order.note(f"Backed up before {order.what}: backup {backup_id}, {in_words(operation.elapsed)}.")
    return record


def find_existing(
    snapshot: Snapshot[BackupRecord], mark: str, reuse_within: timedelta, now: datetime
) -> BackupRecord | None:
    """The backup that was taken for the change already: one that runs, or that succeeded a short time ago.

    One after which another change of the resource was backed up is none: the change has been made, and undone since.

    Args:
        now: by the service's clock.
    """
    found = [record for record in snapshot.records.values() if split_mark(record.remark)[1] == mark]
    running = [record for record in found if record.is_running]
    if running:
        return running[0]
    if not reuse_within:
        # The service's clock is coarse: what has just ended may seem to end in the future.
        return None
    usable = [record for record in found if record.has_succeeded and record.is_usable is not False]
    young = [record for record in usable if (ended := ended_at(record)) and now - ended <= reuse_within]
    newest = max(young, key=lambda record: ended_at(record) or now, default=None)
    return None if newest is not None and _is_superseded(newest, snapshot) else newest


def in_words_of_reuse(record: BackupRecord, what: str) -> str:
    """That an existing backup serves for a change, as far as the whole sentence begins with it."""
    if record.is_running:
        return f"Goes on with backup {record.id}, which an earlier run took before {what}"
    return f"Uses backup {record.id}, which an earlier run took before {what}"


def _is_superseded(record: BackupRecord, snapshot: Snapshot[BackupRecord]) -> bool:
    text, mark = split_mark(record.remark)
    for other in snapshot.records.values():
        other_text, other_mark = split_mark(other.remark)
        is_for_another_change = other_mark not in ("", mark) and is_same_remark(other_text, text)
        is_later = other.created and record.created and other.created > record.created
        if is_for_another_change and is_later and other.has_succeeded:
            return True
    return False


def now_at(snapshot: Snapshot[BackupRecord], clock: Clock) -> datetime:
    """The time by the service's clock; by this machine's where the service does not tell it."""
    return snapshot.by_service_clock(clock.monotonic()) or datetime.fromtimestamp(clock.time(), timezone.utc)


def ended_at(record: BackupRecord) -> datetime | None:
    """When the backup succeeded, by the service's clock."""
    return record.updated or record.created


def _start(service: BackupService, operation: Operation, order: Order) -> tuple[str, bool]:
    """The id of the backup, and whether this call had it started."""

    def before_start(snapshot: Snapshot[BackupRecord]) -> None:
        now = now_at(snapshot, operation.clock)
        if (record := find_existing(snapshot, order.mark, order.reuse_within, now)) is not None:
            raise _FoundError(record)
        check_limit(snapshot, operation, order.instance_id, holders=order.holders, was_ours=lambda _: False)

    wanted = WantedBackup(with_mark(order.remark, order.mark), order.backup_format)
    try:
        backup_id = service.create(
            operation,
            order.instance_id,
            wanted,
            attempt=Unrecorded(),
            saved_state=_NothingSaved(),
            before_start=before_start,
        )
    except _FoundError as found:
        record = found.record
        note = in_words_of_reuse(record, order.what)
        if not record.is_running:
            note += f": no other is taken within {in_words(order.reuse_within.total_seconds())}"
        order.note(f"{note}.")
        return record.id, False
    operation.report_progress(f"backup {backup_id} was started before {order.what}")
    return backup_id, True


def _with_record_removed(
    service: BackupService, operation: Operation, order: Order, error: RecordFailedError
) -> RecordFailedError:
    """The error, once no failed record is left behind: nobody else would ever remove it."""
    name = f"delete the failed backup {error.record_id}"
    cleanup = Operation(name, clock=operation.clock, timeout=_CLEANUP_TIMEOUT)
    try:
        service.delete(cleanup, order.instance_id, error.record_id)
    except DcsError as second:
        outcome = f"its record could not be removed: {second.summary}"
    else:
        outcome = "its record was removed"
    return error.with_facts(
        outcome, advice="run `pulumi up` again for a new try; if it persists, look at the instance in the console."
    )

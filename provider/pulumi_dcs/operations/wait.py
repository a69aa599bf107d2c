"""Waits until a backup has come to its end."""

from __future__ import annotations

from typing import Final

from ..api.error_codes import BACKUP_FAILURES
from ..api.errors import (
    BackupFailedError,
    BackupGoneError,
    CancelledError,
    DcsError,
    NoAnswerError,
    ServiceError,
    ThrottledError,
    TimedOutError,
)
from ..api.parsing import BackupRecord, BackupStatus
from .operation import Operation, in_words
from .polling import Crowd, Pace, next_look
from .record_cache import BackupLists, Snapshot

MISSING_PATIENCE: Final = 20.0
"""Seconds for which a record that was listed may be missing from the list before the backup counts as gone."""
LONGEST_PAUSE: Final = 30.0
"""Seconds between two looks while looking fails, unless the service names more."""


def wait_until_succeeded(lists: BackupLists, operation: Operation, backup_id: str, crowd: Crowd) -> BackupRecord:
    """Look at the backup until it has succeeded, through any failure to look.

    Raises:
        BackupFailedError: it ended as failed.
        BackupGoneError: it ended as expired or deleted, or its record stayed away.
        TimedOutError, CancelledError: it still runs.
    """
    backup = f"backup {backup_id} of instance {operation.instance_id}"
    started = operation.elapsed
    pause = crowd.first_pause()
    pace: Pace | None = None
    seen = False
    missing_since: float | None = None
    misses = 0
    trouble: DcsError | None = None
    while True:
        try:
            operation.pause(pause)
            snapshot = lists.look(operation, max_age=pause / 4, patience=0.0)
        except CancelledError:
            raise CancelledError(
                f"Cancelled while backup {backup_id} of instance {operation.instance_id} was being made."
            ) from None
        except TimedOutError:
            raise TimedOutError(
                f"After {in_words(operation.timeout)}, {backup} is not finished.",
                facts=[f"the last look at it failed: {trouble.summary}", *trouble.facts] if trouble else [],
            ) from None
        except (ServiceError, NoAnswerError) as error:
            # A running backup outlives whatever keeps us from seeing it; even a refusal can be a gateway's nonsense.
            trouble = error
            named = error.retry_after or 0.0 if isinstance(error, ThrottledError) else 0.0
            longer = (named or next_look(operation.elapsed - started)) * 2 ** min(misses, 5)
            pause = max(named, min(longer, LONGEST_PAUSE))
            misses += 1
            operation.say(f"{error.summary} Looking again in {in_words(max(1.0, pause))}.")
            continue
        misses, trouble = 0, None
        record = snapshot.get(backup_id)
        if record is None:
            missing_since = operation.elapsed if missing_since is None else missing_since
            # One that was never listed may still come: the list can lag behind the service's own answer.
            if seen and operation.elapsed - missing_since >= MISSING_PATIENCE:
                raise _gone(operation, backup_id, "it is no longer in the instance's list")
            pause = next_look(operation.elapsed - missing_since)
            continue
        if not seen:
            crowd.note_first(is_running=record.status.is_running)
        seen, missing_since = True, None
        if record.status is BackupStatus.SUCCEED:
            operation.say(f"backed up, {in_words(operation.elapsed - started)}")
            return record
        if record.status is BackupStatus.FAILED:
            raise failed(operation.instance_id, record)
        if record.status.is_gone:
            raise _gone(operation, backup_id, f"DCS reports it as {record.status.value}")
        age = operation.elapsed - started
        operation.say(where_it_stands(record, age))
        pace = pace or Pace(usual_length(snapshot), crowd)
        pause = pace.next_look(age, record.percent)


def where_it_stands(record: BackupRecord, elapsed: float) -> str:
    """One short line for who watches: ``backing up, 37 %, 42 s``."""
    what = "waiting to be backed up" if record.status is BackupStatus.WAITING else "backing up"
    percent = f", {record.percent:.0f} %" if record.percent is not None else ""
    return f"{what}{percent}, {in_words(elapsed)}"


def usual_length(snapshot: Snapshot) -> float | None:
    """How many seconds the instance's last backup took, by the service's own times; None where they don't tell."""
    for record in snapshot.records.values():
        if record.status is BackupStatus.SUCCEED and record.created and record.updated:
            return (record.updated - record.created).total_seconds()
    return None


def failed(instance_id: str, record: BackupRecord) -> BackupFailedError:
    """The error for a record that ended as failed."""
    code = record.error_code
    meaning = BACKUP_FAILURES.get(code.lower(), "a cause that the API does not document") if code else "no cause given"
    progress = f", at {record.percent:.0f} %" if record.percent is not None else ""
    return BackupFailedError(
        f"The backup of instance {instance_id} failed at the service.",
        error_code=code,
        facts=[f"{code or 'no error code'}: {meaning}", f"backup {record.backup_id}{progress}"],
        advice="run `pulumi up` again for a new try; if it persists, look at the instance in the console.",
    )


def _gone(operation: Operation, backup_id: str, how: str) -> BackupGoneError:
    return BackupGoneError(
        f"Backup {backup_id} of instance {operation.instance_id} disappeared before it was finished.",
        facts=[how],
        advice="find out who or what deletes this instance's backups, then run `pulumi up` again for a new one.",
    )

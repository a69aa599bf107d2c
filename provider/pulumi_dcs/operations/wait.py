"""Waits until a record has come to its end."""

from __future__ import annotations

from typing import Final, Generic

from ..api.clock import in_words
from ..api.errors import AuthenticationError, CredentialsUnavailable, DcsError, ThrottledError
from ..api.instances import is_instance_gone
from .errors import (
    CancelledError,
    CredentialsRefusedError,
    OperationError,
    RecordFailedError,
    RecordGoneError,
    TimedOutError,
    facts_of,
)
from .operation import Operation
from .polling import PollingPool, PollSchedule, next_poll_delay
from .record_cache import RecordCache, Snapshot
from .records import R, Record, RecordKind, is_stuck_at_the_end

MISSING_TIMEOUT: Final = 20.0
"""Seconds for which a record may be missing from complete lists before it counts as gone: lists lag a few seconds
behind, and one that was read from a slow replica is no proof."""
UNLISTED_TIMEOUT: Final = 60.0
"""The same for a record that was never listed: a new one has been seen to come late."""
_MAX_FAILURE_DELAY: Final = 30.0
"""Seconds between two polls while polling fails, unless the service names more."""
_MAX_REFUSALS: Final = 5
"""After how many refusals of the credentials in a row waiting ends. One may be a gateway's mistake; five, with growing
delays between them about half a minute, are keys that have expired and don't renew themselves."""


class Wait(Generic[R]):
    """Polls one record until it has succeeded, through any failure to poll.

    Args:
        kind: what the record is, for messages.
        cache: lists the instance's records.
        pool: those who wait at the same time.
    """

    def __init__(
        self,
        kind: RecordKind,
        cache: RecordCache[R],
        pool: PollingPool,
        operation: Operation,
        *,
        instance_id: str,
        record_id: str,
    ) -> None:
        self._kind = kind
        self._cache = cache
        self._pool = pool
        self._operation = operation
        self._instance_id = instance_id
        self._record_id = record_id
        self._what = kind.of(record_id, instance_id)
        self._started = operation.elapsed
        self._schedule: PollSchedule | None = None
        self._was_listed = False
        self._missing_since: float | None = None
        self._failed_polls = 0
        self._refusals = 0
        self._last_failure: DcsError | None = None

    def run(self) -> R:
        """The record, once it has succeeded.

        Raises:
            RecordFailedError: it ended as failed, or so that nobody knows; see :attr:`RecordKind.is_repeatable`.
            RecordGoneError: it ended as expired or deleted, stayed away from complete lists, or its instance is gone.
            CredentialsRefusedError: it is still running as far as is known.
            TimedOutError, CancelledError: it is still running.
        """
        with self._pool.waiting():
            delay = self._pool.first_delay()
            while True:
                try:
                    snapshot = self._poll(delay)
                except OperationError:
                    raise
                except DcsError as error:
                    delay = self._delay_after_failed_poll(error)
                    continue
                self._failed_polls, self._refusals, self._last_failure = 0, 0, None
                record = snapshot.records.get(self._record_id)
                if record is None:
                    delay = self._delay_after_missing(snapshot)
                    continue
                self._note_listed(record)
                if self._has_ended_well(record):
                    return record
                delay = self._delay_while_running(record, snapshot)

    def _poll(self, delay: float) -> Snapshot[R]:
        try:
            self._operation.pause(delay)
            return self._cache.list(self._operation, self._instance_id, max_age=delay / 4, retry_timeout=0.0)
        except CancelledError:
            raise CancelledError(f"Cancelled while {self._what} was {self._kind.under_way}.") from None
        except TimedOutError:
            facts = facts_of(self._last_failure)
            raise TimedOutError(
                f"After {in_words(self._operation.timeout)}, {self._what} is not finished.",
                facts=(f"the last poll failed: {facts[0]}", *facts[1:]) if facts else (),
            ) from None

    def _delay_after_failed_poll(self, error: DcsError) -> float:
        """A running record outlives whatever keeps us from seeing it; even a refusal can be a gateway's mistake."""
        if is_instance_gone(error):
            raise self._gone("DCS says that the instance no longer exists") from error
        self._refusals = self._refusals + 1 if isinstance(error, (AuthenticationError, CredentialsUnavailable)) else 0
        if self._refusals >= _MAX_REFUSALS:
            raise CredentialsRefusedError(
                f"DCS no longer accepts the credentials; {self._what} could not be followed to its end.",
                facts=facts_of(error),
                advice="renew the credentials.",
            ) from error
        self._last_failure = error
        named = error.retry_after or 0.0 if isinstance(error, ThrottledError) else 0.0
        growing = (named or next_poll_delay(self._age)) * 2.0 ** min(self._failed_polls, 5)
        self._failed_polls += 1
        delay = max(named, min(growing, _MAX_FAILURE_DELAY))
        self._operation.report_progress(
            f"{error.summary} The {self._kind.noun} goes on; polling again in {in_words(max(1.0, delay))}."
        )
        return delay

    def _delay_after_missing(self, snapshot: Snapshot[R]) -> float:
        if self._missing_since is None:
            self._missing_since = self._operation.elapsed
        missing_for = self._operation.elapsed - self._missing_since
        timeout = MISSING_TIMEOUT if self._was_listed else UNLISTED_TIMEOUT
        if snapshot.is_complete and missing_for >= timeout:
            raise self._gone("it is not in the instance's list")
        return next_poll_delay(missing_for)

    def _note_listed(self, record: R) -> None:
        if not self._was_listed:
            self._pool.note_first_poll(is_running=record.is_running)
        self._was_listed, self._missing_since = True, None

    def _has_ended_well(self, record: R) -> bool:
        if record.has_succeeded:
            self._operation.report_progress(f"{self._kind.done}, {in_words(self._age)}")
            return True
        if record.has_failed:
            raise failed(self._kind, self._instance_id, record)
        if record.is_gone:
            raise self._gone(f"DCS reports it as {record.status_text}")
        if not is_stuck_at_the_end(record):
            return False
        if record.is_usable is False:
            raise failed(self._kind, self._instance_id, record)
        if not self._kind.is_repeatable:
            raise RecordFailedError(
                f"DCS reports {self._what} as {record.status_text!r}, at 100 %: a status that is not documented. "
                "Whether it has succeeded is not known.",
                record_id=record.id,
                error_code=record.error_code,
                is_documented=False,
                facts=[f"error code {record.error_code}"] if record.error_code else (),
            )
        self._operation.warn(
            f"DCS reports {self._what} as {record.status_text!r}, at 100 %: a status that is not documented. "
            "Check it in the console."
        )
        return True

    def _delay_while_running(self, record: R, snapshot: Snapshot[R]) -> float:
        self._schedule = self._schedule or PollSchedule(usual_length(snapshot), self._pool)
        self._operation.report_progress(progress_text(self._kind, record, self._age))
        return self._schedule.next_delay(self._age, record.percent)

    @property
    def _age(self) -> float:
        return self._operation.elapsed - self._started

    def _gone(self, how: str) -> RecordGoneError:
        return RecordGoneError(
            f"{_capitalised(self._what)} disappeared before it was finished.",
            facts=[how],
            advice=f"find out who or what deletes this instance's {self._kind.noun}s.",
        )


def progress_text(kind: RecordKind, record: Record, age: float) -> str:
    """One short line on where a record stands: ``backing up, 37 %, 42 s``."""
    what = kind.waiting if record.is_waiting else kind.running
    percent = f", {record.percent:.0f} %" if record.percent is not None else ""
    return f"{what}{percent}, {in_words(age)}"


def usual_length(snapshot: Snapshot[R]) -> float | None:
    """How many seconds the instance's last record took, by the service's own times; None where they don't tell."""
    for record in snapshot.records.values():
        if record.has_succeeded and record.created and record.updated:
            return (record.updated - record.created).total_seconds()
    return None


def failed(kind: RecordKind, instance_id: str, record: Record) -> RecordFailedError:
    """The error for a record that ended as failed."""
    code = record.error_code
    meaning = kind.failures(code) if code else "no error code, no cause given"
    percent = f", at {record.percent:.0f} %" if record.percent is not None else ""
    return RecordFailedError(
        f"The {kind.noun} of instance {instance_id} failed at the service.",
        record_id=record.id,
        error_code=code,
        is_documented=record.has_failed,
        facts=[
            ": ".join(filter(None, (code, meaning))),
            f"{kind.noun} {record.id}{percent}, status {record.status_text}",
        ],
    )


def _capitalised(text: str) -> str:
    """The text with a large first letter, and ids as they are."""
    return text[:1].upper() + text[1:]

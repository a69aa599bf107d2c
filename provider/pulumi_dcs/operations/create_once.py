"""Creates a record, exactly one, whatever happens to the request and its response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic

from ..api import retries
from ..api.clock import Pause, in_words
from ..api.errors import ConnectionFailed, DcsError, InstanceBusyError, ThrottledError, UnexpectedResponse
from .busy import MAX_BUSY_DELAY, busy_message
from .errors import (
    CancelledError,
    CreateFailedError,
    OperationError,
    TimedOutError,
    UncertainOwnershipError,
    facts_of,
)
from .interrupted import InterruptedCreate
from .operation import Operation
from .ownership import Attempt, Progress, SavedState, Wanted
from .polling import next_poll_delay
from .record_cache import RecordCache, Snapshot
from .records import R, RecordKind
from .sent_request import Sending

MAX_LOST_RESPONSES: Final = 4
"""How many responses may be lost, one after another, before we give up: a service that fails so often is broken."""
MAX_TRUST_IN_A_LIST: Final = 60.0
"""Seconds after which a busy instance is asked again even if its list still shows a running record: such a record can
be stuck."""
HTTP_SERVER_ERROR: Final = 500
"""From this HTTP status on, a response leaves open whether the request had an effect."""


class CreateOnce(Generic[R]):
    """One create on its way from "a record is wanted" to "this is its id".

    Args:
        kind: what the record is, for messages.
        cache: lists the instance's records.
        start: sends the create request, which may be kept back by that pause; returns the id.
        wanted: what is asked for, and which records can be that.
        attempt: what outlives this process.
        saved_state: what the engine has saved.
        before_start: called with the latest list before each request; raises to prevent it.
    """

    def __init__(
        self,
        kind: RecordKind,
        cache: RecordCache[R],
        operation: Operation,
        instance_id: str,
        *,
        start: Callable[[Pause], str],
        wanted: Wanted[R],
        attempt: Attempt,
        saved_state: SavedState,
        before_start: Callable[[Snapshot[R]], None] = lambda _: None,
    ) -> None:
        self._kind = kind
        self._cache = cache
        self._operation = operation
        self._instance_id = instance_id
        self._start = start
        self._attempt = attempt
        self._before_start = before_start
        self._sending = Sending(kind, cache, operation, instance_id, wanted=wanted, attempt=attempt)
        self._interrupted = InterruptedCreate(
            kind,
            cache,
            operation,
            instance_id,
            wanted=wanted,
            attempt=attempt,
            saved_state=saved_state,
            sending=self._sending,
        )
        self._last_failure: DcsError | None = None
        self._lost_responses = 0
        self._failed_connections = 0
        self._unreachable_since = 0.0
        self._busy_since: float | None = None

    def run(self) -> str:
        """Have a record created, or find the one that an interrupted create made; its id.

        Raises:
            CreateFailedError: nothing was started, or it says that this is not known.
            UncertainOwnershipError: it can't be proved whether an interrupted run made it already.
            TimedOutError, CancelledError: as CreateFailedError, for these reasons.
        """
        try:
            return self._run()
        except (TimedOutError, CancelledError) as error:
            if (found := self._sending.try_to_find()) is not None:
                return found
            self._leave()
            facts = (*error.facts, *facts_of(self._last_failure), self._outcome)
            raise type(error)(error.summary, facts=facts, advice=self._advice(error)) from error
        except UncertainOwnershipError:
            self._leave()
            raise
        except DcsError as error:
            self._leave()
            raise CreateFailedError(
                error.summary,
                facts=(*error.facts, self._outcome),
                advice=self._advice(error),
                is_outcome_known=not self._sending.is_outstanding,
            ) from error

    def _run(self) -> str:
        snapshot = self._cache.list_completely(self._operation, self._instance_id)
        found = self._interrupted.find(snapshot)
        while found is None:
            found, snapshot = self._try_to_create(snapshot)
        return found

    def _try_to_create(self, snapshot: Snapshot[R]) -> tuple[str | None, Snapshot[R]]:
        """Send the request once; the record's id if that or what followed has told it, and the latest list."""
        self._operation.check_deadline()
        self._sending.note_others(snapshot)
        self._before_start(snapshot)
        self._sending.note_sending(snapshot)
        try:
            record_id = self._start(self._pause_before_sending)
        except InstanceBusyError as error:
            found = None
            if error.http_status < HTTP_SERVER_ERROR or self._kind.is_repeatable:
                self._note_refused(error)
            else:
                # That a 500 had no effect is an inference: what must not be made twice is looked for first.
                self._last_failure = error
                self._sending.note_lost(snapshot)
                found, snapshot = self._sending.find()
            if found is None:
                found, snapshot = self._wait_while_busy(error)
        except ThrottledError as error:
            self._note_refused(error)
            delay = in_words(max(1.0, error.retry_after or 1.0))
            self._operation.report_progress(f"{error.summary} Trying again in {delay}.")
            return None, snapshot
        except ConnectionFailed as error:
            if not error.sent:
                self._note_refused(error)
                self._wait_for_connection(error)
                return None, snapshot
            found, snapshot = self._after_lost_response(error, snapshot)
        except UnexpectedResponse as error:
            found, snapshot = self._after_lost_response(error, snapshot)
        except OperationError:
            # The deadline passed while the rate limit kept the request back.
            self._sending.note_not_sent()
            raise
        except DcsError as error:
            self._note_refused(error)
            raise
        else:
            self._attempt.save(Progress(record_id))
            return record_id, snapshot
        self._failed_connections = 0
        return found, snapshot

    def _pause_before_sending(self, seconds: float) -> None:
        self._sending.note_delay(seconds)
        self._operation.pause(seconds)

    def _note_refused(self, error: DcsError) -> None:
        self._last_failure = error
        self._sending.note_not_sent()

    def _wait_while_busy(self, error: InstanceBusyError) -> tuple[str | None, Snapshot[R]]:
        """Pause until it is worth trying again; or the record of a lost request, if that is what keeps it busy."""
        operation = self._operation
        started = operation.elapsed
        self._busy_since = started if self._busy_since is None else self._busy_since
        while True:
            waited = operation.elapsed - self._busy_since
            operation.report_progress(busy_message(error, waited))
            delay = min(next_poll_delay(waited), MAX_BUSY_DELAY)
            operation.pause(delay)
            snapshot = self._cache.list(
                operation, self._instance_id, max_age=delay / 4, retry_timeout=operation.remaining
            )
            self._sending.note_others(snapshot)
            found = self._sending.claim(snapshot)
            is_running = any(record.is_running for record in snapshot.records.values())
            if found or not is_running or operation.elapsed - started > MAX_TRUST_IN_A_LIST:
                return found, snapshot

    def _wait_for_connection(self, error: ConnectionFailed) -> None:
        if not self._failed_connections:
            self._unreachable_since = self._operation.elapsed
        self._failed_connections += 1
        unreachable_for = self._operation.elapsed - self._unreachable_since
        if not error.is_transient or unreachable_for > retries.CONNECT_RETRY_TIMEOUT:
            raise error
        self._operation.report_progress(f"{error.summary} Trying again.")
        self._operation.pause(retries.backoff_delay(self._failed_connections))

    def _after_lost_response(self, error: DcsError, before: Snapshot[R]) -> tuple[str | None, Snapshot[R]]:
        self._last_failure = error
        self._sending.note_lost(before)
        self._lost_responses += 1
        self._operation.report_progress(
            f"The response to the request was lost; looking whether the {self._kind.noun} was started."
        )
        found, snapshot = self._sending.find()
        if found is None and (self._lost_responses >= MAX_LOST_RESPONSES or not self._kind.is_repeatable):
            raise error
        return found, snapshot

    def _leave(self) -> None:
        """The create ends in an error: the next run has to come back to what this one does not know."""
        if self._sending.is_outstanding:
            self._attempt.leave_unresolved()

    @property
    def _outcome(self) -> str:
        if self._sending.is_outstanding:
            return f"a response was lost: whether a {self._kind.noun} was started is not known"
        return f"no {self._kind.noun} was started"

    def _advice(self, error: DcsError) -> str:
        if self._sending.is_outstanding and not self._kind.is_repeatable:
            return (
                f"look at the instance in the console first. `pulumi up` takes the {self._kind.noun} over if the "
                f"service lists it by then; if not, it {self._kind.again}."
            )
        if self._sending.is_outstanding:
            return (
                f"run `pulumi up` again: it takes the {self._kind.noun} over if it can prove that it is this one; "
                f"else look at the instance's {self._kind.noun}s in the console."
            )
        last = self._last_failure.advice if self._last_failure else ""
        return error.advice or (last if isinstance(error, OperationError) else "")

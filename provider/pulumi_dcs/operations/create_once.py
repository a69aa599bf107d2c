"""Creates a record, exactly one, whatever happens to the request and its response."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import replace
from typing import Final, Generic

from ..api import retries
from ..api.clock import in_words
from ..api.error_codes import BUSY
from ..api.errors import (
    ConnectionFailed,
    DcsError,
    InstanceBusyError,
    ServiceError,
    ThrottledError,
    UnexpectedResponse,
)
from .errors import (
    CancelledError,
    CreateFailedError,
    IncompleteListError,
    OperationError,
    TimedOutError,
    UncertainOwnershipError,
    facts_of,
)
from .operation import Operation
from .ownership import (
    GRACE,
    Attempt,
    Evidence,
    EvidenceUnavailableError,
    Progress,
    SavedState,
    SentRequest,
    Wanted,
)
from .polling import next_poll_delay
from .record_cache import RecordCache, Snapshot
from .records import R, RecordKind
from .wait import MISSING_TIMEOUT

LOST_RESPONSE_DELAYS: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each list that is read after a lost response: the record may come late, and a request that is sent
again too early makes a second one."""
MAX_LOST_RESPONSES: Final = 4
"""How many responses may be lost, one after another, before we give up: a service that fails so often is broken."""
MAX_BUSY_DELAY: Final = 15.0
"""Seconds between two tries while the instance is busy: its own operations take minutes."""
MAX_TRUST_IN_A_LIST: Final = 60.0
"""Seconds after which a busy instance is asked again even if its list still shows a running record: such a record can
be stuck."""
UNREACHABLE_TIMEOUT: Final = 60.0
"""Seconds for which a request is tried again when no connection comes about."""


class CreateOnce(Generic[R]):
    """One create on its way from "a record is wanted" to "this is its id".

    Args:
        kind: what the record is, for messages.
        cache: lists the instance's records.
        start: sends the create request; returns the id.
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
        start: Callable[[], str],
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
        self._wanted = wanted
        self._attempt = attempt
        self._saved_state = saved_state
        self._before_start = before_start
        self._known: frozenset[str] = frozenset()
        self._in_state: Set[str] = frozenset()
        self._request = SentRequest(wanted.content)
        self._is_outstanding = False
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
        except DcsError as error:
            if isinstance(error, (TimedOutError, CancelledError)) and (found := self._last_try_to_find()) is not None:
                return found
            if self._is_outstanding:
                self._attempt.leave_unresolved()
            raise self._ended(error) from error

    def _ended(self, error: DcsError) -> DcsError:
        """The error with which the create ends: with what it means for the resource."""
        if isinstance(error, UncertainOwnershipError):
            return error
        if isinstance(error, (TimedOutError, CancelledError)):
            facts = (*error.facts, *(facts_of(self._last_failure) if self._last_failure else ()), self._outcome)
            return type(error)(error.summary, facts=facts, advice=self._advice(error))
        return CreateFailedError(
            error.summary,
            facts=(*error.facts, self._outcome),
            advice=self._advice(error),
            is_outcome_known=not self._is_outstanding,
        )

    def _run(self) -> str:
        snapshot = self._cache.list_completely(self._operation, self._instance_id)
        found = self._continue_interrupted(snapshot)
        while found is None:
            found, snapshot = self._try_to_create(snapshot)
        return found

    # What an interrupted create left

    def _continue_interrupted(self, snapshot: Snapshot[R]) -> str | None:
        """The record that an interrupted create of the same resource with the same inputs made."""
        attempt = self._attempt
        suspects = self._suspects(snapshot)
        if attempt.progress == Progress() and not suspects:
            return None
        if attempt.is_retry:
            return self._continue(snapshot)
        evidence = self._evidence(suspects)
        self._in_state = evidence.in_state.keys()
        is_over = evidence.interrupted_creates == 0 and not attempt.is_unresolved
        if is_over or attempt.progress.record_id in evidence.in_state:
            # The journal is out of date: what it tells of has been saved, or was given up on purpose.
            attempt.save(Progress())
        found = self._continue(snapshot)
        explained = 1 if attempt.continues_an_interrupted else 0
        if found is not None or evidence.interrupted_creates <= explained:
            return found
        return self._take_over_marked([each for each in suspects if each.id not in self._in_state])

    def _continue(self, snapshot: Snapshot[R]) -> str | None:
        progress = self._attempt.progress
        found = None
        if progress.record_id:
            found = self._still_there(progress.record_id, snapshot)
        elif progress.request is not None:
            self._request, self._is_outstanding = progress.request, True
            found = self._claim_what_was_sent(snapshot)
            if found is None and progress.request.time_left(snapshot.service_time):
                found, _ = self._find_lost()
            elif found is None:
                self._is_outstanding = False
        if found is not None:
            self._operation.report_progress(f"going on with {self._kind.noun} {found} of an interrupted run")
        else:
            self._attempt.save(Progress())
        return found

    def _still_there(self, record_id: str, snapshot: Snapshot[R]) -> str | None:
        """The record, unless complete lists have been without it for a while: then there is nothing to go on with."""
        since = self._operation.elapsed
        while record_id not in snapshot.records:
            missing_for = self._operation.elapsed - since
            if missing_for >= MISSING_TIMEOUT:
                return None
            self._operation.pause(next_poll_delay(missing_for))
            snapshot = self._cache.list_completely(self._operation, self._instance_id)
        if snapshot.records[record_id].is_gone:
            return None
        return self._attempt.claim([record_id])

    def _suspects(self, snapshot: Snapshot[R]) -> list[R]:
        """Records that an earlier create with the same inputs can have made and that nobody is known to own."""
        return [
            record
            for record in snapshot.records.values()
            if not record.is_gone
            and not record.has_failed
            and self._wanted.resembles(record)
            and not self._attempt.is_known(record.id)
        ]

    def _evidence(self, suspects: list[R]) -> Evidence:
        try:
            return self._saved_state.evidence()
        except EvidenceUnavailableError as error:
            ids = [record.id for record in suspects] or [self._attempt.progress.record_id or "(id not known)"]
            raise UncertainOwnershipError(
                f"No {self._kind.noun} of instance {self._instance_id} was started: an interrupted run may have made "
                f"it already, and the stack's saved state can't be read.",
                facts=[f"{self._kind.noun} {', '.join(ids)} may be the one", f"reading the state: {error.reason}"],
                advice="make sure that the `pulumi` that runs this program can be found and that "
                "`pulumi stack export` works, then run it again.",
            ) from error

    def _take_over_marked(self, suspects: list[R]) -> str | None:
        marked = [record.id for record in suspects if self._wanted.is_marked(record)]
        if len(marked) == 1 and (found := self._attempt.claim(marked)) is not None:
            self._operation.report_progress(f"going on with {self._kind.noun} {found} of an interrupted run")
            return found
        if not suspects:
            return None
        noun, ids = self._kind.noun, [record.id for record in suspects]
        raise UncertainOwnershipError(
            f"No {noun} of instance {self._instance_id} was started: an earlier run of this resource was interrupted, "
            f"and {noun} {' or '.join(ids)} may be what it made.",
            facts=[
                f"{noun} {record.id}: {record.status_text}"
                + (f", created {record.created:%Y-%m-%d %H:%M:%S} UTC" if record.created else "")
                for record in suspects
            ],
            advice=f'look at it in the console. If it is the one, take it over with adopt_backup_id="{ids[0]}"; if '
            "not, run `pulumi refresh --clear-pending-creates`, and then `pulumi up` makes a new one.",
        )

    # The request and its response

    def _try_to_create(self, snapshot: Snapshot[R]) -> tuple[str | None, Snapshot[R]]:
        """Send the request once; the record's id if that or what followed has told it, and the latest list."""
        self._operation.check_deadline()
        self._note_others(snapshot)
        self._before_start(snapshot)
        self._note_sending(snapshot)
        try:
            record_id = self._start()
        except InstanceBusyError as error:
            self._note_refused(error)
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
            self._note_not_sent()
            raise
        except DcsError as error:
            self._note_refused(error)
            raise
        else:
            self._attempt.save(Progress(record_id))
            self._attempt.claim([record_id])
            return record_id, snapshot
        self._failed_connections = 0
        return found, snapshot

    def _note_others(self, snapshot: Snapshot[R]) -> None:
        """What is there while no response of ours is outstanding was made by others."""
        if not self._is_outstanding:
            self._known |= snapshot.records.keys()

    def _note_sending(self, snapshot: Snapshot[R]) -> None:
        now = snapshot.by_service_clock(self._operation.clock.monotonic())
        request = self._request if self._is_outstanding else SentRequest(self._wanted.content, self._known, now)
        self._request = replace(request, until=now and now + GRACE)
        self._attempt.save(Progress(request=self._request))

    def _note_refused(self, error: DcsError) -> None:
        """The request was refused, or never left."""
        self._last_failure = error
        self._note_not_sent()

    def _note_not_sent(self) -> None:
        if not self._is_outstanding:
            self._attempt.save(Progress())

    def _wait_while_busy(self, error: InstanceBusyError) -> tuple[str | None, Snapshot[R]]:
        """Pause until it is worth trying again; or the record of a lost request, if that is what keeps it busy."""
        operation = self._operation
        started = operation.elapsed
        self._busy_since = started if self._busy_since is None else self._busy_since
        while True:
            waited = operation.elapsed - self._busy_since
            what = BUSY[error.error_code]
            operation.report_progress(f"the instance is {what} ({error.error_code}); waiting, {in_words(waited)}")
            delay = min(next_poll_delay(waited), MAX_BUSY_DELAY)
            operation.pause(delay)
            snapshot = self._cache.list(
                operation, self._instance_id, max_age=delay / 4, retry_timeout=operation.remaining
            )
            self._note_others(snapshot)
            found = self._claim_what_was_sent(snapshot)
            is_running = any(record.is_running for record in snapshot.records.values())
            if found or not is_running or operation.elapsed - started > MAX_TRUST_IN_A_LIST:
                return found, snapshot

    def _wait_for_connection(self, error: ConnectionFailed) -> None:
        if not self._failed_connections:
            self._unreachable_since = self._operation.elapsed
        self._failed_connections += 1
        if not error.is_transient or self._operation.elapsed - self._unreachable_since > UNREACHABLE_TIMEOUT:
            raise error
        self._operation.report_progress(f"{error.summary} Trying again.")
        self._operation.pause(retries.backoff_delay(self._failed_connections))

    def _after_lost_response(self, error: DcsError, before: Snapshot[R]) -> tuple[str | None, Snapshot[R]]:
        self._last_failure = error
        self._is_outstanding = True
        now = before.by_service_clock(self._operation.clock.monotonic())
        self._request = replace(self._request, until=now and now + GRACE)
        self._attempt.save(Progress(request=self._request))
        self._lost_responses += 1
        self._operation.report_progress(
            f"The response to the request was lost; looking whether the {self._kind.noun} was started."
        )
        found, snapshot = self._find_lost()
        if found is None and self._lost_responses >= MAX_LOST_RESPONSES:
            raise error
        return found, snapshot

    def _find_lost(self) -> tuple[str | None, Snapshot[R]]:
        """The record that a lost request made, if it did, and a complete list.

        What decides over a second record is not left undecided for one refused list.
        """
        snapshot: Snapshot[R] | None = None
        failure: DcsError | None = None
        for delay in LOST_RESPONSE_DELAYS:
            self._operation.pause(delay)
            try:
                snapshot = self._cache.list_completely(self._operation, self._instance_id)
            except (ServiceError, IncompleteListError) as error:
                failure = error
                continue
            if (found := self._claim_what_was_sent(snapshot)) is not None:
                return found, snapshot
        if snapshot is None:
            assert failure is not None
            raise failure
        if candidates := [each for each in self._fitting(snapshot) if not self._attempt.is_known(each)]:
            raise self._uncertain_which(candidates)
        return None, snapshot

    def _claim_what_was_sent(self, snapshot: Snapshot[R]) -> str | None:
        """The record that the outstanding request made, if that is proved; it is ours from then on."""
        if not self._is_outstanding:
            return None
        found = self._attempt.claim(self._fitting(snapshot))
        if found is not None:
            self._attempt.save(Progress(found))
        return found

    def _fitting(self, snapshot: Snapshot[R]) -> list[str]:
        """The records that the outstanding request can have made."""
        request = self._request
        return [
            record.id
            for record in snapshot.records.values()
            if not record.is_gone
            and record.id not in self._in_state
            and self._wanted.fits(record, request.wanted)
            and request.can_have_made(record)
        ]

    def _uncertain_which(self, record_ids: list[str]) -> UncertainOwnershipError:
        noun = self._kind.noun
        return UncertainOwnershipError(
            f"A response was lost, and more than one {noun} of instance {self._instance_id} may be the one that was "
            "asked for.",
            facts=[f"{noun}s {', '.join(record_ids)}"],
            advice=f'look at them in the console, and take one over with adopt_backup_id="{record_ids[0]}".',
        )

    def _last_try_to_find(self) -> str | None:
        if not self._is_outstanding:
            return None
        try:
            return self._claim_what_was_sent(self._cache.list(self._operation, self._instance_id, retry_timeout=0.0))
        except DcsError:
            return None

    @property
    def _outcome(self) -> str:
        if self._is_outstanding:
            return f"a response was lost: whether a {self._kind.noun} was started is not known"
        return f"no {self._kind.noun} was started"

    def _advice(self, error: DcsError) -> str:
        if self._is_outstanding:
            return (
                f"run `pulumi up` again: it takes the {self._kind.noun} over if it can prove that it is this one; "
                f"else look at the instance's {self._kind.noun}s in the console."
            )
        last = self._last_failure.advice if self._last_failure else ""
        return error.advice or (last if isinstance(error, OperationError) else "")

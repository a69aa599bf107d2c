"""Goes on with what an interrupted create of the same resource with the same inputs has made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic

from .errors import UncertainOwnershipError
from .operation import Operation
from .ownership import Attempt, Evidence, EvidenceUnavailableError, Progress, SavedState, Wanted
from .polling import next_poll_delay
from .record_cache import RecordCache, Snapshot
from .records import R, RecordKind
from .sent_request import Sending
from .wait import MISSING_TIMEOUT


class InterruptedCreate(Generic[R]):
    """What earlier creates may have left (see ``ownership`` for what proves it).

    Args:
        sending: the request of the create that goes on.
    """

    def __init__(
        self,
        kind: RecordKind,
        cache: RecordCache[R],
        operation: Operation,
        instance_id: str,
        *,
        wanted: Wanted[R],
        attempt: Attempt,
        saved_state: SavedState,
        sending: Sending[R],
    ) -> None:
        self._kind = kind
        self._cache = cache
        self._operation = operation
        self._instance_id = instance_id
        self._wanted = wanted
        self._attempt = attempt
        self._saved_state = saved_state
        self._sending = sending

    def find(self, snapshot: Snapshot[R]) -> str | None:
        """The record that an interrupted create made; None where there is none.

        Raises:
            UncertainOwnershipError: it can't be proved whether there is one.
        """
        found = self._find(snapshot)
        if found is not None:
            text = f"{self._kind.noun} {found} of an interrupted run"
            self._operation.report_progress(f"going on with {text}")
            # It may have been named as an orphan before: that must not have the last word.
            self._operation.info(f"Goes on with {text}: this resource has it now.")
        return found

    def _find(self, snapshot: Snapshot[R]) -> str | None:
        attempt = self._attempt
        suspects = self._suspects(snapshot)
        is_unsuspected = attempt.progress == Progress() and not suspects and not attempt.continues_an_interrupted
        if is_unsuspected and (self._kind.is_repeatable or not self._was_interrupted()):
            return None
        if attempt.is_retry:
            return self._continue(snapshot)
        enough = 1 + max(attempt.interrupted_creates, int(attempt.continues_an_interrupted))
        evidence = self._evidence(suspects, enough)
        self._sending.in_state = evidence.in_state.keys()
        attempt.note_interrupted(evidence.interrupted_creates)
        # A pending create stays in the state until the user clears it, long after a run has settled it.
        is_settled = evidence.interrupted_creates <= attempt.interrupted_creates
        is_over = is_settled and attempt.is_known_to_engine and not attempt.is_unresolved
        if is_over or attempt.progress.record_id in evidence.in_state:
            # The journal is out of date: what it tells of has been saved, or was given up on purpose.
            attempt.save(Progress())
        found = self._continue(snapshot)
        explained = 1 if attempt.continues_an_interrupted and not is_over else 0
        if found is not None or evidence.interrupted_creates <= explained:
            return found
        return self._take_over_marked([each for each in suspects if each.id not in evidence.in_state])

    def _continue(self, snapshot: Snapshot[R]) -> str | None:
        """What the journal's progress leads to."""
        progress = self._attempt.progress
        found = None
        if progress.record_id:
            found = self._still_there(progress.record_id, snapshot)
        elif progress.request is not None:
            found = self._sending.resume(progress.request, snapshot)
            if found is None and not self._kind.is_repeatable:
                self._check_resend()
        if found is None and not self._sending.is_outstanding:
            self._attempt.save(Progress())
        return found

    def _check_resend(self) -> None:
        """Make sure that a request which cannot be repeated, and has made nothing that is listed, may be sent again.

        It may where the run that sent it has told the user so, in the error that it ended in.
        """
        if not self._attempt.is_unresolved:
            # Killed meanwhile. That nothing is listed proves nothing: it may be too early, or the record gone already.
            self._sending.is_outstanding = False
            raise self._forgotten_perhaps()
        if self._attempt.is_retry:
            raise self._sent_by_this_run()

    def _still_there(self, record_id: str, snapshot: Snapshot[R]) -> str | None:
        """The record, unless complete lists have been without it for a while: then there is nothing to go on with."""
        since = self._operation.elapsed
        while record_id not in snapshot.records:
            missing_for = self._operation.elapsed - since
            if missing_for >= MISSING_TIMEOUT:
                if not self._kind.is_repeatable:
                    raise self._no_longer_listed(record_id)
                return None
            self._operation.pause(next_poll_delay(missing_for))
            snapshot = self._cache.list_completely(self._operation, self._instance_id)
        if snapshot.records[record_id].is_gone:
            return None
        return self._attempt.claim([record_id])

    def _suspects(self, snapshot: Snapshot[R]) -> list[R]:
        """Records that an earlier create with the same inputs can have made, and that are not known to be another's."""
        return [
            record
            for record in snapshot.records.values()
            if not record.is_gone
            and not (record.has_failed and self._kind.is_repeatable)
            and self._wanted.resembles(record)
            and self._attempt.can_have_made(record.id)
        ]

    def _evidence(self, suspects: Sequence[R], enough: int) -> Evidence:
        try:
            return self._saved_state.evidence(enough)
        except EvidenceUnavailableError as error:
            noun, known = self._kind.noun, self._attempt.progress.record_id
            ids = [record.id for record in suspects] or ([known] if known else [])
            raise UncertainOwnershipError(
                f"No {noun} of instance {self._instance_id} was started: an interrupted run may have made it already, "
                "and the stack's saved state can't be read.",
                facts=[
                    *([f"{noun} {', '.join(ids)} may be the one"] if ids else []),
                    f"reading the state: {error.reason}",
                ],
                advice="make sure that the `pulumi` that runs this program can be found and that "
                "`pulumi stack export` works, then run it again.",
            ) from error

    def _was_interrupted(self) -> bool:
        """Whether the saved state has an interrupted create, though neither journal nor service know of anything."""
        return self._evidence([], 1).interrupted_creates > 0

    def _forgotten_perhaps(self) -> UncertainOwnershipError:
        """The error where the service lists nothing any more that an interrupted run may have made."""
        noun = self._kind.noun
        return UncertainOwnershipError(
            f"No {noun} of instance {self._instance_id} was started: an earlier run of this resource was interrupted, "
            f"and whether it has started one is not known.",
            facts=[f"the service lists no {noun} that it can have started, but does not keep them for ever"],
            advice=f"look at the instance in the console. If it was not touched, run `pulumi refresh "
            f"--clear-pending-creates`, and then `pulumi up` {self._kind.again}. If it was, and you know the {noun}'s "
            f'id, take it over with {self._kind.adopt_input}="<its id>".',
        )

    def _no_longer_listed(self, record_id: str) -> UncertainOwnershipError:
        noun = self._kind.noun
        return UncertainOwnershipError(
            f"No {noun} of instance {self._instance_id} was started: an earlier run of this resource has started "
            f"{noun} {record_id} already, and the service no longer lists it, so that its end is not known.",
            advice=f"look at the instance. If it is as it should be, take the {noun} over with "
            f'{self._kind.adopt_input}="{record_id}"; if not, run `pulumi refresh --clear-pending-creates`, and then '
            f"`pulumi up` {self._kind.again}.",
        )

    def _sent_by_this_run(self) -> UncertainOwnershipError:
        noun = self._kind.noun
        return UncertainOwnershipError(
            f"No second {noun} of instance {self._instance_id} was started: the response to the first request of this "
            "run was lost.",
            facts=[f"the service lists no {noun} that the request can have started"],
            advice=f"look at the instance in the console. If it was not touched, run `pulumi up` again: it "
            f"{self._kind.again}.",
        )

    def _take_over_marked(self, suspects: Sequence[R]) -> str | None:
        marked = [record.id for record in suspects if self._wanted.is_marked(record)]
        if len(marked) == 1 and (found := self._attempt.claim(marked)) is not None:
            return found
        if not suspects and self._kind.is_repeatable:
            return None
        if not suspects:
            raise self._forgotten_perhaps()
        noun, ids = self._kind.noun, [record.id for record in suspects]
        raise UncertainOwnershipError(
            f"No {noun} of instance {self._instance_id} was started: an earlier run of this resource was interrupted, "
            f"and {noun} {' or '.join(ids)} may be what it made.",
            facts=[
                f"{noun} {record.id}: {record.status_text}"
                + (f", created {record.created:%Y-%m-%d %H:%M:%S} UTC" if record.created else "")
                for record in suspects
            ],
            advice=f"look at it in the console. If it is the one, take it over with "
            f'{self._kind.adopt_input}="{ids[0]}"; if not, run `pulumi refresh --clear-pending-creates`, and then '
            f"`pulumi up` {self._kind.again}.",
        )

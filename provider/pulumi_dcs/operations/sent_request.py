"""A create request on its way: what it can have made, and finding that when its response is lost."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from datetime import timedelta
from typing import Final, Generic

from ..api.errors import DcsError, ServiceError
from ..api.transport import CONNECT_TIMEOUT, READ_TIMEOUT
from .errors import IncompleteListError, UncertainOwnershipError
from .operation import Operation
from .ownership import CLOCK_GRAIN, GRACE, Attempt, Progress, SentRequest, Wanted
from .record_cache import RecordCache, Snapshot
from .records import R, RecordKind

LOST_RESPONSE_DELAYS: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each list that is read after a lost response: the record may come late, and a request that is sent
again too early makes a second one."""

LONGEST_EXCHANGE: Final = timedelta(seconds=CONNECT_TIMEOUT + READ_TIMEOUT)
"""How long a request may be listened for: a run that was killed may have done so until then."""


class Sending(Generic[R]):
    """The create request of one attempt, sent once or again.

    Attributes:
        is_outstanding: whether a response was lost, so that a record may be there that nobody has told us of.
        in_state: the records that the saved state holds; none of them is what the request has made.
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
    ) -> None:
        self.is_outstanding = False
        self._is_proof = True
        self.in_state: Set[str] = frozenset()
        self._kind = kind
        self._cache = cache
        self._operation = operation
        self._instance_id = instance_id
        self._wanted = wanted
        self._attempt = attempt
        self._known: frozenset[str] = frozenset()
        self._request = SentRequest(wanted.content)
        self._listed: Snapshot[R] | None = None

    def note_others(self, snapshot: Snapshot[R]) -> None:
        """Note what is there while no response of ours is outstanding: it was made by others."""
        if not self.is_outstanding:
            self._known |= snapshot.records.keys()

    def note_sending(self, snapshot: Snapshot[R]) -> None:
        """Note that the request is about to be sent."""
        now = snapshot.by_service_clock(self._operation.clock.monotonic())
        if not self.is_outstanding:
            self._request, self._is_proof = SentRequest(self._wanted.content, self._known, now), True
        self._request = replace(self._request, until=now and now + LONGEST_EXCHANGE + GRACE, is_lost=False)
        self._attempt.save(Progress(request=self._request))

    def note_delay(self, seconds: float) -> None:
        """Note that the request is kept back for so long before it is sent."""
        if self._request.until is not None:
            self._request = replace(self._request, until=self._request.until + timedelta(seconds=seconds))
            self._attempt.save(Progress(request=self._request))

    def note_not_sent(self) -> None:
        """Note that the request was refused, or never left."""
        if not self.is_outstanding:
            self._attempt.save(Progress())

    def note_lost(self, before: Snapshot[R]) -> None:
        """Note that the response was lost; we have listened until now."""
        self.is_outstanding = True
        self._listed = before
        now = before.by_service_clock(self._operation.clock.monotonic())
        self._request = replace(self._request, until=now and now + GRACE, is_lost=True)
        self._attempt.save(Progress(request=self._request))

    def resume(self, request: SentRequest, snapshot: Snapshot[R]) -> str | None:
        """Go on with a request of an earlier run whose response nobody knows; the record that it made, if it did.

        Raises:
            UncertainOwnershipError: several records fit, or it is not known when the request can have made one.
        """
        try:
            return self._resume(request, snapshot)
        except UncertainOwnershipError:
            # This run has sent nothing: that the user clears the pending create has to be enough.
            self.is_outstanding = False
            raise

    def _resume(self, request: SentRequest, snapshot: Snapshot[R]) -> str | None:
        self._request, self.is_outstanding = request, True
        self._is_proof = request.is_dated
        found = self.claim(snapshot)
        if found is not None:
            return found
        if request.time_left(snapshot.service_time) or not request.is_dated:
            found, snapshot = self.find()
        else:
            self._check_certainty(snapshot)
            self.is_outstanding = False
        return found

    def claim(self, snapshot: Snapshot[R]) -> str | None:
        """The record that the outstanding request made, if that is proved; it is ours from then on."""
        if not self.is_outstanding or not self._is_proof:
            return None
        found = self._attempt.claim(self._fitting(snapshot))
        if found is not None:
            self._attempt.save(Progress(found))
        return found

    def find(self) -> tuple[str | None, Snapshot[R]]:
        """The record that the outstanding request made, if it did, and a complete list.

        What decides over a second record is not left undecided for one refused list.

        Raises:
            UncertainOwnershipError: several records fit, or it is not known when the request can have made one.
            DcsError: no list could be read.
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
            self._note_time_asleep(snapshot)
            if (found := self.claim(snapshot)) is not None:
                return found, snapshot
        if snapshot is None:
            assert failure is not None
            raise failure
        self._check_certainty(snapshot)
        return None, snapshot

    def _note_time_asleep(self, snapshot: Snapshot[R]) -> None:
        """Let the request have been carried out later by the time for which our clock stood still, as on a laptop."""
        if self._listed is None or self._request.until is None:
            return
        expected = self._listed.by_service_clock(snapshot.received_at)
        if expected and snapshot.service_time and snapshot.service_time - expected > CLOCK_GRAIN:
            self._request = replace(self._request, until=self._request.until + (snapshot.service_time - expected))
            self._attempt.save(Progress(request=self._request))
        self._listed = snapshot

    def try_to_find(self) -> str | None:
        """The record that the outstanding request made, if one list is enough to tell."""
        if not self.is_outstanding:
            return None
        try:
            return self.claim(self._cache.list(self._operation, self._instance_id, retry_timeout=0.0))
        except DcsError:
            return None

    def _fitting(self, snapshot: Snapshot[R]) -> list[str]:
        """The records that the outstanding request can have made."""
        request = self._request
        return [
            record.id
            for record in snapshot.records.values()
            if not record.is_gone
            and record.id not in self.in_state
            and self._wanted.fits(record, request.wanted)
            and request.can_have_made(record)
        ]

    def _check_certainty(self, snapshot: Snapshot[R]) -> None:
        if candidates := [each for each in self._fitting(snapshot) if not self._attempt.is_known(each)]:
            raise self._uncertain_which(candidates)

    def _uncertain_which(self, record_ids: list[str]) -> UncertainOwnershipError:
        noun = self._kind.noun
        if not self._is_proof:
            return UncertainOwnershipError(
                f"No {noun} of instance {self._instance_id} was started: the response to an earlier request was lost, "
                f"and {noun} {' or '.join(record_ids)} may be the one that was asked for.",
                facts=["the service did not tell its time, so that it is not known which one the request made"],
                advice=f"look at it in the console. If it is the one, take it over with "
                f'{self._kind.adopt_input}="{record_ids[0]}"; if not, run `pulumi refresh --clear-pending-creates`, '
                f"and then `pulumi up` {self._kind.again}.",
            )
        return UncertainOwnershipError(
            f"A response was lost, and more than one {noun} of instance {self._instance_id} may be the one that was "
            "asked for.",
            facts=[f"{noun}s {', '.join(record_ids)}"],
            advice=f'look at them in the console, and take one over with {self._kind.adopt_input}="{record_ids[0]}".',
        )

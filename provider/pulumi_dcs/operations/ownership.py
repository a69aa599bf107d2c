"""Whose record is it? What proves that an existing record is the one that a create asked for.

A record found in an instance's list is taken over only when it is proved to be the one that was asked for. A wrong
take-over means two owners of one backup, or old data passed off as new. Equal remarks are no proof: people leave them
empty, and another stack may back up the same instance this minute. These are the proofs, each for exactly one record;
where two fit, none is taken:

**A lost response.** This very create has sent a request whose response was lost, and the record fits it: it was in no
list that was read before; it was created, by the service's own clock, while the request can have been carried out; and
it is what the request asked for.

**An unresolved create.** A run of this resource with these inputs gave up on such a request, and said so: the journal
has it, and the record fits it as above.

**An interrupted create.** The engine's saved state holds a pending create of this resource with these inputs: a run was
killed meanwhile. What that run has written into the journal of this machine then says which record it made: the id of
the response, or the request whose response it did not live to see, as above. On another machine, the mark says it: a
text at the end of the remark that only this resource with these inputs in this generation writes.

**A process that died alone.** The journal has a create that never returned to the engine, and no saved state was seen
with it pending: the engine has outlived it, and saved that nothing was made. The journal says which record it was.

An interrupted create without any proof, and a record that fits and is in no state of ours: then it is not known
whose the record is, and nothing is sent (``UncertainOwnershipError``). Where the engine knew of it
and its saved state no longer does, the journal is out of date, and nothing is taken over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol

from .records import R, Record

CLOCK_GRAIN: Final = timedelta(seconds=2)
"""How coarse the service's times are: they may be cut to whole seconds, and its hosts differ a little."""
GRACE: Final = timedelta(seconds=10)
"""How long after we have stopped listening a request can still be carried out: it may stand in a gateway's queue."""


@dataclass(frozen=True)
class SentRequest:
    """A create request whose response is not known.

    Attributes:
        wanted: what it asked for, as the kind of record writes it (:class:`Wanted`).
        known: the records that were there before it.
        sent_at: when it was sent (the first of them, if several were lost), by the service's clock.
        until: until when it can have been carried out, by the same clock.
        is_lost: whether nobody waits for its response any more.
    """

    wanted: Mapping[str, str]
    known: frozenset[str] = frozenset()
    sent_at: datetime | None = None
    until: datetime | None = None
    is_lost: bool = False

    def can_have_made(self, record: Record) -> bool:
        """Whether the record came to be while the request can have been carried out."""
        if record.id in self.known:
            return False
        if record.created and self.sent_at and self.until:
            return self.sent_at - CLOCK_GRAIN <= record.created <= self.until + CLOCK_GRAIN
        return True

    def time_left(self, now: datetime | None) -> float:
        """For how many seconds more it may still be carried out; ``now`` by the service's clock.

        Who sent it listens no more: so it is never more than the grace.
        """
        if self.until is None or now is None:
            return 0.0
        return max(0.0, (min(self.until, now + GRACE) + CLOCK_GRAIN - now).total_seconds())

    @property
    def is_dated(self) -> bool:
        """Whether it is known when it can have been carried out; else it proves nothing to a later run."""
        return self.sent_at is not None and self.until is not None


@dataclass(frozen=True)
class Progress:
    """How far a create attempt has come: the id of the response, or the request without one, or nothing was sent."""

    record_id: str = ""
    request: SentRequest | None = None


class Wanted(Protocol[R]):  # type: ignore[misc]  # R is invariant for the sake of Generic users
    """What a create asks for, and which records can be that."""

    @property
    def content(self) -> Mapping[str, str]:
        """What is asked for, to be kept in the journal."""

    def fits(self, record: R, content: Mapping[str, str]) -> bool:
        """Whether the record is what a request with that content asked for."""

    def resembles(self, record: R) -> bool:
        """Whether the record can be what an earlier create with the same inputs made, whatever mark it bears."""

    def is_marked(self, record: R) -> bool:
        """Whether the record bears the mark that only this resource with these inputs in this generation writes."""


class Attempt(Protocol):
    """One create, as the journal keeps it for the next run of the same resource with the same inputs."""

    @property
    def progress(self) -> Progress:
        """How far it has come; at first, how far the interrupted create came that it continues."""

    @property
    def is_retry(self) -> bool:
        """Whether this process itself has run it before: the engine has called create again."""

    @property
    def is_unresolved(self) -> bool:
        """Whether an earlier create ended in an error without knowing whether it had made something."""

    @property
    def is_known_to_engine(self) -> bool:
        """Whether the engine knew of the interrupted create: it had returned, or was seen pending in the saved state.

        Else the process died alone, and the engine has saved a state that knows nothing of it.
        """

    @property
    def continues_an_interrupted(self) -> bool:
        """Whether the journal knows of an interrupted create that this one continues, even if nothing was sent."""

    @property
    def interrupted_creates(self) -> int:
        """How many interrupted creates the saved state had when an earlier run found the record: they are settled."""

    def save(self, progress: Progress) -> None:
        """Keep how far it has come."""

    def note_interrupted(self, count: int) -> None:
        """Keep, as soon as there is a record, how many interrupted creates the saved state has."""

    def leave_unresolved(self) -> None:
        """Keep that this create ends in an error without knowing whether it has made something."""

    def claim(self, record_ids: Sequence[str]) -> str | None:
        """Find and claim in one step: the one among these that no other resource owns; None for none or several."""

    def is_known(self, record_id: str) -> bool:
        """Whether the record belongs to another resource, or was in a state once, as far as this machine knows."""

    def can_have_made(self, record_id: str) -> bool:
        """Whether an interrupted create of this resource can have made the record, as far as this machine knows.

        It may be known under another name of the stack or its backend, or as what replaces another one.
        """


@dataclass(frozen=True)
class Evidence:
    """What the engine's saved state says about a resource and its records.

    Attributes:
        interrupted_creates: how many creates of the resource with these inputs were interrupted.
        in_state: the records that the state holds, by id, with the URN of the resource.
    """

    interrupted_creates: int = 0
    in_state: Mapping[str, str] = field(default_factory=dict)


class EvidenceUnavailableError(Exception):
    """The engine's saved state can't be read.

    Attributes:
        reason: why, to follow a colon.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SavedState(Protocol):
    """Reads the evidence, when it is needed."""

    def evidence(self, enough: int) -> Evidence:
        """What the saved state says.

        Args:
            enough: from how many interrupted creates on it does not matter how many there are exactly.

        Raises:
            EvidenceUnavailableError: it can't be read.
        """


class Unrecorded(Generic[R]):
    """An attempt that nothing is kept of: where there is no resource that it could belong to."""

    is_retry = False
    is_unresolved = False
    is_known_to_engine = True
    continues_an_interrupted = False
    interrupted_creates = 0

    def __init__(self) -> None:
        self.progress = Progress()

    def note_interrupted(self, count: int) -> None:
        """Nobody comes back to it."""

    def save(self, progress: Progress) -> None:
        """Keep it for this object's lifetime."""
        self.progress = progress

    def leave_unresolved(self) -> None:
        """Nobody comes back to it."""

    def claim(self, record_ids: Sequence[str]) -> str | None:
        """The only one."""
        return record_ids[0] if len(record_ids) == 1 else None

    def is_known(self, record_id: str) -> bool:
        """Nothing is known."""
        return False

    def can_have_made(self, record_id: str) -> bool:
        """Nothing speaks against it."""
        return True

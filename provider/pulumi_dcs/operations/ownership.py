"""Whose backup is it? The one place that decides whether an existing backup may be taken over.

A backup found in an instance's list is taken over only when it is proved to be the one that was asked for. A wrong
take-over means two owners of one backup, or old data passed off as new; that is worse than one backup too many.
Equal remarks are no proof: people leave them empty, and another stack may back up the same instance this minute.

These are the proofs, each for exactly one backup; where two fit, none is taken:

**A lost answer.** This very create has sent a POST whose answer was lost, and the backup fits it: it was in no list
that was read before; it was begun, by the service's own clock, while the POST can have been under way; it is a
manual one with the very remark that the POST asked for, and its format, if the POST named one.

**The ledger.** What an interrupted create of the same resource with the same inputs wrote down on this machine: the
``backup_id`` that the service answered, or the POST whose answer it did not live to see; then the backup has to fit
that POST, as above.

One thing cannot be told apart this way: the create was killed before its POST had left, and somebody elsewhere backs
up the same instance with the same remark within the next ten seconds. The mark tells it apart.

**The mark.** A text at the end of the remark that only this resource with these inputs writes, where that is on.

Never taken over: what another create on this machine has made, or one of this process claims; what the state holds
already (where that can't be found out, a mark proves nothing); and, by ledger or mark, what is older than a day: data
of yesterday is not what a run of today asks for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from ..api.parsing import BackupFormat, BackupRecord

CLOCK_GRAIN: Final = timedelta(seconds=2)
"""How coarse the service's times are: they may be cut to whole seconds, and its hosts differ a little."""
GRACE: Final = timedelta(seconds=10)
"""How long after we have stopped listening a POST can still be carried out: it may stand in a gateway's queue."""
LONGEST_AGE: Final = timedelta(hours=24)


@dataclass(frozen=True)
class Post:
    """A POST whose answer is not known.

    Attributes:
        remark: what it asked for.
        backup_format: what it asked for; None for the service's default.
        known: the backups that were there before it.
        sent_at: when it was sent (the first of them, if several were lost), by the service's clock.
        until: until when it can have been carried out, by the same clock.
    """

    remark: str
    backup_format: BackupFormat | None
    known: frozenset[str]
    sent_at: datetime | None
    until: datetime | None

    def fits(self, record: BackupRecord) -> bool:
        """Whether the backup can be what this POST made."""
        if record.backup_id in self.known or record.backup_type not in ("", "manual"):
            return False
        if record.remark.strip() != self.remark.strip():
            return False
        if self.backup_format is not None and record.backup_format not in ("", self.backup_format.value):
            return False
        if record.created and self.sent_at and self.until:
            return self.sent_at - CLOCK_GRAIN <= record.created <= self.until + CLOCK_GRAIN
        return True


@dataclass(frozen=True)
class Trail:
    """What a create leaves behind while it is under way: the id that was answered, or the POST that was not."""

    backup_id: str = ""
    post: Post | None = None

    def fits(self, record: BackupRecord) -> bool:
        """Whether the backup is the one that was answered, or can be what the POST made."""
        if self.backup_id:
            return record.backup_id == self.backup_id
        post = self.post
        if post is None or post.sent_at is None or post.until is None:
            return False
        return record.created is not None and post.fits(record)

    def pending(self, now: datetime | None) -> float:
        """For how many seconds more the POST may still be carried out; ``now`` by the service's clock."""
        post = self.post
        if self.backup_id or post is None or post.sent_at is None or post.until is None or now is None:
            return 0.0
        return max(0.0, (post.until + CLOCK_GRAIN - now).total_seconds())


class Ledger(Protocol):
    """Keeps one create's trail where the next run of the same resource with the same inputs finds it."""

    def read(self) -> Trail | None:
        """The trail of an interrupted create; None where there is none."""

    def write(self, trail: Trail) -> None:
        """Keep this trail instead of the last."""

    def drop(self) -> None:
        """Keep no trail: there is nothing to be found."""

    def knows_as_anothers(self, backup_id: str) -> bool:
        """Whether another create on this machine has made that backup."""


class NoLedger:
    """Keeps nothing."""

    def read(self) -> Trail | None:
        return None

    def write(self, trail: Trail) -> None:
        pass

    def drop(self) -> None:
        pass

    def knows_as_anothers(self, backup_id: str) -> bool:
        return False


class Claims:
    """The backups that belong to some resource already, as far as this process knows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed: set[str] = set()

    def claim(self, backup_id: str) -> bool:
        """Take the backup, unless it belongs to another already."""
        with self._lock:
            if backup_id in self._claimed:
                return False
            self._claimed.add(backup_id)
            return True

    def is_claimed(self, backup_id: str) -> bool:
        """Whether it belongs to somebody."""
        with self._lock:
            return backup_id in self._claimed


class Ownership:
    """What one create can prove.

    Args:
        remark: what it asks the service for, the mark included.
        backup_format: likewise; None for the service's default.
        claims: shared by all creates of this process.
        ledger: what outlives this process.
        mark: the end of ``remark`` that nobody else writes; empty where that is not switched on.
        held: asks which backups the state holds; None where that can't be found out.
    """

    def __init__(
        self,
        remark: str,
        backup_format: BackupFormat | None,
        claims: Claims,
        ledger: Ledger,
        *,
        mark: str = "",
        held: Callable[[], frozenset[str] | None] = frozenset,
    ) -> None:
        self.remark: Final = remark
        self.backup_format: Final = backup_format
        self._claims = claims
        self._ledger = ledger
        self._mark = mark
        self._held = held
        self._known: frozenset[str] = frozenset()
        self._post = Post(remark, backup_format, frozenset(), None, None)
        self.is_outstanding = False
        """Whether the answer to a POST was lost, so that a backup may be there that nobody has told us of."""

    def left_behind(self, records: Iterable[BackupRecord], now: datetime | None) -> BackupRecord | None:
        """The backup that an interrupted create of this resource made; ``now`` by the service's clock."""
        young = [record for record in records if not record.created or not now or now - record.created <= LONGEST_AGE]
        trail = self._ledger.read() or Trail()
        found = made_by(trail, young, self._is_anothers)
        if found is None and trail.post is not None and trail.pending(now):
            # It may be carried out yet: look for it as if the answer had been lost just now.
            self._post, self.is_outstanding = trail.post, True
        if found is None and not self.is_outstanding and self._mark:
            found = _only(
                record
                for record in young
                if record.remark.endswith(self._mark) and not record.status.is_gone and not self._is_anothers(record)
            )
            if found is not None and self._held() is None:
                return None
        if found is not None and found.backup_id in (self._held() or ()):
            return None
        return found

    def suspects(self, records: Iterable[BackupRecord]) -> set[str]:
        """Backups under way that look like ours, without any proof that they are."""
        post = replace(self._post, sent_at=None, until=None)
        return {
            record.backup_id
            for record in records
            if record.status.is_running and post.fits(record) and not self._is_anothers(record)
        }

    def see(self, records: Iterable[BackupRecord]) -> None:
        """Note the backups that are there while no answer of ours is outstanding: they are others'."""
        if not self.is_outstanding:
            self._known |= {record.backup_id for record in records}

    def sending(self, sent_at: datetime | None) -> None:
        """Note that a POST is about to be sent, at that time by the service's clock."""
        first = self._post.sent_at if self.is_outstanding else sent_at
        known = self._post.known if self.is_outstanding else self._known
        self._post = replace(self._post, known=known, sent_at=first, until=sent_at and sent_at + GRACE)
        self._ledger.write(Trail(post=self._post))

    def lost(self, now: datetime | None) -> None:
        """Note that its answer was lost; we have listened until now, by the service's clock."""
        self.is_outstanding = True
        self._post = replace(self._post, until=now and now + GRACE)
        self._ledger.write(Trail(post=self._post))

    def refused(self) -> None:
        """Note that it was refused, or never left."""
        if not self.is_outstanding:
            self._ledger.drop()

    def made(self, backup_id: str) -> None:
        """Note that this backup is ours."""
        self._claims.claim(backup_id)
        self._ledger.write(Trail(backup_id=backup_id))

    def find(self, records: Iterable[BackupRecord]) -> BackupRecord | None:
        """The backup that a lost POST of ours made, if that is proved."""
        if not self.is_outstanding:
            return None
        return _only(record for record in records if self._post.fits(record) and not self._is_anothers(record))

    def _is_anothers(self, record: BackupRecord) -> bool:
        return belongs_to_another(record, self._claims, self._ledger)


def belongs_to_another(record: BackupRecord, claims: Claims, ledger: Ledger) -> bool:
    """Whether the backup is known to be another resource's. Asks all of the machine's ledgers: ask this last."""
    return claims.is_claimed(record.backup_id) or ledger.knows_as_anothers(record.backup_id)


def made_by(
    trail: Trail, records: Iterable[BackupRecord], is_anothers: Callable[[BackupRecord], bool]
) -> BackupRecord | None:
    """The backup that a create with this trail made, if that is proved."""
    return _only(r for r in records if not r.status.is_gone and trail.fits(r) and not is_anothers(r))


def _only(records: Iterable[BackupRecord]) -> BackupRecord | None:
    found = list(records)
    return found[0] if len(found) == 1 else None

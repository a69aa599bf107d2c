"""Whose backup is it? The one place that decides whether an existing backup may be taken over.

A backup found in an instance's list is taken over only when it is proved to be the one that was asked for. A wrong
take-over means two owners of one backup, or old data passed off as new; that is worse than one backup too many.
Equal remarks are no proof: people leave them empty, and another stack may back up the same instance this minute.

The proof that is accepted: **this very create has sent a POST whose answer was lost, and exactly one backup fits.**
A backup fits when all of this holds:

1. it was not in the list that was read right before the POST, nor in any list that was read since while no answer
   of ours was outstanding;
2. it was begun, by the service's own clock, not before the POST was sent;
3. it is a manual one with the very remark that the POST asked for, and its format, if the POST named one;
4. no other create of this process has claimed it.

Where two fit, none is taken.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from .models import BackupFormat, BackupRecord

CLOCK_GRAIN: Final = timedelta(seconds=2)
"""How coarse the service's times are: they may be cut to whole seconds, and its hosts differ a little."""


class Claims:
    """The backups that creates of this process have taken as theirs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed: set[str] = set()

    def claim(self, backup_id: str) -> bool:
        """Take the backup, unless another create has it already."""
        with self._lock:
            if backup_id in self._claimed:
                return False
            self._claimed.add(backup_id)
            return True

    def is_claimed(self, backup_id: str) -> bool:
        """Whether a create of this process has it."""
        with self._lock:
            return backup_id in self._claimed


class LostPost:
    """What one create knows about a POST whose answer did not come."""

    def __init__(self, remark: str, backup_format: BackupFormat | None, claims: Claims) -> None:
        self._remark = remark
        self._format = backup_format
        self._claims = claims
        self._known: set[str] = set()
        self._sent_at: datetime | None = None
        self.is_outstanding = False

    def not_ours(self, records: Iterable[BackupRecord]) -> None:
        """Note backups that are there while no answer of ours is outstanding: they are others'."""
        self._known.update(record.backup_id for record in records)

    def lost(self, sent_at: datetime | None) -> None:
        """Note that the answer to a POST was lost; ``sent_at`` is when it was sent, by the service's clock."""
        if not self.is_outstanding:
            self._sent_at = sent_at
        self.is_outstanding = True

    def find(self, records: Iterable[BackupRecord]) -> BackupRecord | None:
        """The backup that the lost POST made, if that is proved."""
        if not self.is_outstanding:
            return None
        fitting = [record for record in records if self._fits(record)]
        return fitting[0] if len(fitting) == 1 else None

    def _fits(self, record: BackupRecord) -> bool:
        if record.backup_id in self._known or self._claims.is_claimed(record.backup_id):
            return False
        if self._sent_at and record.created and record.created < self._sent_at - CLOCK_GRAIN:
            return False
        if record.backup_type not in ("", "manual") or record.remark.strip() != self._remark.strip():
            return False
        return self._format is None or record.backup_format in ("", self._format.value)

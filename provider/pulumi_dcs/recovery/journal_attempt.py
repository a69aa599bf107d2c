"""One create as the journal keeps it, and what it asks the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..operations.ownership import Progress
from .journal_database import Entry

if TYPE_CHECKING:
    from .journal import Journal


class JournalAttempt:
    """One create's row (see ``operations.ownership.Attempt``)."""

    def __init__(
        self,
        journal: Journal,
        number: int,
        urn: str,
        inputs_hash: str,
        found: Entry | None,
        *,
        is_retry: bool = False,
    ) -> None:
        self._journal = journal
        self._number = number
        self._urn = urn
        self._inputs_hash = inputs_hash
        self.interrupted_creates = found.interrupted if found else 0
        self._interrupted_now = self.interrupted_creates
        self.progress = found.progress if found else Progress()
        self.is_retry = is_retry
        self.is_unresolved = found.is_unresolved if found else False
        self.is_known_to_engine = found.is_known_to_engine if found else True
        self.continues_an_interrupted = found is not None and not is_retry and not self.is_unresolved

    def save(self, progress: Progress) -> None:
        """Keep how far it has come."""
        if progress != self.progress:
            self._journal.save(self._number, self._urn, progress, self._interrupted_now)
            self.progress = progress

    def note_interrupted(self, count: int) -> None:
        """Keep, as soon as there is a record, how many interrupted creates the saved state has."""
        self._interrupted_now = count

    def note_returned(self) -> None:
        """Keep that it returns to the engine now."""
        self._journal.note_known_to_engine(self._number)

    def leave_unresolved(self) -> None:
        """Keep that it ends in an error without knowing whether it has made something."""
        self._journal.leave_unresolved(self._number)

    def claim(self, record_ids: Sequence[str]) -> str | None:
        """Find and claim in one step."""
        found = self._journal.claim(self._number, self._urn, record_ids, self.progress, self._interrupted_now)
        if found is not None:
            self.progress = Progress(found)
        return found

    def is_known(self, record_id: str) -> bool:
        """Whether the record belongs to another resource, or was in a state once."""
        return self._journal.is_known(self._number, self._urn, record_id)

    def can_have_made(self, record_id: str) -> bool:
        """Whether an interrupted create of the resource can have made the record."""
        return self._journal.can_have_made(self._number, self._urn, self._inputs_hash, record_id)

    def drop(self) -> None:
        """Forget it: there is nothing to be found."""
        self._journal.drop(self._number)
        self.progress = Progress()

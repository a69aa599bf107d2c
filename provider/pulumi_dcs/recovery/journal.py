"""Remembers on this machine which creates are under way, so that the next run finds what a killed one has made.

One SQLite database below ``$PULUMI_HOME/pulumi-dcs``: a row is there whole or not at all, and finding a record and
claiming it is one transaction, between processes too. A row says whose create it is, where it makes its record, and how
far it has come. It is a hint only: what decides is the engine's saved state (see ``operations.ownership``). A row is
done with when the saved state has been seen to hold the record.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Final

from ..operations.ownership import Progress
from .journal_database import Database, Entry
from .journal_format import Scope, Site, write_request
from .old_journal import OldJournal
from .run_lock import RunLocks

_KEEP_SAVED: Final = 90 * 24 * 3600.0
"""Seconds for which a row is kept whose record was saved: until then, the record is known to have been in a state."""


class Journal:
    """The create attempts on this machine, and which resource owns which record, as far as this process knows.

    Args:
        folder: where the database is; None to keep everything in this process only.
        environment: tells how version 0.1 named the state backend.
        warn: called once with a message if the journal can't be used.
    """

    def __init__(self, folder: Path | None, environment: Mapping[str, str], warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._warn = warn
        self._lock = threading.RLock()
        self._database = Database(folder, self._on_failure)
        self._old = OldJournal(folder, environment)
        self._runs = RunLocks(folder / "runs" if folder else None)
        self._owners: dict[str, str] = {}
        self._unsaved: set[str] | None = None

    @classmethod
    def in_home(cls, environment: Mapping[str, str], warn: Callable[[str], None]) -> Journal:
        """The journal in Pulumi's home."""
        home = _home(environment)
        return cls(home / "pulumi-dcs" if home else None, environment, warn)

    # What is kept of a create

    def begin(
        self, scope: Scope, urn: str, inputs_hash: str, site: Site, *, replaces: str = "", was_awaited: bool = False
    ) -> JournalAttempt:
        """The attempt of a create that begins; it continues one of the same resource, inputs and generation.

        Args:
            inputs_hash: of the inputs that call for a new record.
            replaces: the record that the state holds for the resource now: what tells the generation.
            was_awaited: whether the run that it continues has ended just now. This run's engine does not know what
                that one has saved, and so asks again for what is there already.
        """
        with self._database.transaction() as database:
            self._old.move_to(database, scope)
            self._hold_run_lock()
            own = self._runs.own
            rows = self._database.select(
                "scope = ? and urn = ? and inputs_hash = ? and (replaces = ? or run = ?) and instance_id = ? "
                "and saved_at is null order by number",
                (scope.key, urn, inputs_hash, replaces, OldJournal.RUN, site.instance_id),
            )
            usable = [entry for entry in rows if entry.run == own or not self._runs.is_alive(entry.run)]
            if usable:
                found = usable[-1]
                database.execute(
                    "update attempts set run = ?, is_reported = 0, replaces = ?, endpoint = ?, region = ?, "
                    "project_id = ?, changed_at = ? where number = ?",
                    (own, replaces, site.endpoint, site.region, site.project_id, time.time(), found.number),
                )
                is_retry = found.run == own or was_awaited
                return JournalAttempt(self, found.number, urn, found, is_retry=is_retry)
            cursor = database.execute(
                "insert into attempts (scope, urn, inputs_hash, replaces, endpoint, region, project_id, instance_id, "
                "run, changed_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (scope.key, urn, inputs_hash, replaces, *astuple(site), own, time.time()),
            )
            return JournalAttempt(self, int(cursor.lastrowid or 0), urn, None)

    def is_under_way_elsewhere(self, scope: Scope, urn: str) -> bool:
        """Whether another run that still lives makes something for the resource: a host may outlive its engine."""
        with self._database.transaction():
            rows = self._database.select(
                "scope = ? and urn = ? and run != ? and saved_at is null", (scope.key, urn, self._runs.own)
            )
            return any(self._runs.is_alive(entry.run) for entry in rows)

    def save(self, number: int, urn: str, progress: Progress) -> None:
        """Keep how far it has come. A record that a response has named is this one's, whoever has claimed it."""
        with self._database.transaction() as database:
            if progress.record_id:
                self._owners[progress.record_id] = urn
                database.execute(
                    "update attempts set record_id = '' where record_id = ? and number != ?",
                    (progress.record_id, number),
                )
            database.execute(
                "update attempts set record_id = ?, request = ?, is_unresolved = 0, saved_at = null, changed_at = ? "
                "where number = ?",
                (progress.record_id, write_request(progress.request), time.time(), number),
            )

    def claim(self, number: int, urn: str, record_ids: Sequence[str]) -> str | None:
        """Find and claim: the one among the records that no other resource owns; None for none or several."""
        with self._database.transaction() as database:
            free = [each for each in record_ids if not self._is_anothers(number, urn, each)]
            if len(free) != 1:
                return None
            self._owners[free[0]] = urn
            database.execute(
                "update attempts set record_id = ?, request = '', saved_at = null, changed_at = ? where number = ?",
                (free[0], time.time(), number),
            )
            return free[0]

    def is_known(self, number: int, urn: str, record_id: str) -> bool:
        """Whether the record belongs to another attempt, or to another resource of this process."""
        with self._database.transaction():
            return self._is_anothers(number, urn, record_id)

    def leave_unresolved(self, number: int) -> None:
        """Keep that an attempt ends in an error without knowing whether it has made something."""
        with self._database.transaction() as database:
            database.execute("update attempts set is_unresolved = 1 where number = ?", (number,))

    def drop(self, number: int) -> None:
        """Forget an attempt: there is nothing to be found."""
        with self._database.transaction() as database:
            database.execute("delete from attempts where number = ?", (number,))

    # What the saved state holds

    def note_in_state(self, urn: str, record_id: str) -> str | None:
        """Note that the saved state holds the record for a resource; the URN of another one that claims it as well."""
        with self._lock:
            owner = self._owners.setdefault(record_id, urn)
            if record_id in self._unsaved_records:
                self._mark_saved([record_id])
        return None if owner == urn else owner

    def note_all_in_state(self, record_ids: Sequence[str]) -> None:
        """Note that the saved state holds these records."""
        with self._lock:
            if found := [each for each in record_ids if each in self._unsaved_records]:
                self._mark_saved(found)

    def owner(self, record_id: str) -> str | None:
        """The resource of this run that owns the record; None where none is known."""
        with self._lock:
            return self._owners.get(record_id)

    def adopt(self, scope: Scope, urn: str, record_id: str) -> str | None:
        """Give the record to a resource; the URN of another one of this run that owns it, which keeps it."""
        with self._database.transaction() as database:
            owner = self._owners.setdefault(record_id, urn)
            if owner == urn:
                # Not forgotten: whoever made it must not take it for what it still looks for.
                database.execute(
                    "update attempts set saved_at = ? where record_id = ? and (scope != ? or urn != ?)",
                    (time.time(), record_id, scope.key, urn),
                )
                self._unsaved = None
        return None if owner == urn else owner

    def forget(self, record_id: str) -> None:
        """Forget a record that was deleted."""
        with self._lock:
            self._owners.pop(record_id, None)

    # What other runs have left

    def left(self, scope: Scope) -> list[Entry]:
        """What dead runs have left of a stack and no saved state has been seen to hold."""
        if not (self._database.is_open or self._database.exists or self._old.has(scope)):
            return []
        with self._database.transaction() as database:
            self._old.move_to(database, scope)
            rows = self._database.select("scope = ? and saved_at is null order by number", (scope.key,))
        return [entry for entry in rows if not self._runs.is_alive(entry.run)]

    def is_left(self, number: int) -> bool:
        """Whether an entry of a dead run is still that: no create of this run continues it."""
        with self._database.transaction():
            rows = self._database.select("number = ? and saved_at is null", (number,))
        return bool(rows) and rows[0].run != self._runs.own

    def close(self) -> None:
        """The engine ends the process in good order: what was reported to it is most likely saved."""
        if not self._database.is_open:
            return
        with contextlib.suppress(sqlite3.Error), self._database.transaction() as database:
            database.execute("update attempts set is_reported = 1 where run = ? and record_id != ''", (self._runs.own,))
            database.execute("delete from attempts where saved_at < ?", (time.time() - _KEEP_SAVED,))

    # How it is kept

    @property
    def _unsaved_records(self) -> set[str]:
        """The records of all rows that no saved state has been seen to hold; read once, kept up to date."""
        if self._unsaved is None:
            self._unsaved = set()
            if self._database.is_open or self._database.exists:
                rows = self._database.select("record_id != '' and saved_at is null", ())
                self._unsaved = {entry.progress.record_id for entry in rows}
        return self._unsaved

    def _mark_saved(self, record_ids: Sequence[str]) -> None:
        with self._database.transaction() as database:
            database.executemany(
                "update attempts set saved_at = ? where record_id = ? and saved_at is null",
                [(time.time(), each) for each in record_ids],
            )
        self._unsaved_records.difference_update(record_ids)

    def _is_anothers(self, number: int, urn: str, record_id: str) -> bool:
        if self._owners.get(record_id, urn) != urn:
            return True
        return bool(self._database.select("record_id = ? and number != ?", (record_id, number)))

    def _hold_run_lock(self) -> None:
        try:
            self._runs.hold()
        except OSError as error:
            self._warn(f"This run can't hold its lock ({error.strerror or error}): {self._folder}")

    def _on_failure(self, error: Exception) -> None:
        self._runs = RunLocks(None)
        self._unsaved = None
        self._warn(
            f"The journal of backups under way can't be written ({error}): {self._folder}\n"
            "  If this run is killed, the next one can't take over what it has made."
        )


class JournalAttempt:
    """One create's row (see ``operations.ownership.Attempt``)."""

    def __init__(self, journal: Journal, number: int, urn: str, found: Entry | None, *, is_retry: bool = False) -> None:
        self._journal = journal
        self._number = number
        self._urn = urn
        self.progress = found.progress if found else Progress()
        self.is_retry = is_retry
        self.is_unresolved = found.is_unresolved if found else False
        self.continues_an_interrupted = found is not None and not is_retry and not self.is_unresolved

    def save(self, progress: Progress) -> None:
        """Keep how far it has come."""
        if progress != self.progress:
            self._journal.save(self._number, self._urn, progress)
            self.progress = progress

    def leave_unresolved(self) -> None:
        """Keep that it ends in an error without knowing whether it has made something."""
        self._journal.leave_unresolved(self._number)

    def claim(self, record_ids: Sequence[str]) -> str | None:
        """Find and claim in one step."""
        found = self._journal.claim(self._number, self._urn, record_ids)
        if found is not None:
            self.progress = Progress(found)
        return found

    def is_known(self, record_id: str) -> bool:
        """Whether the record belongs to another resource, or was in a state once."""
        return self._journal.is_known(self._number, self._urn, record_id)

    def drop(self) -> None:
        """Forget it: there is nothing to be found."""
        self._journal.drop(self._number)
        self.progress = Progress()


def _home(environment: Mapping[str, str]) -> Path | None:
    if home := environment.get("PULUMI_HOME"):
        return Path(home)
    try:
        return Path.home() / ".pulumi"
    except RuntimeError:
        return None

"""Remembers on this machine which creates are under way, so that the next run finds what a killed one has made.

One SQLite database below ``$PULUMI_HOME/pulumi-dcs``: a row is there whole or not at all, and finding a record and
claiming it is one transaction, between processes too. A row says whose create it is, where it makes its record, and how
far it has come. It is a hint only: what decides is the engine's saved state (see ``operations.ownership``). A row is
done with when the saved state has been seen to hold the record.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

from ..operations.ownership import Progress, SentRequest
from .journal_attempt import JournalAttempt
from .journal_database import Database, Entry
from .journal_format import Scope, Site, write_request
from .old_journal import OldJournal
from .run_lock import RunLocks

_KEEP_SAVED: Final = 90 * 24 * 3600.0
"""Seconds for which a row is kept whose record was saved: until then, the record is known to have been in a state."""

P = ParamSpec("P")
T = TypeVar("T")


def _surviving(method: Callable[Concatenate[Journal, P], T]) -> Callable[Concatenate[Journal, P], T]:
    """Go on in memory where the file fails: a backup that was made must not be lost for it."""

    @functools.wraps(method)
    def wrapper(self: Journal, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(self, *args, **kwargs)
        except sqlite3.Error as error:
            self._database.give_up(error)
            return method(self, *args, **kwargs)

    return wrapper


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

    @property
    def folder(self) -> Path | None:
        """Where this package keeps what outlives a process; None where there is no such place."""
        return self._folder

    # What is kept of a create

    @_surviving
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
                    "project_id = ?, is_known_to_engine = 0, changed_at = ? where number = ?",
                    (own, replaces, site.endpoint, site.region, site.project_id, time.time(), found.number),
                )
                is_retry = found.run == own or was_awaited
                return JournalAttempt(self, found.number, urn, inputs_hash, found, is_retry=is_retry)
            cursor = database.execute(
                "insert into attempts (scope, urn, inputs_hash, replaces, endpoint, region, project_id, instance_id, "
                "run, is_known_to_engine, changed_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
                (scope.key, urn, inputs_hash, replaces, *astuple(site), own, time.time()),
            )
            return JournalAttempt(self, int(cursor.lastrowid or 0), urn, inputs_hash, None)

    @_surviving
    def is_under_way_elsewhere(self, scope: Scope, urn: str) -> bool:
        """Whether another run that still lives makes something for the resource: a host may outlive its engine."""
        with self._database.transaction():
            rows = self._database.select(
                "scope = ? and urn = ? and run != ? and saved_at is null", (scope.key, urn, self._runs.own)
            )
            return any(self._runs.is_alive(entry.run) for entry in rows)

    @_surviving
    def save(self, number: int, urn: str, progress: Progress, interrupted: int = 0) -> None:
        """Keep how far it has come. A record that a response has named is this one's, whoever has claimed it."""
        with self._database.transaction() as database:
            if progress.record_id:
                self._owners[progress.record_id] = urn
                database.execute(
                    "update attempts set record_id = '' where record_id = ? and number != ?",
                    (progress.record_id, number),
                )
            database.execute(
                "update attempts set record_id = ?, request = ?, is_unresolved = 0, saved_at = null, interrupted = ?, "
                "changed_at = ? where number = ?",
                (
                    progress.record_id,
                    write_request(progress.request),
                    interrupted if progress.record_id else 0,
                    time.time(),
                    number,
                ),
            )

    @_surviving
    def claim(
        self, number: int, urn: str, record_ids: Sequence[str], progress: Progress, interrupted: int = 0
    ) -> str | None:
        """Find and claim: the one among the records that no other resource owns; None for none or several.

        Args:
            progress: what leads to them: the id, or a request. As long as the same request of another attempt waits for
                its response, nobody knows which of the two has made a record.
        """
        with self._database.transaction() as database:
            free = [each for each in record_ids if not self._is_anothers(number, urn, each)]
            if len(free) != 1 or (progress.request is not None and self._is_contested(number, progress.request)):
                return None
            self._owners[free[0]] = urn
            database.execute(
                "update attempts set record_id = ?, request = '', saved_at = null, interrupted = ?, changed_at = ? "
                "where number = ?",
                (free[0], interrupted, time.time(), number),
            )
            return free[0]

    @_surviving
    def is_known(self, number: int, urn: str, record_id: str) -> bool:
        """Whether the record belongs to another attempt, or to another resource of this process."""
        with self._database.transaction():
            return self._is_anothers(number, urn, record_id)

    @_surviving
    def can_have_made(self, number: int, urn: str, inputs_hash: str, record_id: str) -> bool:
        """Whether an interrupted create of the resource can have made the record, as far as is known.

        A row of a dead run, whose record no state has been seen to hold, may be this resource's by another name: of the
        stack, or of its backend. Or it was to replace what has gone since.
        """
        with self._database.transaction():
            if self._owners.get(record_id, urn) != urn:
                return False
            rows = self._database.select("record_id = ? and number != ?", (record_id, number))
        return all(
            not each.is_saved
            and each.urn.split("::")[2:] == urn.split("::")[2:]
            and each.inputs_hash in (inputs_hash, "")
            and not self._runs.is_alive(each.run)
            for each in rows
        )

    @_surviving
    def leave_unresolved(self, number: int) -> None:
        """Keep that an attempt ends in an error without knowing whether it has made something."""
        with self._database.transaction() as database:
            database.execute("update attempts set is_unresolved = 1 where number = ?", (number,))

    @_surviving
    def note_known_to_engine(self, number: int, run: str = "") -> None:
        """Keep that the engine knows of an attempt: from now on, what its saved state has not was given up.

        Args:
            run: only as long as it is this run's; empty for our own.
        """
        with self._database.transaction() as database:
            database.execute(
                "update attempts set is_known_to_engine = 1 where number = ? and run = ?",
                (number, run or self._runs.own),
            )

    @_surviving
    def drop(self, number: int) -> None:
        """Forget an attempt: there is nothing to be found."""
        with self._database.transaction() as database:
            database.execute("delete from attempts where number = ?", (number,))

    @_surviving
    def drop_left(self, number: int) -> None:
        """Forget what a dead run has left, unless a create of this run continues it already."""
        with self._database.transaction() as database:
            database.execute("delete from attempts where number = ? and run != ?", (number, self._runs.own))

    @_surviving
    def note_nothing_made(self, number: int) -> None:
        """Keep that what a dead run has left has made nothing, unless a create of this run continues it."""
        with self._database.transaction() as database:
            database.execute(
                "update attempts set record_id = '', request = '' where number = ? and run != ?",
                (number, self._runs.own),
            )

    # What the saved state holds

    @_surviving
    def note_in_state(self, urn: str, record_id: str) -> str | None:
        """Note that the saved state holds the record for a resource; the URN of another one that claims it as well."""
        with self._lock:
            owner = self._owners.setdefault(record_id, urn)
            if record_id in self._unsaved_records:
                self._mark_saved([record_id])
        return None if owner == urn else owner

    @_surviving
    def note_all_in_state(self, record_ids: Sequence[str]) -> None:
        """Note that the saved state holds these records."""
        with self._lock:
            if found := [each for each in record_ids if each in self._unsaved_records]:
                self._mark_saved(found)

    def owner(self, record_id: str) -> str | None:
        """The resource of this run that owns the record; None where none is known."""
        with self._lock:
            return self._owners.get(record_id)

    @_surviving
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
                if not self._database.select("record_id = ?", (record_id,)):
                    # For a maker that knows only its request, not the record: it must not take that for its own.
                    database.execute(
                        "insert into attempts (scope, urn, inputs_hash, endpoint, region, project_id, instance_id, "
                        "record_id, run, saved_at, changed_at) values (?, ?, '', '', '', '', '', ?, ?, ?, ?)",
                        (scope.key, urn, record_id, self._runs.own, time.time(), time.time()),
                    )
                self._unsaved = None
        return None if owner == urn else owner

    def forget(self, record_id: str) -> None:
        """Forget a record that was deleted."""
        with self._lock:
            self._owners.pop(record_id, None)

    # What other runs have left

    @_surviving
    def left(self, scope: Scope) -> list[Entry]:
        """What dead runs have left of a stack and no saved state has been seen to hold."""
        if not (self._database.is_open or self._database.exists or self._old.has(scope)):
            return []
        with self._database.transaction() as database:
            self._old.move_to(database, scope)
            rows = self._database.select("scope = ? and saved_at is null order by number", (scope.key,))
        return [entry for entry in rows if not self._runs.is_alive(entry.run)]

    @_surviving
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

    def _is_contested(self, number: int, request: SentRequest) -> bool:
        """Whether a living run waits for the response to a request for the same, at the same instance."""
        rows = self._database.select(
            "number != ? and record_id = '' and request != '' and is_unresolved = 0 and instance_id in "
            "(select instance_id from attempts where number = ?)",
            (number, number),
        )
        return any(
            each.progress.request is not None
            and not each.progress.request.is_lost
            and each.progress.request.wanted == request.wanted
            and self._runs.is_alive(each.run)
            for each in rows
        )

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


def _home(environment: Mapping[str, str]) -> Path | None:
    if home := environment.get("PULUMI_HOME"):
        return Path(home)
    try:
        return Path.home() / ".pulumi"
    except RuntimeError:
        return None

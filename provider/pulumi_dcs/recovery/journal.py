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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..operations.ownership import Progress
from .journal_format import Scope, Site, old_backend, old_entries, read_progress, write_request
from .run_lock import RunLocks

_KEEP_SAVED: Final = 90 * 24 * 3600.0
"""Seconds for which a row is kept whose record was saved: until then, the record is known to have been in a state."""
_BUSY_TIMEOUT: Final = 30.0
"""Seconds that one process waits for another one's transaction; each takes milliseconds."""
_VERSION_0_1: Final = "0.1"
"""The run that rows belong to which version 0.1 has left; it is dead."""

_SCHEMA: Final = """
create table if not exists attempts (
    number integer primary key, scope text not null, urn text not null,
    inputs_hash text not null, replaces text not null default '',
    endpoint text not null, region text not null, project_id text not null, instance_id text not null,
    record_id text not null default '', request text not null default '',
    run text not null, is_reported integer not null default 0, is_unresolved integer not null default 0,
    saved_at real, changed_at real not null
);
create index if not exists attempts_of_resource on attempts (scope, urn);
create unique index if not exists one_owner on attempts (endpoint, record_id) where record_id != '';
"""
_COLUMNS: Final = (
    "number, urn, inputs_hash, endpoint, region, project_id, instance_id, record_id, request, run, is_reported, "
    "is_unresolved"
)


@dataclass(frozen=True)
class Entry:
    """A create attempt that some run has left, or is making.

    Attributes:
        number: names it in the journal.
        urn: the resource.
        inputs_hash: of the inputs; empty where it is not known.
        site: where the record is made.
        progress: how far it has come.
        run: the process that makes it.
        is_reported: whether that process ended in good order after it had reported the record to the engine.
        is_unresolved: whether that create ended in an error without knowing whether it had made something.
    """

    number: int
    urn: str
    inputs_hash: str
    site: Site
    progress: Progress
    run: str
    is_reported: bool
    is_unresolved: bool


class Journal:
    """The create attempts on this machine, and which resource owns which record, as far as this process knows.

    Args:
        folder: where the database is; None to keep everything in this process only.
        environment: tells how version 0.1 named the state backend.
        warn: called once with a message if the journal can't be used.
    """

    def __init__(self, folder: Path | None, environment: Mapping[str, str], warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._environment = environment
        self._warn = warn
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None
        self._runs: RunLocks | None = None
        self._owners: dict[str, str] = {}
        self._unsaved: dict[str, set[int]] | None = None
        self._imported: set[str] = set()

    @classmethod
    def in_home(cls, environment: Mapping[str, str], warn: Callable[[str], None]) -> Journal:
        """The journal in Pulumi's home."""
        home = _home(environment)
        return cls(home / "pulumi-dcs" if home else None, environment, warn)

    # What is kept of a create

    def begin(self, scope: Scope, urn: str, inputs_hash: str, site: Site, *, replaces: str = "") -> JournalAttempt:
        """The attempt of a create that begins; it continues one of the same resource, inputs and generation.

        Args:
            inputs_hash: of the inputs that call for a new record.
            replaces: the record that the state holds for the resource now: what tells the generation.
        """
        with self._transaction() as database:
            self._import_old(database, scope)
            self._hold_run_lock()
            own = self._run_locks.own
            rows = self._select(
                "scope = ? and urn = ? and inputs_hash = ? and (replaces = ? or run = ?) and instance_id = ? "
                "and saved_at is null order by number",
                (scope.key, urn, inputs_hash, replaces, _VERSION_0_1, site.instance_id),
            )
            usable = [entry for entry in rows if entry.run == own or not self._run_locks.is_alive(entry.run)]
            if usable:
                found = usable[-1]
                database.execute(
                    "update attempts set run = ?, is_reported = 0, replaces = ?, endpoint = ?, region = ?, "
                    "project_id = ?, changed_at = ? where number = ?",
                    (own, replaces, site.endpoint, site.region, site.project_id, time.time(), found.number),
                )
                is_retry = found.run == own
                return JournalAttempt(self, found.number, urn, found, is_retry=is_retry)
            cursor = database.execute(
                "insert into attempts (scope, urn, inputs_hash, replaces, endpoint, region, project_id, instance_id, "
                "run, changed_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    scope.key,
                    urn,
                    inputs_hash,
                    replaces,
                    site.endpoint,
                    site.region,
                    site.project_id,
                    site.instance_id,
                    own,
                    time.time(),
                ),
            )
            return JournalAttempt(self, int(cursor.lastrowid or 0), urn, None)

    def save(self, number: int, progress: Progress) -> None:
        """Keep how far it has come. A record that a response has named is this one's, whoever has claimed it."""
        with self._transaction() as database:
            if progress.record_id:
                database.execute(
                    "update attempts set record_id = '' where record_id = ? and number != ?",
                    (progress.record_id, number),
                )
            database.execute(
                "update attempts set record_id = ?, request = ?, is_unresolved = 0, changed_at = ? where number = ?",
                (progress.record_id, write_request(progress.request), time.time(), number),
            )

    def claim(self, number: int, urn: str, record_ids: Sequence[str]) -> str | None:
        """Find and claim: the one among the records that no other resource owns; None for none or several."""
        with self._transaction() as database:
            free = [each for each in record_ids if not self._is_anothers(number, urn, each)]
            if len(free) != 1:
                return None
            self._owners[free[0]] = urn
            database.execute(
                "update attempts set record_id = ?, request = '', changed_at = ? where number = ?",
                (free[0], time.time(), number),
            )
            return free[0]

    def is_known(self, number: int, urn: str, record_id: str) -> bool:
        """Whether the record belongs to another attempt, or to another resource of this process."""
        with self._transaction():
            return self._is_anothers(number, urn, record_id)

    def leave_unresolved(self, number: int) -> None:
        """Keep that an attempt ends in an error without knowing whether it has made something."""
        with self._transaction() as database:
            database.execute("update attempts set is_unresolved = 1 where number = ?", (number,))

    def drop(self, number: int) -> None:
        """Forget an attempt: there is nothing to be found."""
        with self._transaction() as database:
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

    def adopt(self, urn: str, record_id: str) -> str | None:
        """Give the record to a resource; the URN of another one of this run that owns it, which keeps it."""
        with self._transaction() as database:
            owner = self._owners.setdefault(record_id, urn)
            if owner == urn:
                database.execute("delete from attempts where record_id = ? and urn != ?", (record_id, urn))
                self._unsaved = None
        return None if owner == urn else owner

    def forget(self, record_id: str) -> None:
        """Forget a record that was deleted."""
        with self._lock:
            self._owners.pop(record_id, None)

    # What other runs have left

    def left(self, scope: Scope) -> list[Entry]:
        """What dead runs have left of a stack and no saved state has been seen to hold."""
        with self._lock:
            if self._database is None and not self._is_there(scope):
                return []
        with self._transaction() as database:
            self._import_old(database, scope)
            rows = self._select("scope = ? and saved_at is null order by number", (scope.key,))
        return [entry for entry in rows if not self._run_locks.is_alive(entry.run)]

    def is_left(self, number: int) -> bool:
        """Whether an entry of a dead run is still that: no create of this run continues it."""
        with self._transaction():
            rows = self._select("number = ? and saved_at is null", (number,))
        return bool(rows) and rows[0].run != self._run_locks.own

    def close(self) -> None:
        """The engine ends the process in good order: what was reported to it is most likely saved."""
        with self._lock:
            if self._database is None:
                return
            with contextlib.suppress(sqlite3.Error):
                self._database.execute(
                    "update attempts set is_reported = 1 where run = ? and record_id != ''", (self._run_locks.own,)
                )
                self._database.execute("delete from attempts where saved_at < ?", (time.time() - _KEEP_SAVED,))

    # How it is kept

    @property
    def _run_locks(self) -> RunLocks:
        if self._runs is None:
            self._runs = RunLocks(self._folder / "runs" if self._folder else None)
        return self._runs

    @property
    def _unsaved_records(self) -> dict[str, set[int]]:
        """The records of all rows that no saved state has been seen to hold; read once, kept up to date."""
        if self._unsaved is None:
            self._unsaved = {}
            if self._database is not None or (self._folder and (self._folder / "journal.sqlite").exists()):
                with self._transaction():
                    for entry in self._select("record_id != '' and saved_at is null", ()):
                        self._unsaved.setdefault(entry.progress.record_id, set()).add(entry.number)
        return self._unsaved

    def _mark_saved(self, record_ids: Sequence[str]) -> None:
        with self._transaction() as database:
            database.executemany(
                "update attempts set saved_at = ? where record_id = ? and saved_at is null",
                [(time.time(), each) for each in record_ids],
            )
        for each in record_ids:
            self._unsaved_records.pop(each, None)

    def _is_anothers(self, number: int, urn: str, record_id: str) -> bool:
        if self._owners.get(record_id, urn) != urn:
            return True
        return bool(self._select("record_id = ? and number != ?", (record_id, number)))

    def _select(self, condition: str, values: Sequence[object]) -> list[Entry]:
        assert self._database is not None
        rows = self._database.execute(f"select {_COLUMNS} from attempts where {condition}", values)
        return [
            Entry(
                number,
                urn,
                inputs_hash,
                Site(endpoint, region, project_id, instance_id),
                read_progress(record_id, request),
                run,
                bool(is_reported),
                bool(is_unresolved),
            )
            for (
                number,
                urn,
                inputs_hash,
                endpoint,
                region,
                project_id,
                instance_id,
                record_id,
                request,
                run,
                is_reported,
                is_unresolved,
            ) in rows
        ]

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction. Where the database fails, everything is kept in this process only from then on."""
        with self._lock:
            database = self._database or self._open()
            if database.in_transaction:
                yield database
                return
            try:
                database.execute("begin immediate")
            except sqlite3.Error as error:
                database = self._open_in_memory(error)
                database.execute("begin immediate")
            try:
                yield database
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    database.execute("rollback")
                raise
            database.execute("commit")

    def _open(self) -> sqlite3.Connection:
        if self._folder is None:
            return self._open_in_memory(None)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._database = _connect(str(self._folder / "journal.sqlite"))
        except (OSError, sqlite3.Error) as error:
            return self._open_in_memory(error)
        return self._database

    def _open_in_memory(self, error: Exception | None) -> sqlite3.Connection:
        if error is not None:
            self._warn(
                f"The journal of backups under way can't be written ({error}): {self._folder}\n"
                "  If this run is killed, the next one can't take over what it has made."
            )
        self._folder = self._runs = None
        self._unsaved = None
        self._database = _connect(":memory:")
        return self._database

    def _hold_run_lock(self) -> None:
        try:
            self._run_locks.hold()
        except OSError as error:
            self._warn(f"This run can't hold its lock ({error.strerror or error}): {self._folder}")

    def _is_there(self, scope: Scope) -> bool:
        """Whether there is a database, or entries of version 0.1."""
        folder = self._folder
        if folder is None:
            return False
        return (folder / "journal.sqlite").exists() or any(self._old_entries(scope))

    def _old_entries(self, scope: Scope) -> Iterator[object]:
        assert self._folder is not None
        return old_entries(self._folder / "creates", old_backend(self._environment, self._folder.parent), scope.stack)

    def _import_old(self, database: sqlite3.Connection, scope: Scope) -> None:
        """Take over what version 0.1 has left of a stack, once."""
        if self._folder is None or scope.key in self._imported:
            return
        self._imported.add(scope.key)
        backend = old_backend(self._environment, self._folder.parent)
        for entry in old_entries(self._folder / "creates", backend, scope.stack):
            for site, inputs_hash, progress in entry.attempts:
                if progress == Progress():
                    continue
                database.execute(
                    "insert or ignore into attempts (scope, urn, inputs_hash, endpoint, region, project_id, "
                    "instance_id, record_id, request, run, changed_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        scope.key,
                        entry.urn,
                        inputs_hash,
                        site.endpoint,
                        site.region,
                        site.project_id,
                        site.instance_id,
                        progress.record_id,
                        write_request(progress.request),
                        _VERSION_0_1,
                        time.time(),
                    ),
                )
            with contextlib.suppress(OSError):
                entry.path.unlink()


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
            self._journal.save(self._number, progress)
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


def _connect(path: str) -> sqlite3.Connection:
    # Threads share it, one at a time under the journal's lock; transactions are begun by hand.
    database = sqlite3.connect(path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    # A killed process loses nothing this way; only a crash of the whole machine can lose the last rows, which then
    # also lost the engine's own state.
    database.executescript(f"pragma journal_mode = wal; pragma synchronous = normal; {_SCHEMA}")
    return database


def _home(environment: Mapping[str, str]) -> Path | None:
    if home := environment.get("PULUMI_HOME"):
        return Path(home)
    try:
        return Path.home() / ".pulumi"
    except RuntimeError:
        return None

"""The journal's database: one SQLite file, in which a row is there whole or not at all."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..operations.ownership import Progress
from .journal_format import Site, read_progress

FILE_NAME: Final = "journal.sqlite"
_BUSY_TIMEOUT: Final = 30.0
"""Seconds that one process waits for another one's transaction; each takes milliseconds."""

_FIRST_IN_MEMORY: Final = 2**40

_SCHEMA: Final = """
create table if not exists attempts (
    number integer primary key autoincrement, scope text not null, urn text not null,
    inputs_hash text not null, replaces text not null default '',
    endpoint text not null, region text not null, project_id text not null, instance_id text not null,
    record_id text not null default '', request text not null default '',
    run text not null, is_reported integer not null default 0, is_unresolved integer not null default 0,
    interrupted integer not null default 0, is_known_to_engine integer not null default 1,
    saved_at real, changed_at real not null
);
create index if not exists attempts_of_resource on attempts (scope, urn);
create index if not exists attempts_of_record on attempts (record_id);
create index if not exists unsaved_attempts on attempts (record_id) where saved_at is null;
create unique index if not exists one_owner on attempts (endpoint, record_id) where record_id != '';
"""
_COLUMNS: Final = (
    "number, urn, inputs_hash, endpoint, region, project_id, instance_id, record_id, request, run, is_reported, "
    "is_unresolved, interrupted, is_known_to_engine, saved_at is not null"
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
        interrupted: how many interrupted creates the saved state had when the record was found.
        is_known_to_engine: whether the create has returned to its engine, or was seen pending in a saved state since.
            Else the engine may have outlived the process and saved a state that knows nothing of the create.
        is_saved: whether a saved state has been seen to hold the record.
    """

    number: int
    urn: str
    inputs_hash: str
    site: Site
    progress: Progress
    run: str
    is_reported: bool
    is_unresolved: bool
    interrupted: int
    is_known_to_engine: bool
    is_saved: bool


class Database:
    """The rows, for any number of threads and processes.

    Args:
        folder: where the file is; None to keep everything in this process only.
        on_failure: called once if the file can't be used, with the reason; from then on as if there were no folder.
    """

    def __init__(self, folder: Path | None, on_failure: Callable[[Exception], None]) -> None:
        self._folder = folder
        self._on_failure = on_failure
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has been used in this process."""
        return self._connection is not None

    @property
    def exists(self) -> bool:
        """Whether there is a file."""
        return self._folder is not None and (self._folder / FILE_NAME).exists()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, also between processes. One inside another is part of it."""
        with self._lock:
            connection = self._connection or self._open()
            if connection.in_transaction:
                yield connection
                return
            try:
                connection.execute("begin immediate")
            except sqlite3.Error as error:
                connection = self._open_in_memory(error)
                connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("rollback")
                raise
            connection.execute("commit")

    def give_up(self, error: Exception) -> None:
        """Go on without the file, which can no longer be read or written: the disk is full, or a page is broken."""
        with self._lock:
            if self._folder is not None:
                self._open_in_memory(error)

    def select(self, condition: str, values: Sequence[object]) -> list[Entry]:
        """The rows for which an SQL condition holds; inside a transaction."""
        with self.transaction() as connection:
            rows = connection.execute(f"select {_COLUMNS} from attempts where {condition}", values).fetchall()
        return [_entry(*row) for row in rows]

    def _open(self) -> sqlite3.Connection:
        if self._folder is None:
            return self._open_in_memory(None)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._connection = _connect(str(self._folder / FILE_NAME))
        except (OSError, sqlite3.Error) as error:
            return self._open_in_memory(error)
        return self._connection

    def _open_in_memory(self, error: Exception | None) -> sqlite3.Connection:
        self._folder = None
        self._connection = _connect(":memory:")
        if error is not None:
            # Attempts that started in the file go on; their numbers must not be given again.
            self._connection.execute("insert into sqlite_sequence values ('attempts', ?)", (_FIRST_IN_MEMORY,))
            self._on_failure(error)
        return self._connection


def _entry(  # noqa: PLR0917 - one for each column
    number: int,
    urn: str,
    inputs_hash: str,
    endpoint: str,
    region: str,
    project_id: str,
    instance_id: str,
    record_id: str,
    request: str,
    run: str,
    is_reported: int,
    is_unresolved: int,
    interrupted: int,
    is_known_to_engine: int,
    is_saved: int,
) -> Entry:
    site = Site(endpoint, region, project_id, instance_id)
    progress = read_progress(record_id, request)
    return Entry(
        number,
        urn,
        inputs_hash,
        site,
        progress,
        run,
        bool(is_reported),
        bool(is_unresolved),
        interrupted,
        bool(is_known_to_engine),
        bool(is_saved),
    )


def _connect(path: str) -> sqlite3.Connection:
    # Threads share it, one at a time under the journal's lock; transactions are started by hand.
    database = sqlite3.connect(path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    # A killed process loses nothing this way; only a crash of the whole machine can lose the last rows, which then
    # also lost the engine's own state.
    database.executescript(f"pragma journal_mode = wal; pragma synchronous = normal; {_SCHEMA}")
    return database

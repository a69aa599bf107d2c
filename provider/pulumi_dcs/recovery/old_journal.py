"""The journal of version 0.1, one file for each create: moved into the database when its stack is first asked for."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ..operations.ownership import Progress
from .journal_format import OldEntry, Scope, old_backend, old_entries, write_request


class OldJournal:
    """What version 0.1 has left.

    Args:
        folder: of the journal; None where there is none.
        environment: tells how version 0.1 named the state backend.
    """

    RUN: Final = "0.1"
    """The run that its rows belong to; it is dead."""

    def __init__(self, folder: Path | None, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._moved: set[str] = set()

    def has(self, scope: Scope) -> bool:
        """Whether it has entries of that stack."""
        return any(self._entries(scope))

    def move_to(self, database: sqlite3.Connection, scope: Scope) -> None:
        """Move the entries of a stack into the database, once."""
        if scope.key in self._moved:
            return
        self._moved.add(scope.key)
        for entry in self._entries(scope):
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
                        self.RUN,
                        time.time(),
                    ),
                )
            with contextlib.suppress(OSError):
                entry.path.unlink()

    def _entries(self, scope: Scope) -> Iterator[OldEntry]:
        if self._folder is None:
            return iter(())
        backend = old_backend(self._environment, self._folder.parent)
        return old_entries(self._folder / "creates", backend, scope.stack)

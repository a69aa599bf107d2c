"""Remembers what the preview of a ``pulumi up`` has listed, so that its second part deletes nothing else.

``pulumi up`` runs the program twice, each time with a provider process of its own; what they have in common is the
engine's process. So the notes are a small file in Pulumi's home, named after that process and its start.
Where the engine's process can't be found out (Windows), or the folder can't be written, there are no notes; then the
rule, and ``max_deletions``, are what bounds an ``up``. With a saved plan the engine itself compares.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..engine.workspace import engine_run

_MAX_AGE: Final = 7 * 24 * 3600.0
"""Seconds after which a file is removed: no ``pulumi up`` waits longer for its user to say yes."""


class PreviewNotes:
    """The notes of this run of the engine.

    Args:
        folder: where this package keeps what outlives a process; None for no notes.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._has_started = False
        self._found: dict[str, PreviewNote] | None = None

    @functools.cached_property
    def _path(self) -> Path | None:
        run = engine_run() if self._folder is not None else ""
        return self._folder / "previews" / f"{_name(run)}.jsonl" if self._folder is not None and run else None

    def begin(self) -> None:
        """Note that this run has a preview: what has no note of its own in it, it has not listed.

        For whatever resource is checked first: the preview of a retention that is declared in an ``apply`` may never
        come to it.
        """
        with self._lock:
            self._append("")

    def write(self, urn: str, backup_ids: Collection[str] | None) -> None:
        """Note what the preview has listed for a retention; None where it could not find out."""
        ids = None if backup_ids is None else sorted(backup_ids)
        with self._lock:
            self._append(json.dumps({"urn": urn, "ids": ids}) + "\n")

    def read(self, urn: str) -> PreviewNote | None:
        """What the preview of this run has listed for a retention; None if there was none, or it left no notes."""
        with self._lock:
            if self._found is None:
                self._found = self._read()
        return self._found.get(urn, PreviewNote()) if self._found else None

    def _append(self, line: str) -> None:
        if self._path is None:
            return
        with contextlib.suppress(OSError):
            if not self._has_started:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._remove_old(self._path.parent)
                self._path.write_text(json.dumps({"urn": "", "ids": []}) + "\n", "utf-8")
                self._has_started = True
            if line:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(line)

    def _read(self) -> dict[str, PreviewNote]:
        try:
            lines = self._path.read_text("utf-8").splitlines() if self._path is not None else []
            rows = [json.loads(line) for line in lines]
            return {
                row["urn"]: PreviewNote(frozenset(row["ids"] or ()), is_listed=row["ids"] is not None) for row in rows
            }
        except (OSError, ValueError, LookupError, TypeError):
            return {}

    @staticmethod
    def _remove_old(folder: Path) -> None:
        limit = time.time() - _MAX_AGE
        for each in folder.glob("*.jsonl"):
            if each.stat().st_mtime < limit:
                each.unlink(missing_ok=True)


@dataclass(frozen=True)
class PreviewNote:
    """What one preview has listed for a retention.

    Attributes:
        is_listed: whether it could find out what goes.
    """

    backup_ids: frozenset[str] = frozenset()
    is_listed: bool = True


def _name(run: str) -> str:
    return hashlib.sha256(run.encode()).hexdigest()[:32]

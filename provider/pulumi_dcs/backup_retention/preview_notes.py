"""Remembers what the preview of a ``pulumi up`` has listed, so that its second part deletes nothing else.

``pulumi up`` runs the program twice, each time with a provider process of its own; what they have in common is the
engine's process. So the note is a small file in Pulumi's home, named after that process, its start and the resource.
Where the engine's process can't be found out (Windows), or the folder can't be written, there is no note; then the
rule, and ``max_deletions``, are what bounds an ``up``. With a saved plan the engine itself compares.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

from ..engine.workspace import engine_run
from ..session import Session

_MAX_AGE: Final = 7 * 24 * 3600.0
"""Seconds after which a note is removed: no ``pulumi up`` waits longer for its user to say yes."""


class PreviewNotes:
    """The notes of this run of the engine; to be shared by ``session.shared``."""

    def __init__(self, session: Session) -> None:
        folder = session.journal.folder
        self._folder = folder / "previews" if folder is not None else None
        self._run = engine_run()

    def write(self, urn: str, backup_ids: Collection[str] | None) -> None:
        """Note what the preview has listed; None where it could not find out."""
        path = self._path(urn)
        if path is None:
            return
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._remove_old(path.parent)
            path.write_text(json.dumps({"ids": None if backup_ids is None else sorted(backup_ids)}), "utf-8")

    def read(self, urn: str) -> PreviewNote | None:
        """What the preview of this run has noted; None if there was none, or it left no note."""
        path = self._path(urn)
        if path is None:
            return None
        try:
            ids = json.loads(path.read_text("utf-8"))["ids"]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return PreviewNote(None if ids is None else frozenset(map(str, ids)))

    def _path(self, urn: str) -> Path | None:
        if self._folder is None or not self._run:
            return None
        name = hashlib.sha256(f"{self._run}|{urn}".encode()).hexdigest()[:32]
        return self._folder / f"{name}.json"

    @staticmethod
    def _remove_old(folder: Path) -> None:
        limit = time.time() - _MAX_AGE
        for each in folder.glob("*.json"):
            if each.stat().st_mtime < limit:
                each.unlink(missing_ok=True)


class PreviewNote:
    """What one preview has listed.

    Args:
        backup_ids: None where the preview could not find out what goes.
    """

    def __init__(self, backup_ids: frozenset[str] | None) -> None:
        self.is_listed: Final = backup_ids is not None
        self.backup_ids: Final = backup_ids or frozenset()

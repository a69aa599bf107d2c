"""What the backups that a program declares mean for other resources of the same run: one more, one less, one in use."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..engine.unknowns import has_unknowns
from ..session import Session

LOCATION: Final = ("instance_id", "region", "project_id")
"""The inputs that say whose backup it is."""


@dataclass(frozen=True)
class RunBackup:
    """A backup that the program declares.

    Attributes:
        location: instance, region and project, as far as they are known.
        remark: None where it is not known yet.
        is_new: whether this run takes it.
        is_awaited: whether what depends on it starts only once it has succeeded.
        adopted_id: the existing backup that it takes over; empty for none.
        is_secret: whether the remark is a secret.
        inputs_hash: of the inputs that call for a new backup, but for the secret ones.
    """

    urn: str
    location: Mapping[str, str]
    remark: str | None = ""
    is_new: bool = True
    is_awaited: bool = True
    adopted_id: str = ""
    is_secret: bool = False
    inputs_hash: str = ""


class RunBackups:
    """The backups that the program has declared so far; to be shared by ``session.shared``."""

    def __init__(self, _session: Session) -> None:
        self._lock = threading.Lock()
        self._by_urn: dict[str, RunBackup] = {}
        self._needed: dict[str, str] = {}
        self._deleted: set[str] = set()

    def note(self, backup: RunBackup) -> None:
        """Note what a program declares. The engine checks a resource again where it replaces it."""
        with self._lock:
            self._by_urn[backup.urn] = backup

    def note_needed(self, urn: str, backup_id: Any) -> None:
        """Note that a resource needs an existing backup, such as one that restores it; not known yet is none."""
        if isinstance(backup_id, str) and not has_unknowns(backup_id):
            with self._lock:
                self._needed[backup_id] = urn

    @property
    def needed(self) -> Mapping[str, str]:
        """The existing backups that resources need, with one of them each (its URN)."""
        with self._lock:
            return dict(self._needed)

    def note_deleted(self, backup_id: str) -> None:
        """Note that this run has deleted a backup, which the service may go on to list for a while."""
        with self._lock:
            self._deleted.add(backup_id)

    @property
    def deleted(self) -> frozenset[str]:
        """The backups that this run has deleted."""
        with self._lock:
            return frozenset(self._deleted)

    def of(self, properties: Mapping[str, Any]) -> list[RunBackup]:
        """Those of the instance that these inputs name."""
        location = location_of(properties)
        with self._lock:
            return [each for each in self._by_urn.values() if each.location == location]


def location_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """Instance, region and project of inputs or outputs."""
    return {name: str(properties.get(name) or "") for name in LOCATION}

"""Remembers on this machine which creates are under way, so that the next run finds what a killed one has made.

One small file per create in flight, below ``$PULUMI_HOME/pulumi-dcs/creates``, by state backend, stack, URN and place;
written before the POST, completed with the ``backup_id``, retired when the engine has the state. A retired entry tells
for some minutes more whose the backup is, so that no other create on this machine takes it for its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from .api.models import BackupFormat
from .api.ownership import Post, Trail

_RETIRED: Final = ".made"
_RETIREMENT: Final = 600.0
"""Seconds for which a retired entry is kept."""
_FORM: Final = 1
"""The form of the entries; those of another form are passed over."""


@dataclass(frozen=True)
class Stray:
    """What an interrupted create of a resource left on an instance."""

    instance_id: str
    trail: Trail


class Journal:
    """The entries of one state backend.

    Args:
        folder: where they are kept; None to keep nothing.
        backend: what tells this state backend from others on the same machine.
        complain: called once with a message if the journal can't be written.
    """

    def __init__(self, folder: Path | None, backend: str, complain: Callable[[str], None]) -> None:
        self._folder = folder
        self._backend = backend
        self._complain = complain
        self._lock = threading.Lock()
        self._answered: set[Path] = set()
        self._has_complained = False

    @classmethod
    def of_environment(
        cls, environment: Mapping[str, str], complain: Callable[[str], None], *, is_kept: bool
    ) -> Journal:
        """The journal that belongs to this process's Pulumi home and state backend."""
        home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
        return cls(home / "pulumi-dcs" / "creates" if is_kept else None, _backend(environment, home), complain)

    def entry(self, urn: str, place: str, instance_id: str, digest: str) -> Entry:
        """The entry of a create.

        Args:
            urn: the resource.
            place: where the backup is made.
            instance_id: the instance there.
            digest: of the inputs.
        """
        return Entry(self, self._path(urn), place, instance_id, digest)

    def settle(self, urn: str, backup_id: str) -> None:
        """Note that the engine has the backup in the resource's state."""
        path = self._path(urn)
        known = self.load(path)
        if known is not None and known.get("backup_id") == backup_id:
            self._retire(path)

    def answered(self, entry: Entry) -> None:
        """Note that the engine was told of the backup; it will have it in the state when it ends in good order."""
        with self._lock:
            self._answered.add(entry.path)

    def close(self) -> None:
        """Retire the entries of all creates that the engine was told of: it has ended in good order."""
        with self._lock:
            for path in self._answered:
                self._retire(path)
            self._answered.clear()
        self._forget_the_old()

    def knows_as_anothers(self, backup_id: str, own: Path) -> bool:
        """Whether an entry other than that one is about this backup."""
        others = [path for path in self._files() if path.stem != own.stem]
        return any((self.load(path) or {}).get("backup_id") == backup_id for path in others)

    def load(self, path: Path) -> dict[str, Any] | None:
        """What an entry says; None where there is none that can be read."""
        if self._folder is None:
            return None
        try:
            found = json.loads(path.read_text())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("form") == _FORM else None

    def save(self, path: Path, content: Mapping[str, Any]) -> None:
        """Write an entry, whole or not at all."""
        if self._folder is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.part")
            part.write_text(json.dumps({"form": _FORM, **content}))
            part.replace(path)
        except OSError as error:
            with self._lock:
                is_first, self._has_complained = not self._has_complained, True
            if is_first:
                self._complain(
                    f"The journal of backups under way can't be written ({error.strerror or error}): {path.parent}\n"
                    "  If this run is killed, the next one can't take over what it has made."
                )

    def remove(self, path: Path) -> None:
        """Remove an entry; fine where there is none."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    def _retire(self, path: Path) -> None:
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            path.replace(path.with_suffix(_RETIRED))

    def _forget_the_old(self) -> None:
        for old in self._files():
            with contextlib.suppress(OSError):
                if old.suffix == _RETIRED and time.time() - old.stat().st_mtime > _RETIREMENT:
                    old.unlink()

    def _files(self) -> list[Path]:
        try:
            return list(self._folder.iterdir()) if self._folder else []
        except OSError:
            return []

    def _path(self, urn: str) -> Path:
        name = hashlib.sha256(f"{self._backend}\n{urn}".encode()).hexdigest()[:32]
        return (self._folder or Path()) / f"{name}.json"


class Entry:
    """One create's ledger (see ``api.ownership``), and what interrupted creates of its resource left."""

    def __init__(self, journal: Journal, path: Path, place: str, instance_id: str, digest: str) -> None:
        self.path: Final = path
        self._journal = journal
        self._place = place
        self._instance_id = instance_id
        self._digest = digest
        found = journal.load(path) or {}
        self._left: Trail | None = None
        strays = _strays(found) if found.get("place") == place else []
        if found.get("place") == place and (trail := _trail(found)) is not None:
            if found.get("digest") == digest:
                self._left = trail
            elif trail != Trail():
                strays.append(Stray(str(found.get("instance_id", "")), trail))
        self.strays: Final = tuple(strays)
        """What interrupted creates of this resource made for inputs that are declared no more."""

    def read(self) -> Trail | None:
        """The trail as the interrupted create left it."""
        return self._left

    def write(self, trail: Trail) -> None:
        """Keep this trail."""
        content = {
            "place": self._place,
            "instance_id": self._instance_id,
            "digest": self._digest,
            **_told(trail),
            "strays": [{"instance_id": stray.instance_id, **_told(stray.trail)} for stray in self.strays],
        }
        self._journal.save(self.path, content)

    def drop(self) -> None:
        """Keep nothing but the strays."""
        if self.strays:
            self.write(Trail())
        else:
            self._journal.remove(self.path)

    def knows_as_anothers(self, backup_id: str) -> bool:
        """Whether another create on this machine has made that backup."""
        return self._journal.knows_as_anothers(backup_id, self.path)

    def answered(self) -> None:
        """Note that the engine is being told of the backup, and that the strays are seen to."""
        self._journal.answered(self)


def _told(trail: Trail) -> dict[str, Any]:
    """The trail as it is written."""
    post = trail.post
    return {
        "backup_id": trail.backup_id,
        "post": post
        and {
            "remark": post.remark,
            "backup_format": post.backup_format and post.backup_format.value,
            "known": sorted(post.known),
            "sent_at": _written(post.sent_at),
            "until": _written(post.until),
        },
    }


def _strays(found: Mapping[str, Any]) -> list[Stray]:
    rows = found.get("strays")
    dicts = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    read = [(str(row.get("instance_id", "")), _trail(row)) for row in dicts]
    return [Stray(instance_id, trail) for instance_id, trail in read if trail is not None]


def _trail(found: Mapping[str, Any]) -> Trail | None:
    """Read a trail; an entry that makes no sense proves nothing."""
    try:
        post = found.get("post")
        return Trail(
            backup_id=str(found.get("backup_id") or ""),
            post=Post(
                remark=str(post["remark"]),
                backup_format=BackupFormat(post["backup_format"]) if post["backup_format"] else None,
                known=frozenset(map(str, post["known"])),
                sent_at=_read(post["sent_at"]),
                until=_read(post["until"]),
            )
            if post
            else None,
        )
    except (KeyError, TypeError, ValueError):
        return None


def _backend(environment: Mapping[str, str], home: Path) -> str:
    if url := environment.get("PULUMI_BACKEND_URL"):
        return url
    try:
        return str(json.loads((home / "credentials.json").read_text()).get("current", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _written(moment: datetime | None) -> str | None:
    return moment.astimezone(timezone.utc).isoformat() if moment else None


def _read(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

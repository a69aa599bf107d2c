"""Remembers on this machine which creates are under way, so that the next run finds what a killed one has made.

One small file per create in flight, below ``$PULUMI_HOME/pulumi-dcs/creates``, by state backend, stack, URN and place;
written before the POST, completed with the ``backup_id``, dropped when the engine has the state.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from .api.models import BackupFormat
from .api.ownership import Post, Trail

_FORM: Final = 1
"""The form of the entries; those of another form are passed over."""


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
        return Entry(self, self._path(urn), f"{place} {instance_id}", digest)

    def settle(self, urn: str, backup_id: str) -> None:
        """Note that the engine has the backup in the resource's state."""
        path = self._path(urn)
        known = self.load(path)
        if known is not None and known.get("backup_id") == backup_id:
            self.remove(path)

    def answered(self, entry: Entry) -> None:
        """Note that the engine was told of the backup; it will have it in the state when it ends in good order."""
        with self._lock:
            self._answered.add(entry.path)

    def close(self) -> None:
        """Drop the entries of all creates that the engine was told of: it has ended in good order."""
        with self._lock:
            for path in self._answered:
                self.remove(path)
            self._answered.clear()

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

    def _path(self, urn: str) -> Path:
        name = hashlib.sha256(f"{self._backend}\n{urn}".encode()).hexdigest()[:32]
        return (self._folder or Path()) / f"{name}.json"


class Entry:
    """One create's ledger (see ``api.ownership``)."""

    def __init__(self, journal: Journal, path: Path, place: str, digest: str) -> None:
        self.path: Final = path
        self._journal = journal
        self._place = place
        self._digest = digest
        found = journal.load(path) or {}
        is_same = (found.get("place"), found.get("digest")) == (place, digest)
        self._left = _trail(found) if is_same else None
        left = found.get("strays")
        strays = [stray for stray in left if isinstance(stray, str)] if isinstance(left, list) else []
        if not is_same and found.get("backup_id"):
            strays.append(str(found["backup_id"]))
        self.strays: Final = tuple(strays) if found.get("place") == place else ()
        """What interrupted creates of this resource made for inputs that are declared no more."""

    def read(self) -> Trail | None:
        """The trail as the interrupted create left it."""
        return self._left

    def write(self, trail: Trail) -> None:
        """Keep this trail."""
        content: dict[str, Any] = {
            "place": self._place,
            "digest": self._digest,
            "backup_id": trail.backup_id,
            "strays": list(self.strays),
        }
        if trail.post is not None:
            content["post"] = {
                "remark": trail.post.remark,
                "backup_format": trail.post.backup_format and trail.post.backup_format.value,
                "known": sorted(trail.post.known),
                "sent_at": _written(trail.post.sent_at),
                "sent_last": _written(trail.post.sent_last),
            }
        self._journal.save(self.path, content)

    def drop(self) -> None:
        """Keep nothing but the strays."""
        if self.strays:
            self.write(Trail())
        else:
            self._journal.remove(self.path)

    def answered(self) -> None:
        """Note that the engine is being told of the backup, and that the strays are seen to."""
        self._journal.answered(self)


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
                sent_last=_read(post["sent_last"]),
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

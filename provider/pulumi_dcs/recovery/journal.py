"""Remembers on this machine which creates are under way, so that the next run finds what a killed one has made.

One small file per create in flight, below ``$PULUMI_HOME/pulumi-dcs/creates``, by state backend and URN;
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
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ..operations.ownership import Trail
from .journal_format import Site, Stray, read_stray, read_strays, told

_LIVE: Final = ".json"
_RETIRED: Final = ".made"
_RETIREMENT: Final = 600.0
"""Seconds for which a retired entry is kept."""
_FORM: Final = 2
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
        self._begun: set[str] = set()
        self._has_complained = False

    @classmethod
    def of_environment(
        cls, environment: Mapping[str, str], complain: Callable[[str], None], *, is_kept: bool
    ) -> Journal:
        """The journal that belongs to this process's Pulumi home and state backend."""
        home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
        return cls(home / "pulumi-dcs" / "creates" if is_kept else None, _backend(environment, home), complain)

    def begin(self, urn: str, site: Site, digest: str) -> Entry:
        """The entry of a create that begins.

        Args:
            urn: the resource.
            site: where the backup is made.
            digest: of the inputs.
        """
        with self._lock:
            self._begun.add(urn)
        return Entry(self, urn, site, digest)

    def has_begun(self, urn: str) -> bool:
        """Whether this process has begun a create of that resource."""
        with self._lock:
            return urn in self._begun

    def left(self, urn: str, backup_id: str) -> Entry | None:
        """The entry of a resource whose state holds that backup, if killed runs have left something besides."""
        entry = Entry(self, urn, None, "", held=backup_id)
        return entry if entry.strays else None

    def left_of_stack(self, urn: str) -> list[Entry]:
        """The entries of all resources in the URN's stack that creates have left unfinished."""
        stack = urn.split("::")[:2]
        urns = [str((self.load(path) or {}).get("urn", "")) for path in self._files() if path.suffix == _LIVE]
        entries = [Entry(self, other, None, "") for other in urns if other.split("::")[:2] == stack]
        return [entry for entry in entries if entry.strays]

    def settle(self, urn: str, backup_id: str) -> None:
        """Note that the engine has the backup in the resource's state."""
        path = self.path(urn)
        known = self.load(path)
        if known is not None and known.get("backup_id") == backup_id and not known.get("strays"):
            self._retire(path)

    def answered(self, entry: Entry) -> None:
        """Note that the engine was told of a create's backup; it has it in the state once it ends in good order.

        An entry with strays stays: the next run sees to them.
        """
        if not entry.strays:
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

    def path(self, urn: str) -> Path:
        """The file of a resource's entry."""
        name = hashlib.sha256(f"{self._backend}\n{urn}".encode()).hexdigest()[:32]
        return (self._folder or Path()) / f"{name}{_LIVE}"


class Entry:
    """One create's ledger (see ``api.ownership``), and what interrupted creates of its resource left.

    Args:
        site, digest: of the create that begins; no trail fits a None and an empty one.
        held: the backup in the resource's state, which is no stray.
    """

    def __init__(self, journal: Journal, urn: str, site: Site | None, digest: str, held: str = "") -> None:
        self.urn: Final = urn
        self.path: Final = journal.path(urn)
        self._journal = journal
        self._digest = digest
        self._left: Trail | None = None
        self._trail = Trail()
        found = journal.load(self.path) or {}
        strays = read_strays(found)
        last = read_stray(found)
        self._site = site or (last.site if last else None)
        if last is not None and site == last.site and found.get("digest") == digest:
            self._left = self._trail = last.trail
        elif last is not None and held and last.trail.backup_id == held:
            self._trail = last.trail
        elif last is not None and last.trail != Trail():
            strays.append(last)
        self.strays: tuple[Stray, ...] = tuple(strays)
        """What interrupted creates of this resource made for inputs that are declared no more."""

    def read(self) -> Trail | None:
        """The trail as the interrupted create left it."""
        return self._left

    def write(self, trail: Trail) -> None:
        """Keep this trail."""
        self._trail = trail
        content = {
            "urn": self.urn,
            "digest": self._digest,
            **told(self._site, trail),
            "strays": [told(stray.site, stray.trail) for stray in self.strays],
        }
        self._journal.save(self.path, content)

    def drop(self) -> None:
        """Keep no trail."""
        self._trail = Trail()
        self.keep(self.strays)

    def keep(self, strays: Iterable[Stray]) -> None:
        """Keep these of the strays, and the trail as it is."""
        self.strays = tuple(strays)
        if self.strays or self._trail != Trail():
            self.write(self._trail)
        else:
            self._journal.remove(self.path)

    def knows_as_anothers(self, backup_id: str) -> bool:
        """Whether another create on this machine has made that backup."""
        return self._journal.knows_as_anothers(backup_id, self.path)


def _backend(environment: Mapping[str, str], home: Path) -> str:
    if url := environment.get("PULUMI_BACKEND_URL"):
        return url
    try:
        return str(json.loads((home / "credentials.json").read_text()).get("current", ""))
    except (OSError, ValueError, AttributeError):
        return ""

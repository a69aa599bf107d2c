"""Where data and backups are kept, and who may use the folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

LOCK_TIMEOUT: Final = 35.0
"""Seconds for which the servers of an endpoint that was killed may still save their data: see the keeper's grace."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class FolderInUse(Exception):
    """Another endpoint uses the folder."""


class Folders:
    """The folder of one endpoint.

    Attributes:
        keepers_lock: an open file that the keeper is to hold until all servers have ended.

    Args:
        base: the folder; None for a temporary one.

    Raises:
        FolderInUse: another endpoint uses it.
    """

    def __init__(self, base: Path | None) -> None:
        self.is_temporary: Final = base is None
        self.base: Final = Path(tempfile.mkdtemp(prefix="pulumi-dcs-")) if base is None else base.resolve()
        self.base.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock: Final = _lock(self.base / "lock", 0.0)
        self.keepers_lock: Final = _lock(self.base / "keeper.lock", LOCK_TIMEOUT)
        # What an endpoint that was killed was working on.
        shutil.rmtree(self.base / "scratch", ignore_errors=True)

    def password(self, wanted: str = "") -> str:
        """The password of all servers: the wanted one, else the one that was chosen before."""
        path = self.base / "password"
        chosen = wanted or (path.read_text() if path.exists() else "") or secrets.token_urlsafe(18)
        path.touch(0o600)
        path.write_text(chosen)
        return chosen

    def instance(self, instance_id: str) -> Path:
        """The folder of an instance's server; it exists."""
        return self._made("instances", _file_name(instance_id))

    def backup(self, backup_id: str, backup_format: str) -> Path:
        """A backup's file, which may not exist."""
        return self._made("backups") / f"{_file_name(backup_id)}.{backup_format}"

    def scratch(self) -> Path:
        """A new folder to work in."""
        return self._made("scratch", secrets.token_hex(8))

    def remove_backup(self, backup_id: str) -> None:
        """Remove the backup's file, if there is one."""
        for backup_format in ("rdb", "aof"):
            self.backup(backup_id, backup_format).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all data and all backups."""
        for name in ("instances", "backups", "scratch"):
            shutil.rmtree(self.base / name, ignore_errors=True)

    def _made(self, *parts: str) -> Path:
        path = self.base.joinpath(*parts)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path


def _file_name(identifier: str) -> str:
    """A name for a file: the control API takes any text for an id."""
    if _PLAIN.fullmatch(identifier):
        return identifier
    return hashlib.sha256(identifier.encode()).hexdigest()


def _lock(path: Path, timeout: float) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise FolderInUse(str(path.parent)) from None
            time.sleep(0.05)
        else:
            return descriptor

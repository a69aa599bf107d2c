"""Tells the living runs on this machine from the dead: each holds a lock of the operating system while it lives."""

from __future__ import annotations

import contextlib
import threading
import uuid
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout


class RunLocks:
    """The locks of all runs on this machine.

    Args:
        folder: where the lock files are; None where nothing outlives this process anyway.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._held: FileLock | None = None
        self.own: Final = uuid.uuid4().hex
        """This run's name. It counts as dead until :meth:`hold`."""

    def hold(self) -> None:
        """Hold this run's lock until the process ends, however it ends.

        Raises:
            OSError: the lock file can't be written.
        """
        with self._lock:
            if self._held is None and self._folder is not None:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                # Not bound to this thread: the process holds it.
                held = FileLock(self._path(self.own), thread_local=False)
                held.acquire(timeout=0)
                self._held = held

    def is_alive(self, run: str) -> bool:
        """Whether the process of that run still lives."""
        if run == self.own:
            return True
        if self._folder is None or not self._path(run).exists():
            return False
        probe = FileLock(self._path(run), thread_local=False)
        try:
            probe.acquire(timeout=0)
        except (Timeout, OSError):
            return True
        probe.release()
        with contextlib.suppress(OSError):
            self._path(run).unlink(missing_ok=True)
        return False

    def _path(self, run: str) -> Path:
        return (self._folder or Path()) / f"{run}.lock"

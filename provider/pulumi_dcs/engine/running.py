"""Counts the requests that are being served, so that the process does not end meanwhile."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class Running:
    """How many requests of one sort are being served, on any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    @property
    def count(self) -> int:
        """How many there are now."""
        return self._count

    @contextlib.contextmanager
    def one_more(self) -> Iterator[None]:
        """Count a request while it is being served."""
        with self._lock:
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1

"""Time, and the one place where anything sleeps: tests bring a clock of their own."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Cancelled(Exception):
    """Raised out of a sleep when the deployment has been cancelled."""


class Clock(Protocol):
    """What the API layer asks of time."""

    def monotonic(self) -> float:
        """Seconds that only go forward."""

    def time(self) -> float:
        """Seconds since the epoch, by the local clock."""

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds; raise :class:`Cancelled` as soon as the deployment is cancelled."""


class CancellableClock(Clock, Protocol):
    """A clock whose sleeps can be ended."""

    def cancel(self) -> None:
        """End every sleep, now and later."""


class SystemClock:
    """The machine's clock; :meth:`cancel` ends every sleep, now and later."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        if self._cancelled.wait(max(0.0, seconds)):
            raise Cancelled

    def cancel(self) -> None:
        """End every sleep with :class:`Cancelled`."""
        self._cancelled.set()

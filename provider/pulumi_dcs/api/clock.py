"""Time, and the one place where anything sleeps: tests bring a clock of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

Pause = Callable[[float], None]
"""Sleeps for that many seconds; raises to end the operation that it belongs to."""


class Cancelled(Exception):
    """Raised out of a sleep when everything that is under way has been cancelled."""


class Clock(Protocol):
    """What the API layer asks of time."""

    def monotonic(self) -> float:
        """Seconds that only go forward."""

    def time(self) -> float:
        """Seconds since the epoch, by the local clock."""

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds; raise :class:`Cancelled` as soon as everything is cancelled."""


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


def in_words(seconds: float) -> str:
    """A length of time as a person would say it: ``42 s``, ``7 min``, ``1 h 30 min``."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"

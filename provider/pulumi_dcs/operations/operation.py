"""One operation under way: what it is called, how long it may take, who is told about its progress."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from ..api.clock import Cancelled, Clock, in_words
from .errors import CancelledError, TimedOutError

_EVENT_CHECK_INTERVAL: Final = 0.5
"""Seconds between two checks of deadline and cancellation while waiting for another thread: a person who presses
Ctrl-C notices no delay below that, and more checks would only cost CPU time."""


def _discard(_message: str) -> None:
    """Nobody is told."""


class Operation:
    """An operation with its deadline.

    Args:
        name: what it does, to follow "to": ``back up instance 9ca3…``.
        clock: the time it lives in.
        timeout: how long it may take, in seconds.
        report_progress: called with short messages on where it stands.
        info: called with what is to stay on record.
        warn: called with what the user has to know even if all goes well.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        timeout: float,
        report_progress: Callable[[str], None] = _discard,
        info: Callable[[str], None] = _discard,
        warn: Callable[[str], None] = _discard,
    ) -> None:
        self.name: Final = name
        self.clock: Final = clock
        self.timeout: Final = timeout
        self.report_progress: Final = report_progress
        self.info: Final = info
        self.warn: Final = warn
        self._started = clock.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since it started."""
        return self.clock.monotonic() - self._started

    @property
    def remaining(self) -> float:
        """Seconds until its deadline, not below 0."""
        return max(0.0, self.timeout - self.elapsed)

    def check_deadline(self) -> None:
        """Return at once, unless the operation has to end.

        Raises:
            TimedOutError, CancelledError: as :meth:`pause`.
        """
        self.pause(0.0)

    def pause(self, seconds: float) -> None:
        """Sleep, at most until the deadline.

        Raises:
            TimedOutError: the deadline has passed.
            CancelledError: the deployment was cancelled.
        """
        if self.remaining <= 0:
            raise TimedOutError(f"The timeout of {in_words(self.timeout)} passed before DCS could {self.name}.")
        try:
            self.clock.sleep(min(seconds, self.remaining))
        except Cancelled:
            raise CancelledError(f"Cancelled before DCS could {self.name}.") from None

    def wait_for(self, event: threading.Event) -> None:
        """Wait until another thread sets the event, at most until the deadline.

        Raises:
            TimedOutError, CancelledError: as :meth:`pause`.
        """
        while not event.wait(min(_EVENT_CHECK_INTERVAL, self.remaining)):
            self.check_deadline()

"""One operation under way: what it is called, until when it may take, who watches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..api.clock import Cancelled, Clock
from ..api.errors import CancelledError, TimedOutError


def _unheard(_message: str) -> None:
    """Nobody watches."""


class Operation:
    """An operation on one instance, with its deadline.

    Args:
        name: what it does, to follow "to": ``back up instance 9ca3…``.
        instance_id: the instance it works on.
        clock: the time it lives in.
        timeout: how long it may take, in seconds.
        say: called with short messages on where it stands.
        warn: called with what the user has to know even if all goes well.
    """

    def __init__(
        self,
        name: str,
        *,
        instance_id: str,
        clock: Clock,
        timeout: float,
        say: Callable[[str], None] = _unheard,
        warn: Callable[[str], None] = _unheard,
    ) -> None:
        self.name: Final = name
        self.instance_id: Final = instance_id
        self.clock: Final = clock
        self.timeout: Final = timeout
        self.say: Final = say
        self.warn: Final = warn
        self._started = clock.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return self.clock.monotonic() - self._started

    @property
    def remaining(self) -> float:
        """Seconds until its deadline, not below 0."""
        return max(0.0, self.timeout - self.elapsed)

    def go_on(self) -> None:
        """Return at once, unless it is to end.

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

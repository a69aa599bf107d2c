"""Slows every request down when the service says that there are too many."""

from __future__ import annotations

import random
import threading
from typing import Final

from .clock import Clock

_FIRST_SPACING: Final = 0.02
_WIDEST_SPACING: Final = 2.0
_RECOVERY: Final = 0.98


class Throttle:
    """Hands out the moments at which requests may leave, for all threads of one client.

    As long as the service is content, at once. After a 429 nothing leaves before the moment that the service
    named, and from then on requests leave one after another with a spacing, which each further 429 doubles and
    each accepted request shrinks a little.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0
        self._spacing = 0.0
        self._widened_at = float("-inf")

    def reserve(self) -> float:
        """How many seconds the caller has to wait before its request may leave."""
        with self._lock:
            now = self._clock.monotonic()
            leaves = max(now, self._next)
            self._next = leaves + self._spacing * random.uniform(0.8, 1.2)
            return leaves - now

    def refused(self, retry_after: float | None) -> float:
        """Note a 429; return the seconds until the earliest next request."""
        with self._lock:
            now = self._clock.monotonic()
            # Requests that left together are refused together: they count as one refusal.
            if now - self._widened_at > 1.0:
                self._spacing = min(max(self._spacing * 2, _FIRST_SPACING), _WIDEST_SPACING)
                self._widened_at = now
            hold = retry_after if retry_after is not None else max(1.0, self._spacing * 10)
            self._next = max(self._next, now + hold)
            return self._next - now

    def accepted(self) -> None:
        """Note a request that was not refused."""
        with self._lock:
            if self._spacing:
                self._spacing *= _RECOVERY
                if self._spacing < _FIRST_SPACING / 4:
                    self._spacing = 0.0

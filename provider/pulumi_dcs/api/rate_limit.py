"""Slows every request down when the service says that there are too many."""

from __future__ import annotations

import random
import threading
from collections import deque
from typing import Final

from .clock import Clock

_NARROWEST_SPACING: Final = 0.005
_WIDEST_SPACING: Final = 2.0
_RECOVERY: Final = 0.995
_WINDOW: Final = 1.0
"""Seconds over which the accepted requests are counted: gateways limit by the second."""
_MEMORY: Final = 10.0
"""Seconds for which it is remembered how many the service has accepted in its best second."""
_FEWEST: Final = 5
"""Fewer in a second may be our own idleness and say nothing about the service."""
_MARGIN: Final = 1.1
"""How far requests keep below what was accepted in that second, as a factor of the spacing."""
_CAUTION: Final = 60.0
"""Seconds after a 429 for which they do."""


class Throttle:
    """Hands out the moments at which requests may leave, for all threads of one client.

    As long as the service is content, at once. After a 429 nothing leaves before the moment that the service
    named, and from then on requests leave one after another, a little slower than they were accepted in the best second
    of late; each further 429 widens the spacing, to twice that at most, and each accepted request shrinks it a little.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0
        self._spacing = 0.0
        self._widened_at = float("-inf")
        self._accepted: deque[float] = deque()
        self._narrowest = 0.0

    @property
    def spacing(self) -> float:
        """Seconds between two requests; 0 while they may leave at once."""
        return self._spacing

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
            if now - self._widened_at > _WINDOW:
                best = self._best_second(now)
                as_accepted = _WINDOW / max(_FEWEST, best)
                widest = as_accepted * 2 if best >= _FEWEST else _WIDEST_SPACING
                self._narrowest = max(as_accepted * _MARGIN, _NARROWEST_SPACING)
                self._spacing = max(self._narrowest, min(self._spacing * 1.5, widest))
                self._widened_at = now
            hold = retry_after if retry_after is not None else _WINDOW
            self._next = max(self._next, now + hold)
            return self._next - now

    def accepted(self) -> None:
        """Note a request that was not refused."""
        with self._lock:
            now = self._clock.monotonic()
            self._accepted.append(now)
            self._forget(now)
            if self._spacing:
                narrowest = self._narrowest if now - self._widened_at < _CAUTION else 0.0
                self._spacing = max(self._spacing * _RECOVERY, narrowest)
                if self._spacing < _NARROWEST_SPACING:
                    self._spacing = 0.0

    def _forget(self, now: float) -> None:
        while self._accepted and self._accepted[0] <= now - _MEMORY:
            self._accepted.popleft()

    def _best_second(self, now: float) -> int:
        """How many requests were accepted in the second with the most of them."""
        self._forget(now)
        best, first = 0, 0
        moments = list(self._accepted)
        for last, moment in enumerate(moments):
            while moments[first] <= moment - _WINDOW:
                first += 1
            best = max(best, last - first + 1)
        return best

"""Slows every request down when the service says that there are too many.

The service does not document its limits; gateways of this kind count by the second. So the limit is learned: what
passed in the best second lately is known to be allowed, and after a refusal a little less than that is aimed at.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from typing import Final

from .clock import Clock

_WINDOW: Final = 1.0
"""Seconds over which accepted requests are counted, because gateways count by the second; also how long nothing leaves
after a 429 that names no time: then the gateway's next second has started."""
_MEMORY: Final = 10.0
"""Seconds for which accepted requests are remembered: long enough to hold a full burst, short enough to forget one that
somebody else's traffic makes impossible now."""
_MIN_EVIDENCE: Final = 5
"""Fewer requests than this in the best second are our own idleness and tell nothing about the service's limit."""
_MIN_SPACING: Final = 0.005
"""Seconds. 200 requests a second are more than one process makes: spacing below this is none."""
_MAX_SPACING: Final = 2.0
"""Seconds between requests when there is no evidence: still 30 a minute, so that even then a fleet makes progress."""
_WIDENING: Final = 1.5
"""By how much each further 429 widens the spacing: two of them halve the rate, one alone does not give much away."""
_RECOVERY: Final = 0.995
"""By how much each accepted request narrows it: halved after 138 requests, a few seconds' worth, so that a limit that
was hit for other people's traffic does not stay for the whole run."""
_MARGIN: Final = 1.1
"""How far requests keep below the best second, as a factor of the spacing: on the limit, jitter makes refusals."""
_CAUTION: Final = 60.0
"""Seconds after a 429 for which that margin is kept: quotas by the minute have a new minute then."""
_JITTER: Final = (0.8, 1.2)
"""Several processes that were refused together must not come back in step."""


class RateLimit:
    """Hands out the moments at which requests may leave, for all threads of one client.

    While the service accepts everything, at once. After a 429 nothing leaves before the moment that the service
    named, and from then on requests leave one after another, a little slower than they were accepted in the best second
    lately; each further 429 widens the spacing, to twice that at most, and each accepted request narrows it a little.
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
            self._next = leaves + self._spacing * random.uniform(*_JITTER)
            return leaves - now

    def refused(self, retry_after: float | None) -> float:
        """Note a 429; return the seconds until the earliest next request."""
        with self._lock:
            now = self._clock.monotonic()
            # Requests that left together are refused together: they count as one refusal.
            if now - self._widened_at > _WINDOW:
                best = self._best_second(now)
                as_accepted = _WINDOW / max(_MIN_EVIDENCE, best)
                widest = as_accepted * 2 if best >= _MIN_EVIDENCE else _MAX_SPACING
                self._narrowest = max(as_accepted * _MARGIN, _MIN_SPACING)
                self._spacing = max(self._narrowest, min(self._spacing * _WIDENING, widest))
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
                if self._spacing < _MIN_SPACING:
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

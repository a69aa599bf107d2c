"""When to look at a running backup again: early enough not to lose time, seldom enough not to be a nuisance."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Final

_SHARE_OF_AGE: Final = 0.085
_SLACK: Final = 0.85
_LARGER_SHARE: Final = 0.1
_LONGEST: Final = 60.0
_SHORTEST: Final = 0.1
_SHARE_BEHIND: Final = 0.01
_BEHIND: Final = 0.03
"""How far a look is put behind the moment at which the end is expected: this share of the time left, and seconds."""
_UNEVENNESS: Final = 1.03
"""By how much longer than the last one a backup is expected to take: data grow, and a look too early is lost."""
_MOST_MISSES: Final = 2
_FIRST_LOOKS_IN_VAIN: Final = 8


def next_look(age: float) -> float:
    """Seconds from now to the next look at what has been going on for ``age`` seconds, without any idea of its length.

    The pause grows with the age, so that the end is seen within a tenth of the whole length and one second, whatever
    that length is: after 3 looks at 2 s, 14 at 20 s, 49 at 600 s.
    """
    return min(max(_SHARE_OF_AGE * age + _SLACK, _LARGER_SHARE * age), _LONGEST)


class Crowd:
    """What those who wait for backups of one service share.

    Whether to look at a backup the moment it is begun: some are done at once, and waiting for those would cost time;
    but a look that finds a backup just begun is lost, and in a fleet there are hundreds at the same moment. After
    several in a row that were still running, the first look comes only when :func:`next_look` would have it.

    And how seldom to look while the service limits our requests: half of what it accepts is left to those that begin
    backups, since those decide when the fleet is done.

    Args:
        spacing: tells how many seconds the service wants between two requests; 0 while it does not care.
    """

    def __init__(self, spacing: Callable[[], float]) -> None:
        self._spacing = spacing
        self._lock = threading.Lock()
        self._in_vain = 0
        self._waiting = 0

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Be one of those who wait."""
        with self._lock:
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def first_pause(self) -> float:
        """Seconds from the begin of a backup to the first look at it."""
        with self._lock:
            is_eager = self._in_vain < _FIRST_LOOKS_IN_VAIN
        return 0.0 if is_eager else max(next_look(0.0), self.least_pause())

    def note_first(self, *, is_running: bool) -> None:
        """Note what a first look has found."""
        with self._lock:
            self._in_vain = self._in_vain + 1 if is_running else 0

    def least_pause(self) -> float:
        """Seconds that should be between two looks at the same backup, unless it is expected to end."""
        with self._lock:
            return min(2 * self._waiting * self._spacing(), _LONGEST)


class Pace:
    """When to look at one backup.

    A look is put right behind the moment at which the end is expected, if that comes before the one that
    :func:`next_look` would have. After expectations have turned out wrong, none is believed for a while, so that a
    progress that stands still costs hardly more looks than none.

    Args:
        usual: how many seconds the instance's last backup took; None where that is not known.
        crowd: those who wait at the same time.
    """

    def __init__(self, usual: float | None, crowd: Crowd) -> None:
        self._usual = usual
        self._crowd = crowd
        self._first: tuple[float, float] | None = None
        self._expected_at: float | None = None
        self._misses = 0
        self._doubted_until = 0.0

    def next_look(self, age: float, percent: float | None = None) -> float:
        """Seconds from now to the next look at the backup, which was just seen running.

        Args:
            age: for how many seconds it has been running.
            percent: its progress; None where the service does not tell.
        """
        blind = max(next_look(age), self._crowd.least_pause())
        if self._expected_at is not None and age >= self._expected_at:
            self._misses += 1
            if self._misses >= _MOST_MISSES:
                self._misses = 0
                self._doubted_until = age + blind
        self._expected_at = None
        left = self._left(age, percent)
        if left is None or age < self._doubted_until:
            return blind
        pause = max(_SHORTEST, left * (1 + _SHARE_BEHIND) + _BEHIND)
        if pause >= blind:
            return blind
        self._expected_at = age + pause
        return pause

    def _left(self, age: float, percent: float | None) -> float | None:
        """For how many seconds more it may run: at the rate since the first look, or as the last backup had it."""
        if percent is not None and percent < 100:
            if self._first is None:
                self._first = (age, percent) if age < _SLACK / 2 else (0.0, 0.0)
            began, from_percent = self._first
            if percent > from_percent and age > began:
                return (100 - percent) * (age - began) / (percent - from_percent)
        if self._usual is not None and self._usual * _UNEVENNESS > age:
            return self._usual * _UNEVENNESS - age
        return None

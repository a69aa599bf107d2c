"""When to look at a running backup again: early enough not to lose time, seldom enough not to be a nuisance."""

from __future__ import annotations

from typing import Final

_SHARE_OF_AGE: Final = 0.075
_SLACK: Final = 0.7
_LARGER_SHARE: Final = 0.1
_LONGEST: Final = 60.0
_SHORTEST: Final = 0.1
_SHARE_BEHIND: Final = 0.01
_BEHIND: Final = 0.03
"""How far a look is put behind the moment at which the end is expected: this share of the time left, and seconds."""
_UNEVENNESS: Final = 1.03
"""By how much longer than the last one a backup is expected to take: data grow, and a look too early is lost."""
_MOST_MISSES: Final = 2


def next_look(age: float) -> float:
    """Seconds from now to the next look at what has been going on for ``age`` seconds, without any idea of its length.

    The pause grows with the age, so that the end is seen within a tenth of the whole length and one second, whatever
    that length is: after 4 looks at 2 s, 17 at 20 s, 50 at 600 s.
    """
    return min(max(_SHARE_OF_AGE * age + _SLACK, _LARGER_SHARE * age), _LONGEST)


class Pace:
    """When to look at one backup.

    A look is put right behind the moment at which the end is expected, if that comes before the one that
    :func:`next_look` would have. After expectations have turned out wrong, none is believed for a while, so that a
    progress that stands still costs hardly more looks than none.

    Args:
        usual: how many seconds the instance's last backup took; None where that is not known.
    """

    def __init__(self, usual: float | None = None) -> None:
        self._usual = usual
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
        blind = next_look(age)
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
                self._first = (age, percent)
            began, from_percent = self._first
            if percent > from_percent and age > began:
                return (100 - percent) * (age - began) / (percent - from_percent)
        if self._usual is not None and self._usual * _UNEVENNESS > age:
            return self._usual * _UNEVENNESS - age
        return None

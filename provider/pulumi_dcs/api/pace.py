"""When to look at a running backup again: early enough not to lose time, seldom enough not to be a nuisance."""

from __future__ import annotations

from typing import Final

FIRST_LOOK: Final = 0.0
_SHORTEST: Final = 0.3
_SHARE_OF_AGE: Final = 0.08
_SLACK: Final = 0.4
_LONGEST: Final = 60.0


def next_look(age: float, percent: float | None = None) -> float:
    """Seconds from now to the next look at a backup that has been running for ``age`` seconds.

    The pause grows with the age, so that a backup is found finished within a tenth of its length, give or take a
    second, whatever that length is. Where the service tells the progress, the next look is put right behind the
    moment at which the backup would end at the present rate, if that comes sooner.
    """
    pause = min(max(_SHORTEST, _SHARE_OF_AGE * age + _SLACK), _LONGEST)
    if percent is not None and 0 < percent < 100 and age > 0:
        left = age * (100 - percent) / percent
        pause = min(pause, max(_SHORTEST, left * 1.02 + 0.02))
    return pause

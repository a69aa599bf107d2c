"""When to poll a running record again: early enough to lose no time, rarely enough to be no burden."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Final

# The delay grows with the age, so that the end is seen within a tenth of the whole length and one second, whatever that
# length is: 3 polls at 2 s, 14 at 20 s, 49 at 600 s. The share and the offset are the largest that hold this with
# half a second to spare for the requests themselves.
_SHARE_OF_AGE: Final = 0.085
_OFFSET: Final = 0.85
_LARGER_SHARE_OF_AGE: Final = 0.1
_MAX_DELAY: Final = 60.0
"""Seconds. After an hour, a minute more is no longer noticed."""
_MIN_DELAY: Final = 0.1
"""Seconds. Below that, a poll costs more than it can save."""
_SHARE_BEHIND: Final = 0.01
_OFFSET_BEHIND: Final = 0.03
"""How far a poll is put behind the moment at which the end is expected: this share of the time left, and seconds. A
poll that comes just too early is lost, one that comes this much late costs nothing."""
_GROWTH: Final = 1.03
"""By how much longer than the last one a record is expected to take: data grow."""
_MAX_WRONG_EXPECTATIONS: Final = 2
"""After how many wrong expectations in a row none is believed for a while: once may be chance."""
_MAX_IMMEDIATE_POLLS: Final = 8
"""After how many first polls in a row that found a record still running none is made at once any more."""


def next_poll_delay(age: float) -> float:
    """Seconds to the next poll of what has been running for ``age`` seconds, without any idea of its length."""
    return min(max(_SHARE_OF_AGE * age + _OFFSET, _LARGER_SHARE_OF_AGE * age), _MAX_DELAY)


class PollingPool:
    """What all who wait for records of one service share.

    Whether to poll a record the moment it is created: some are done at once, and waiting for those would cost time;
    but a poll that finds a record just created is lost, and in a fleet there are hundreds at the same moment. After
    several in a row that were still running, the first poll comes only when :func:`next_poll_delay` would have it.

    And how long to leave between polls while the service limits our requests: half of what it accepts is left to those
    that create records, since those decide when the fleet is done.

    Args:
        spacing: tells how many seconds the service wants between two requests; 0 while it accepts any.
        may_be_done_at_once: whether to poll the first records the moment they are created. No restore is done so soon.
    """

    def __init__(self, spacing: Callable[[], float], *, may_be_done_at_once: bool = True) -> None:
        self._spacing = spacing
        self._lock = threading.Lock()
        self._may_be_done_at_once = may_be_done_at_once
        self._vain_first_polls = 0
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

    def first_delay(self) -> float:
        """Seconds from the creation of a record to the first poll of it."""
        with self._lock:
            is_immediate = self._may_be_done_at_once and self._vain_first_polls < _MAX_IMMEDIATE_POLLS
        return 0.0 if is_immediate else max(next_poll_delay(0.0), self.min_delay())

    def note_first_poll(self, *, is_running: bool) -> None:
        """Note what a first poll has found."""
        with self._lock:
            self._vain_first_polls = self._vain_first_polls + 1 if is_running else 0

    def min_delay(self) -> float:
        """Seconds that should be between two polls of the same record, unless it is expected to end."""
        with self._lock:
            return min(2 * self._waiting * self._spacing(), _MAX_DELAY)


class PollSchedule:
    """When to poll one record.

    A poll is put right behind the moment at which the end is expected, if that comes before the one that
    :func:`next_poll_delay` would have. After expectations have turned out wrong, none is believed for a while, so that
    a progress that stands still costs hardly more polls than none.

    Args:
        usual_length: how many seconds the instance's last record took; None where that is not known.
        pool: those who wait at the same time.
    """

    def __init__(self, usual_length: float | None, pool: PollingPool) -> None:
        self._usual_length = usual_length
        self._pool = pool
        self._first: tuple[float, float] | None = None
        self._expected_at: float | None = None
        self._wrong_expectations = 0
        self._doubted_until = 0.0

    def next_delay(self, age: float, percent: float | None = None) -> float:
        """Seconds to the next poll of the record, which was just seen running.

        Args:
            age: for how many seconds it has been running.
            percent: its progress; None where the service does not tell.
        """
        blind = max(next_poll_delay(age), self._pool.min_delay())
        if self._expected_at is not None and age >= self._expected_at:
            self._wrong_expectations += 1
            if self._wrong_expectations >= _MAX_WRONG_EXPECTATIONS:
                self._wrong_expectations = 0
                self._doubted_until = age + blind
        self._expected_at = None
        left = self._time_left(age, percent)
        if left is None or age < self._doubted_until:
            return blind
        delay = max(_MIN_DELAY, left * (1 + _SHARE_BEHIND) + _OFFSET_BEHIND)
        if delay >= blind:
            return blind
        self._expected_at = age + delay
        return delay

    def _time_left(self, age: float, percent: float | None) -> float | None:
        """For how many seconds more it may run: at the rate since the first poll, or as the last record had it."""
        if percent is not None and percent < 100:
            if self._first is None:
                # What was seen right after the creation is where it started; later, assume that it started from 0.
                self._first = (age, percent) if age < _OFFSET / 2 else (0.0, 0.0)
            began, from_percent = self._first
            if percent > from_percent and age > began:
                return (100 - percent) * (age - began) / (percent - from_percent)
        if self._usual_length is not None and self._usual_length * _GROWTH > age:
            return self._usual_length * _GROWTH - age
        return None

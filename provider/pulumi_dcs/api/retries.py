"""Which failures pass by trying again, and how long to try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential, wait_random

from ..operations.operation import Operation, in_words
from .errors import DcsError, NoAnswerError, ThrottledError, UnreadableAnswerError

T = TypeVar("T")

READ_PATIENCE: Final = 60.0
"""Seconds for which a read is tried again before its error is reported."""
UNREACHABLE_PATIENCE: Final = 60.0
"""Seconds for which a request is tried again when no connection comes about."""

backoff: Final = wait_exponential(multiplier=0.25, max=15.0) + wait_random(0.0, 0.25)
"""Seconds between tries: doubling, with jitter, so that many waiters don't come back together."""


def can_pass(error: BaseException) -> bool:
    """Whether trying the same request again can succeed without anybody doing anything."""
    if isinstance(error, NoAnswerError):
        return error.can_pass
    return isinstance(error, (ThrottledError, UnreadableAnswerError))


def read(operation: Operation, call: Callable[[], T], *, patience: float = READ_PATIENCE) -> T:
    """Make a call that changes nothing, again and again while its failures can pass.

    Raises:
        DcsError: the last failure, when it cannot pass or the patience (in seconds) or the deadline is over.
    """
    until = operation.elapsed + patience

    def is_over(state: RetryCallState) -> bool:
        return operation.elapsed + (state.upcoming_sleep or 0.0) >= until or operation.remaining <= 0

    return Retrying(
        retry=retry_if_exception(can_pass),
        wait=backoff,
        stop=is_over,
        sleep=operation.pause,
        before_sleep=lambda state: operation.say(trying_again(state)),
        reraise=True,
    )(call)


def trying_again(state: RetryCallState) -> str:
    """What to tell who watches while we try again."""
    error = state.outcome.exception() if state.outcome else None
    summary = error.summary if isinstance(error, DcsError) else "DCS can't be asked."
    return f"{summary} Trying again in {in_words(max(1.0, state.upcoming_sleep))}."

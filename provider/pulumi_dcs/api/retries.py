"""Which failures pass by trying again, and how long to try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential, wait_random

from .clock import Clock, Pause, in_words
from .errors import ConnectionFailed, CredentialsUnavailable, DcsError, ThrottledError, UnexpectedResponse

T = TypeVar("T")

READ_RETRY_TIMEOUT: Final = 60.0
"""Seconds for which a read is tried again before its error is reported: a gateway's restart takes less, and a person
who watches waits no longer."""
CONNECT_RETRY_TIMEOUT: Final = 60.0
"""Seconds for which a request is tried again when no connection can be made: as for reads, since nothing was sent."""

backoff: Final = wait_exponential(multiplier=0.25, max=15.0) + wait_random(0.0, 0.25)
"""Seconds between tries. Doubling from a quarter of a second, because most failures are over at once; 15 at most, so
that the end of an outage is seen soon; jitter, so that many waiters don't come back together."""


def backoff_delay(attempt: int) -> float:
    """Seconds before another try, after this many attempts: :data:`backoff` for loops with steps of their own."""
    state = RetryCallState(Retrying(), fn=None, args=(), kwargs={})
    state.attempt_number = attempt
    return backoff(state)


def is_transient(error: BaseException) -> bool:
    """Whether trying the same request again can succeed without anybody doing anything."""
    if isinstance(error, (ConnectionFailed, CredentialsUnavailable)):
        return error.is_transient
    return isinstance(error, (ThrottledError, UnexpectedResponse))


def _ignore(_message: str) -> None:
    """Nobody wants to know."""


def read(
    call: Callable[[], T],
    *,
    clock: Clock,
    pause: Pause,
    retry_timeout: float = READ_RETRY_TIMEOUT,
    on_retry: Callable[[str], None] = _ignore,
) -> T:
    """Make a call that changes nothing, again and again while its failures are transient.

    Args:
        pause: sleeps between two tries; raises when the operation has to end.
        retry_timeout: for how many seconds it is tried again; 0 for one try.
        on_retry: called with a short message before each further try.

    Raises:
        DcsError: the last failure, when it is not transient, or another try would come too late.
    """
    until = clock.monotonic() + retry_timeout

    def is_over(state: RetryCallState) -> bool:
        # The next request may not leave before the moment that the service named, however soon we tried.
        return clock.monotonic() + max(state.upcoming_sleep, _named_wait(state)) >= until

    return Retrying(
        retry=retry_if_exception(is_transient),
        wait=backoff,
        stop=is_over,
        sleep=pause,
        before_sleep=lambda state: on_retry(retry_message(state)),
        reraise=True,
    )(call)


def retry_message(state: RetryCallState) -> str:
    """What to report while a request is tried again."""
    error = state.outcome.exception() if state.outcome else None
    summary = error.summary if isinstance(error, DcsError) else "DCS can't be asked."
    wait = max(1.0, state.upcoming_sleep, _named_wait(state))
    return f"{summary} Trying again in {in_words(wait)}."


def _named_wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return (error.retry_after or 0.0) if isinstance(error, ThrottledError) else 0.0

"""What is tried again, and for how long."""

from __future__ import annotations

import pytest
from pulumi_dcs.api import retries
from pulumi_dcs.api.errors import (
    AuthenticationError,
    ConnectionFailed,
    CredentialsUnavailable,
    DcsError,
    InstanceBusyError,
    ThrottledError,
    UnexpectedResponse,
)
from pulumi_dcs.api.retries import is_transient

from tests.clocks import LeapingClock


class Call:
    """Fails as often as planned."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"


def lost(*, is_transient: bool = True) -> ConnectionFailed:
    return ConnectionFailed("No connection.", sent=False, is_transient=is_transient)


def read(call: Call, clock: LeapingClock, **options: float) -> tuple[str, list[str]]:
    reported: list[str] = []
    found = retries.read(call, clock=clock, pause=clock.sleep, on_retry=reported.append, **options)
    return found, reported


def test_what_is_transient() -> None:
    assert is_transient(lost())
    assert not is_transient(lost(is_transient=False))
    assert is_transient(CredentialsUnavailable("x", is_transient=True))
    assert not is_transient(CredentialsUnavailable("x"))
    assert is_transient(ThrottledError("x", http_status=429))
    assert is_transient(UnexpectedResponse("x", http_status=500))
    assert not is_transient(AuthenticationError("x", http_status=401))
    assert not is_transient(InstanceBusyError("x", http_status=400))
    assert not is_transient(ValueError())


def test_a_transient_failure_is_tried_again_and_reported() -> None:
    call = Call(lost(), lost())
    found, reported = read(call, LeapingClock())
    assert (found, call.count) == ("done", 3)
    assert reported == ["No connection. Trying again in 1 s."] * 2


def test_one_that_is_not_transient_is_not() -> None:
    call = Call(lost(is_transient=False))
    with pytest.raises(ConnectionFailed):
        read(call, LeapingClock())
    assert call.count == 1


def test_no_time_means_one_try() -> None:
    call = Call(lost())
    with pytest.raises(ConnectionFailed):
        read(call, LeapingClock(), retry_timeout=0.0)
    assert call.count == 1


def test_it_ends_with_the_last_failure_in_time() -> None:
    clock = LeapingClock()
    call = Call(*[lost() for _ in range(100)])
    with pytest.raises(ConnectionFailed):
        read(call, clock, retry_timeout=60.0)
    assert clock.now <= 60.0
    assert 5 <= call.count <= 20


def test_a_wait_that_the_service_names_is_not_begun_when_it_is_too_long() -> None:
    clock = LeapingClock()
    call = Call(ThrottledError("Refused.", http_status=429, retry_after=600.0))
    with pytest.raises(ThrottledError):
        read(call, clock, retry_timeout=60.0)
    assert (call.count, clock.now) == (1, 0.0)
    call = Call(ThrottledError("Refused.", http_status=429, retry_after=30.0))
    assert read(call, clock, retry_timeout=60.0)[1] == ["Refused. Trying again in 30 s."]


def test_a_pause_that_raises_ends_it() -> None:
    def pause(_seconds: float) -> None:
        raise DcsError("The timeout passed.")

    with pytest.raises(DcsError, match="The timeout passed"):
        retries.read(Call(lost()), clock=LeapingClock(), pause=pause)

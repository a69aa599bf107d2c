"""Temporary keys: renewed before they expire, and good until then whatever the metadata service does."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi_dcs.api.credentials import AccessKey
from pulumi_dcs.api.errors import CredentialsUnavailable
from pulumi_dcs.config.metadata_keys import MetadataKeys

from tests.clocks import LeapingClock
from tests.unit.api.support import chain_text
from tests.unit.api.test_connection_errors import ALL_KINDS, SECRET, made

HOUR = 3600.0


class Sdk:
    """The SDK's credentials, with a metadata service that does what is planned."""

    def __init__(self, clock: LeapingClock) -> None:
        self.ak: Any = None
        self.sk: Any = None
        self.security_token: Any = None
        self._expired_at: Any = None
        self.asked = 0
        self.clock = clock
        self.life = 24 * HOUR
        self.failure: Exception | None = None

    def update_security_token_from_metadata(self) -> None:
        self.asked += 1
        if self.failure is not None:
            self.ak = "half"  # as the SDK does: one attribute after the other
            raise self.failure
        self.ak, self.sk, self.security_token = f"a{self.asked}", f"s{self.asked}", "t"
        utc = datetime.fromtimestamp(time.time(), timezone.utc).replace(tzinfo=None)
        self._expired_at = time.mktime(utc.timetuple()) + self.life


@pytest.fixture
def clock() -> LeapingClock:
    clock = LeapingClock()
    clock.now = 1000.0
    return clock


def keys(number: int) -> AccessKey:
    return AccessKey(f"a{number}", f"s{number}", "t")


def test_they_are_asked_for_once_and_renewed_before_their_end(clock: LeapingClock) -> None:
    sdk = Sdk(clock)
    source = MetadataKeys(sdk, clock)
    assert [source(), source()] == [keys(1), keys(1)]
    clock.now += 23 * HOUR
    assert source() == keys(1)
    clock.now += 0.5 * HOUR
    assert [source(), source()] == [keys(2), keys(2)]
    assert sdk.asked == 2


def test_old_keys_serve_until_they_expire(clock: LeapingClock) -> None:
    sdk = Sdk(clock)
    source = MetadataKeys(sdk, clock)
    source()
    sdk.failure = ConnectionError(SECRET)
    clock.now += 23.5 * HOUR
    assert source() == keys(1)
    assert sdk.asked == 2
    assert source() == keys(1)
    assert sdk.asked == 2, "not asked again at each request"
    clock.now += 60.0
    assert source() == keys(1)
    assert sdk.asked == 3
    clock.now += HOUR
    with pytest.raises(CredentialsUnavailable) as caught:
        source()
    assert caught.value.is_transient
    assert SECRET not in chain_text(caught.value)
    sdk.failure = None
    clock.now += 1.0
    assert source() == keys(5)


@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
def test_whatever_the_sdk_raises_is_one_of_ours(kind: type[Exception], clock: LeapingClock) -> None:
    for failure in made(kind):
        sdk = Sdk(clock)
        sdk.failure = failure
        with pytest.raises(CredentialsUnavailable) as caught:
            MetadataKeys(sdk, clock)()
        assert SECRET not in chain_text(caught.value)


def test_the_status_of_the_metadata_service_is_told(clock: LeapingClock) -> None:
    from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, SdkError

    sdk = Sdk(clock)
    sdk.failure = ClientRequestException(500, SdkError("", 500, SECRET))
    with pytest.raises(CredentialsUnavailable, match="the metadata service responded with HTTP 500"):
        MetadataKeys(sdk, clock)()


@pytest.mark.parametrize("wrong", [None, 7, "", "with\nbreak", b"bytes"])
@pytest.mark.parametrize("part", ["ak", "sk"])
def test_keys_that_are_none(part: str, wrong: Any, clock: LeapingClock) -> None:
    sdk = SimpleNamespace(ak="a", sk="s", security_token="", update_security_token_from_metadata=lambda: None)
    setattr(sdk, part, wrong)
    with pytest.raises(CredentialsUnavailable):
        MetadataKeys(sdk, clock)()


def test_keys_whose_end_nobody_knows_are_renewed_within_the_hour(clock: LeapingClock) -> None:
    sdk = Sdk(clock)
    source = MetadataKeys(sdk, clock)
    sdk.update_security_token_from_metadata = lambda: sdk.__dict__.update(ak="a", sk="s", asked=sdk.asked + 1)  # type: ignore[method-assign]
    assert source() == AccessKey("a", "s")
    clock.now += HOUR
    source()
    assert sdk.asked == 2


def test_one_asks_and_the_others_share_what_came_of_it() -> None:
    from pulumi_dcs.api.clock import SystemClock

    begun, go_on = threading.Event(), threading.Event()
    sdk = Sdk(LeapingClock())

    def slow() -> None:
        sdk.asked += 1
        begun.set()
        go_on.wait(10)
        raise ConnectionError(SECRET)

    sdk.update_security_token_from_metadata = slow  # type: ignore[method-assign]
    source = MetadataKeys(sdk, SystemClock())
    failures: list[Exception] = []

    def ask() -> None:
        try:
            source()
        except CredentialsUnavailable as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    begun.wait(10)
    time.sleep(0.2)
    go_on.set()
    for thread in threads:
        thread.join()
    assert len(failures) == 8
    assert sdk.asked == 1

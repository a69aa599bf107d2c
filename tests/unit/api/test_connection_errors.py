"""No exception but ours leaves the transport, whatever the layers below raise, and none shows what is secret."""

from __future__ import annotations

import configparser
import http.client
import http.cookiejar
import inspect
import json
import socket
import ssl
import types
import zlib
from collections.abc import Iterator
from typing import Any

import huaweicloudsdkcore.exceptions.exceptions
import pytest
import requests.exceptions
import urllib3.exceptions
from pulumi_dcs.api.backups import Backups
from pulumi_dcs.api.client import Client
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.api.connection_errors import translated
from pulumi_dcs.api.errors import ConnectionFailed, CredentialsUnavailable, DcsError
from pulumi_dcs.api.location import Location
from pulumi_dcs.api.route import Proxy, Route
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from .support import INSTANCE, KEYS, chain_text

SECRET = "PLANTEDSECRET"
MODULES: tuple[types.ModuleType, ...] = (
    *(requests.exceptions, urllib3.exceptions, http.client, http.cookiejar, ssl, socket, json, zlib, configparser),
    huaweicloudsdkcore.exceptions.exceptions,
)
BUILT_IN = (
    *(OSError, ConnectionResetError, BrokenPipeError, TimeoutError, ValueError, TypeError, KeyError, AttributeError),
    *(RuntimeError, RecursionError, MemoryError, AssertionError, UnicodeError, StopIteration, LookupError, EOFError),
)


def kinds() -> list[type[Exception]]:
    found: dict[str, type[Exception]] = {kind.__name__: kind for kind in BUILT_IN}
    for module in MODULES:
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Exception):
                found[f"{kind.__module__}.{kind.__qualname__}"] = kind
    return [found[name] for name in sorted(found)]


def made(kind: type[Exception]) -> Iterator[Exception]:
    """Instances of the class, with the secret in whatever it holds."""
    pool = HTTPConnectionPool(SECRET)
    for arguments in (
        (SECRET,),
        (5, SECRET),
        (SECRET, SECRET),
        (pool, SECRET),
        (pool, f"http://{SECRET}", urllib3.exceptions.ProxyError(SECRET, OSError(SECRET))),
        (SECRET, 1, SECRET),
        (SECRET, SECRET, SECRET, socket.gaierror(1, SECRET)),
        (407, huaweicloudsdkcore.exceptions.exceptions.SdkError(SECRET, SECRET, SECRET)),
        ("ascii", SECRET.encode(), 0, 1, SECRET),
        (SECRET, SECRET, 0),
        (types.SimpleNamespace(tell=lambda: 0, length_remaining=0), SECRET.encode()),
    ):
        try:
            error = kind(*arguments)
        except Exception:
            continue
        error.__cause__ = ValueError(SECRET)
        yield error


ALL_KINDS = kinds()


def test_the_list_is_long() -> None:
    assert len(ALL_KINDS) > 100
    assert all(list(made(kind)) for kind in ALL_KINDS), [kind for kind in ALL_KINDS if not list(made(kind))]


@pytest.mark.parametrize("place", ["urlopen", "send", "body"])
@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
def test_whatever_is_raised_below_is_one_of_ours(
    kind: type[Exception], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error in made(kind):

        def fail(*_: Any, _error: Exception = error, **__: Any) -> Any:
            raise _error

        if place == "urlopen":
            monkeypatch.setattr(HTTPConnectionPool, "urlopen", fail)
        elif place == "send":
            monkeypatch.setattr(HTTPAdapter, "send", fail)
        else:
            broken = requests.Response()
            broken.status_code = 200
            broken.raw = types.SimpleNamespace(read1=fail, close=fail, release_conn=fail)
            monkeypatch.setattr(HTTPAdapter, "send", lambda *_, _broken=broken, **__: _broken)
        client = Client(Location("http://127.0.0.1:1", "p", "r"), lambda: KEYS, SystemClock())
        with pytest.raises(DcsError) as caught:
            Backups(client).create(INSTANCE)
        text = chain_text(caught.value)
        assert SECRET not in text
        assert KEYS.secret_key not in text
        assert "0x" not in str(caught.value)
        if isinstance(caught.value, ConnectionFailed):
            assert caught.value.facts[0].startswith(f"tried to back up instance {INSTANCE}: POST /v2/p/instances/")


@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
def test_whatever_a_source_of_credentials_raises_is_one_of_ours(kind: type[Exception]) -> None:
    for error in made(kind):

        def source(_error: Exception = error) -> Any:
            raise _error

        client = Client(Location("http://127.0.0.1:1", "p", "r"), source, SystemClock())
        with pytest.raises(CredentialsUnavailable) as caught:
            Backups(client).create(INSTANCE)
        assert SECRET not in chain_text(caught.value)


def failure(error: Exception, *, route: Route | None = None, is_prepared: bool = True) -> ConnectionFailed:
    with (
        pytest.raises(ConnectionFailed) as caught,
        translated(route=route or Route("https://x"), service="DCS", attempt="tried", is_prepared=is_prepared),
    ):
        raise error
    return caught.value


def pool_error(reason: Exception) -> urllib3.exceptions.MaxRetryError:
    return urllib3.exceptions.MaxRetryError(HTTPConnectionPool("x"), "/", reason)


def test_one_of_ours_is_left_alone() -> None:
    mine = DcsError("mine")
    with pytest.raises(DcsError) as caught, translated(route=Route("https://x"), service="DCS", attempt=""):
        raise mine
    assert caught.value is mine


def test_what_is_certain_about_a_request_that_was_never_sent() -> None:
    refused = urllib3.exceptions.NewConnectionError(HTTPConnection("x"), "m")
    refused.__cause__ = ConnectionRefusedError(111, "refused")
    error = failure(requests.exceptions.ConnectionError(pool_error(refused)))
    assert (error.sent, error.is_transient) == (False, True)
    assert error.summary == "No connection to DCS at https://x."
    assert error.facts == ("tried", "Connection refused")
    malformed = failure(requests.exceptions.InvalidURL("x"))
    assert (malformed.sent, malformed.is_transient) == (False, False)
    unprepared = failure(ValueError("x"), is_prepared=False)
    assert (unprepared.sent, unprepared.is_transient) == (False, False)


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.ReadTimeout("x"),
        requests.exceptions.ConnectionError(ConnectionResetError(104, "reset")),
        requests.exceptions.ConnectionError(http.client.RemoteDisconnected("x")),
        requests.exceptions.ChunkedEncodingError("x"),
        requests.exceptions.SSLError(ssl.SSLError(1, "x")),
        ValueError("x"),
        UnicodeDecodeError("ascii", b"x", 0, 1, "x"),
        OSError("x"),
    ],
)
def test_what_is_not_certain_counts_as_sent(error: Exception) -> None:
    assert failure(error).sent


def test_tls_says_before_the_request_or_after() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "x")
    error = failure(requests.exceptions.SSLError(pool_error(urllib3.exceptions.SSLError(untrusted))))
    assert (error.sent, error.is_transient) == (False, False)
    assert "REQUESTS_CA_BUNDLE" in error.advice
    wrong = ssl.SSLError(1, "x")
    wrong.reason = "WRONG_VERSION_NUMBER"
    error = failure(requests.exceptions.SSLError(pool_error(urllib3.exceptions.SSLError(wrong))))
    assert (error.sent, error.is_transient, error.facts[1]) == (False, True, "TLS: WRONG_VERSION_NUMBER")
    broken = ssl.SSLError(1, "x")
    broken.reason = "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"
    assert failure(requests.exceptions.SSLError(broken)).sent


def test_a_proxy_is_blamed_by_its_variable() -> None:
    route = Route("https://x", Proxy(f"http://u:{SECRET}@proxy:3128", "HTTPS_PROXY", "proxy:3128"))
    tunnel = urllib3.exceptions.ProxyError("x", OSError("Tunnel connection failed: 407 Proxy Authentication Required"))
    error = failure(requests.exceptions.ProxyError(pool_error(tunnel)), route=route)
    assert (error.sent, error.is_transient) == (False, False)
    assert str(error) == (
        "No connection to DCS at https://x through the proxy proxy:3128.\n  tried\n  the proxy refused with HTTP 407\n"
        "  What to do: check the proxy that HTTPS_PROXY names, and whether it lets us through."
    )
    away = urllib3.exceptions.ProxyError("x", ConnectionRefusedError(111, "x"))
    assert failure(requests.exceptions.ProxyError(pool_error(away)), route=route).is_transient


def test_certificates_that_have_vanished_are_blamed_by_their_variable(tmp_path: Any) -> None:
    route = Route("https://x", bundle=str(tmp_path / "gone.pem"), bundle_source="CURL_CA_BUNDLE")
    error = failure(OSError("Could not find a suitable TLS CA certificate bundle"), route=route)
    assert (error.sent, error.is_transient) == (False, False)
    assert "CURL_CA_BUNDLE" in error.advice
    assert "gone.pem" not in chain_text(error)
    assert failure(requests.exceptions.ConnectionError(ConnectionResetError(104, "x")), route=route).sent

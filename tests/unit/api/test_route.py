"""Proxies and certificates that the environment names: used, or refused by name, and never shown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import requests.adapters
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_dcs.api.errors import ConnectionFailed
from pulumi_dcs.api.route import BUNDLE_VARIABLES, Route, find_route
from requests.adapters import HTTPAdapter

from .support import chain_text

ENDPOINT = "https://dcs.example"
PASSWORD = "PLANTEDSECRET"


def route(endpoint: str = ENDPOINT) -> Route:
    return find_route(endpoint, HTTPAdapter())


def test_without_anything_named() -> None:
    assert route("https://user:pw@dcs.example:8443/path") == Route("https://dcs.example:8443")
    assert route("http://[::1]:1") == Route("http://[::1]:1")


@pytest.mark.parametrize(
    ("value", "url", "address"),
    [
        ("http://proxy:3128", "http://proxy:3128", "proxy:3128"),
        ("http://proxy:3128/", "http://proxy:3128/", "proxy:3128"),
        ("proxy:3128", "http://proxy:3128", "proxy:3128"),
        (f"u:{PASSWORD}@proxy", f"http://u:{PASSWORD}@proxy", "proxy"),
        (f"http://u:{PASSWORD}%23@proxy:1", f"http://u:{PASSWORD}%23@proxy:1", "proxy:1"),
        (f"http://u:{PASSWORD}@x@proxy:1", f"http://u:{PASSWORD}%40x@proxy:1", "proxy:1"),
        (f"http://u:{PASSWORD}[@proxy:1", f"http://u:{PASSWORD}%5B@proxy:1", "proxy:1"),
    ],
)
def test_a_proxy_that_can_be_used(value: str, url: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    proxy = route().proxy
    assert proxy is not None
    assert (proxy.url, proxy.address, proxy.source) == (url, address, "HTTPS_PROXY")
    assert PASSWORD not in repr(route())


@pytest.mark.parametrize(
    "value",
    [
        f"http://u:{PASSWORD}@proxy:port",
        f"http://u:{PASSWORD}@proxy:99999",
        f"http://u:{PASSWORD}#x@proxy:1",
        f"http://u#{PASSWORD}@proxy:1",
        f"http://u:{PASSWORD}/x@proxy:1",
        f"http://u:{PASSWORD}?x@proxy:1",
        f"http://u:{PASSWORD}@pro xy:1",
        f"http://u:{PASSWORD}@[::1",
        f"http://u:{PASSWORD}€@proxy:1",
        f"http://u:{PASSWORD}@",
        f"ftp://u:{PASSWORD}@proxy:1",
        f"http://proxy:1/?{PASSWORD}",
        f"http://{PASSWORD}\x7f",
        "http://",
        "://",
    ],
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_one_that_can_not_be_used_is_blamed_by_its_variable(
    value: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConnectionFailed, match=f"The proxy in {variable}") as caught:
        route()
    assert (caught.value.sent, caught.value.is_transient) == (False, False)
    assert variable in caught.value.advice
    assert PASSWORD not in chain_text(caught.value)


def test_socks_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    if "socks" in sys.modules:
        pytest.skip("PySocks is here")
    monkeypatch.setenv("ALL_PROXY", f"socks5h://u:{PASSWORD}@proxy:1080")
    with pytest.raises(ConnectionFailed, match="is a SOCKS proxy, which needs the package PySocks") as caught:
        route()
    assert "requests[socks]" in caught.value.advice
    assert PASSWORD not in chain_text(caught.value)


def test_settings_of_the_system_that_can_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(PASSWORD)

    monkeypatch.setattr("pulumi_dcs.api.route.get_environ_proxies", fail)
    with pytest.raises(ConnectionFailed) as caught:
        route()
    assert PASSWORD not in chain_text(caught.value)


def test_a_loopback_endpoint_has_neither_proxy_nor_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    for endpoint in ("http://127.0.0.1:1", "http://localhost:1", "http://LOCALHOST", "http://[::1]:1"):
        assert route(endpoint).proxy is None
        assert route(endpoint).bundle is None


@pytest.mark.parametrize("variable", BUNDLE_VARIABLES)
def test_certificates_that_can_not_be_used(variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(variable, str(tmp_path / PASSWORD))
    with pytest.raises(ConnectionFailed, match=f"The certificates in {variable} are missing") as caught:
        route()
    assert PASSWORD not in chain_text(caught.value)
    (tmp_path / PASSWORD).write_text("no certificates")
    with pytest.raises(ConnectionFailed, match="the file holds no certificates") as caught:
        route()
    assert PASSWORD not in chain_text(caught.value)
    assert variable in caught.value.advice
    monkeypatch.setenv(variable, str(tmp_path))
    assert (route().bundle, route().bundle_source) == (str(tmp_path), variable)
    monkeypatch.setenv(variable, requests.adapters.DEFAULT_CA_BUNDLE_PATH)
    assert route().bundle_source == variable


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    before=st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=12),
    after=st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=12),
    scheme=st.sampled_from(["", "http://", "https://", "socks5://", "socks5h://", "HTTP://", "//", "http:"]),
    name=st.sampled_from(["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", *BUNDLE_VARIABLES]),
)
def test_any_value_is_used_or_refused_and_never_shown(
    before: str, after: str, scheme: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("HTTPS_PROXY", "http://proxy:1")
        patch.setenv(name, f"{scheme}{before}u:{PASSWORD}{after}@proxy")
        try:
            found = route()
        except ConnectionFailed as error:
            assert PASSWORD not in chain_text(error)
            assert not error.sent
        else:
            assert PASSWORD not in repr(found).replace("proxy", "")

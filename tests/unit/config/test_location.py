"""Endpoints that can be, and those that are refused without a look at what they hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.api.errors import ConnectionFailed
from pulumi_dcs.api.location import Location
from pulumi_dcs.api.transport import Transport
from pulumi_dcs.config.errors import SettingsError
from pulumi_dcs.config.location import checked_endpoint, is_region, resolve_location

from .support import settings

PASSWORD = "PLANTEDSECRET"


@pytest.mark.parametrize(
    "value",
    [
        *("http://127.0.0.1:8780", "http://localhost", "http://[::1]:1", "http://127.8.9.10", "http://LOCALHOST:1"),
        *("https://x.example", "https://x.example:8443", "https://x.example/prefix", "https://x_y.example"),
        *("https://10.0.0.1", "https://[fd00::1]:443", f"https://{'a' * 63}.example", "https://x.example."),
        *("HTTPS://X.example", "https://2x.example"),
    ],
)
def test_endpoints(value: str) -> None:
    assert checked_endpoint(value, "DCS_ENDPOINT") == value
    assert checked_endpoint(f"{value}/", "DCS_ENDPOINT") == value


@pytest.mark.parametrize(
    "value",
    [
        *("http://dcs.example.com", "http://127.0.0.1.example.com", "http://localhost.example", "http://10.0.0.1"),
        *("ftp://x", "x", "https://", "https:///path", "//x.example", "https:x.example"),
        *(f"https://user:{PASSWORD}@x.example", f"https://{PASSWORD}@x.example", f"https://x.example?a={PASSWORD}"),
        *(f"https://x.example#{PASSWORD}", "https://x.example?", "https://x.example#", f"https://x/{PASSWORD} x"),
        *("https://x:port", "https://x:0", "https://x:99999", "https://x:", "https://x:-1"),
        *("https://dcs..myhuaweicloud.com", "https://[::zz]", "https://[::1", "https://::1", "https://[fe80::1%eth0]"),
        *(f"https://{'a' * 64}.example", f"https://dcs.{'a' * 70}.com", f"https://{'a.' * 127}example"),
        *("https://-x.example", "https://x-.example", "https://.example", "https://*.example", "https://{region}.x"),
        *("https://ex\nample", "https://ex\tample", "https://exämple", "https://x.example\u200b", "https://256.1.1.1"),
        *("https://1.2.3", "https://x.example/%00"),
    ],
)
def test_other_endpoints_are_refused_and_not_shown(value: str) -> None:
    with pytest.raises(SettingsError, match=r"^DCS_ENDPOINT ") as caught:
        settings(DCS_ENDPOINT=value).endpoint("")
    assert PASSWORD not in str(caught.value)


@given(st.text(max_size=20) | st.from_regex(r"https://[a-z0-9.\[\]:@%_-]{0,20}(/[a-z]{0,3})?", fullmatch=True))
def test_what_is_let_through_can_be_written_into_a_request(value: str) -> None:
    try:
        endpoint = checked_endpoint(value, "DCS_ENDPOINT")
    except SettingsError:
        return
    Transport(endpoint, SystemClock(), "test")


def test_the_transport_refuses_what_is_no_url() -> None:
    with pytest.raises(ConnectionFailed):
        Transport("x", SystemClock(), "test")


def test_regions() -> None:
    assert all(map(is_region, ("cn-north-4", "a", "la-south-2", "r" * 63)))
    assert not any(map(is_region, ("", "a b", "-a", "a-", "a.b", "r" * 64, "a\n")))


def never(_region: str) -> str:
    raise AssertionError("a project is named")


def test_a_location_is_what_the_resource_names_else_what_the_settings_name() -> None:
    configured = settings({"dcs:region": "r1", "dcs:projectId": "p1"})
    assert resolve_location(configured, find_project=never) == Location("https://dcs.r1.myhuaweicloud.com", "p1", "r1")
    assert resolve_location(configured, "r2", "p2", find_project=never) == Location(
        "https://dcs.r2.myhuaweicloud.com", "p2", "r2"
    )
    unnamed = settings({"dcs:region": "r1"})
    assert resolve_location(unnamed, find_project=lambda region: f"project-of-{region}").project_id == "project-of-r1"
    for region, project_id in (("a b", ""), ("", "a/b"), ("..", "")):
        with pytest.raises(SettingsError):
            resolve_location(configured, region, project_id, find_project=never)


def test_an_endpoint_of_one_s_own_needs_no_region() -> None:
    location = resolve_location(settings(DCS_ENDPOINT="https://x.example", HW_PROJECT_ID="p"), find_project=never)
    assert location == Location("https://x.example", "p", "")

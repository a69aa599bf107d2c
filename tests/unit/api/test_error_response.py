"""Any response that is no success becomes one readable error, in every shape that the service and gateways have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.api.error_response import clock_skew, error_from, is_throttled, service_time
from pulumi_dcs.api.errors import (
    AuthenticationError,
    InstanceBusyError,
    NotFoundError,
    ServiceError,
    ThrottledError,
    UnexpectedResponse,
)
from pulumi_dcs.api.transport import Request, Response

from tests.endpoint import ACCESS_KEY, SECRET_KEY

from .support import response

POST = Request("POST", "/v2/p/instances/i/backups")
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
errors = st.dictionaries(
    st.sampled_from(("error_code", "error_msg", "error", "code", "message", "msg", "ext_message")), anything
)
header_texts = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=80)


def error_for(made: Response, *secrets: str) -> ServiceError:
    return error_from(made, POST, action="back up instance i", region="r", clock=SystemClock(), secrets=secrets)


@pytest.mark.parametrize(
    "body",
    [
        {"error_code": "DCS.4086", "error_msg": "Single", "error_ext_msg": None},
        {"error": {"code": "111400086", "message": "Single"}},
        {"error": {"error_code": "DCS.4086", "error_msg": "Single"}},
        {"code": "111400086", "message": "Single", "ext_message": None},
        {"code": 111400086, "message": "", "ext_message": "Single"},
        {"error_code": "111400086", "error_msg": "Single"},
    ],
)
def test_the_shapes(body: Any) -> None:
    error = error_for(response(400, body, X_Request_Id="rid"))
    assert (error.error_code, error.error_msg, error.request_id) == ("DCS.4086", "Single", "rid")
    assert "single-node" in error.advice
    assert error.summary == "DCS refused to back up instance i"
    if "111400086" in json.dumps(body):
        assert "DCS.4086 (sent as 111400086)" in str(error)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "DCS.4096", InstanceBusyError),
        (400, "DCS.4017", InstanceBusyError),
        (500, "DCS.4069", InstanceBusyError),
        (500, "DCS.4096", UnexpectedResponse),
        (500, "DCS.5078", UnexpectedResponse),
        (400, "DCS.4107", ServiceError),
        (400, "DCS.4119", ServiceError),
        (404, "DCS.3022", NotFoundError),
        (404, "DCS.4001", NotFoundError),
        (403, "DCS.3002", AuthenticationError),
        (401, "", AuthenticationError),
        (429, "", ThrottledError),
        (403, "APIGW.0308", ThrottledError),
        (302, "", ServiceError),
        (408, "", UnexpectedResponse),
        (200, "", UnexpectedResponse),
        (503, "", UnexpectedResponse),
    ],
)
def test_the_kinds(status: int, code: str, kind: type[ServiceError]) -> None:
    made = response(status, {"error_code": code, "error_msg": "m"})
    error = error_for(made)
    assert type(error) is kind
    assert is_throttled(made) == (kind is ThrottledError)


def test_an_error_without_a_code_is_told_from_its_text() -> None:
    assert error_for(response(502, b"<html><style>x</style><h1>Bad gateway</h1></html>")).error_msg == "Bad gateway"
    assert error_for(response(500)).error_msg == "an empty response"
    cut = Response(500, {}, b"half", is_complete=False)
    assert error_for(cut).error_msg == "half (the response was cut off)"
    odd = error_for(response(400, {"error_code": "no code at all", "error_msg": "m"}))
    assert (odd.error_code, odd.error_msg) == ("", "no code at all m")


def test_secrets_are_hidden_as_they_are_and_as_gateways_write_them() -> None:
    secret = "AbC+/=<&>xyz"
    texts = [secret, "AbC%2B%2F%3D%3C%26%3Exyz", "AbC+/=&lt;&amp;&gt;xyz"]
    error = error_for(response(400, {"error_msg": " ".join(texts)}, Location=f"http://x/?t={texts[1]}"), secret)
    assert "xyz" not in str(error)
    assert error.error_msg == "*** *** ***"


@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=400) | errors.map(lambda value: json.dumps(value).encode()),
    headers=st.dictionaries(
        st.sampled_from(("X-Request-Id", "Retry-After", "Date", "Location", "Content-Type")), header_texts
    ),
    is_complete=st.booleans(),
)
def test_any_response_is_one_readable_error(
    status: int, body: bytes, headers: dict[str, str], *, is_complete: bool
) -> None:
    made = Response(status, headers, body + SECRET_KEY.encode(), is_complete)
    error = error_for(made, ACCESS_KEY, SECRET_KEY)
    text = str(error)
    assert SECRET_KEY not in text
    assert len(text) < 3000
    assert error.advice
    assert all(character.isprintable() or character == "\n" for character in text), text
    assert error.retry_after is None or error.retry_after >= 0
    service_time(made)
    clock_skew(made, SystemClock())


@given(
    before=st.integers(0, 800),
    part=st.sampled_from(["error_msg", "error_code", "error", "text", "<p>"]),
    header=st.sampled_from(["X-Request-Id", "Location"]),
)
def test_a_secret_at_the_edge_of_a_cut_does_not_show_its_beginning(before: int, part: str, header: str) -> None:
    planted = "x" * before + SECRET_KEY
    body = part + planted if part in ("text", "<p>") else json.dumps({part: planted})
    error = error_for(Response(400, {header: planted}, body.encode()), SECRET_KEY)
    assert SECRET_KEY[:4] not in str(error)
    assert SECRET_KEY[:4] not in error.error_code

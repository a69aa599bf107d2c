"""One request: when it leaves, what it is signed with, what its failure tells."""

from __future__ import annotations

import pytest
from pulumi_dcs.api.client import Client
from pulumi_dcs.api.credentials import AccessKey, AuthToken, Credentials
from pulumi_dcs.api.errors import (
    AuthenticationError,
    CredentialsUnavailable,
    DcsError,
    InstanceBusyError,
    ThrottledError,
    UnexpectedResponse,
)
from pulumi_dcs.api.location import Location
from pulumi_dcs.api.messages import Request, Response, path_segment

from tests.clocks import LeapingClock

from .support import KEYS, Service, chain_text, client_at, response

GET = Request("GET", "/v2/p/instances/i")
LOCATION = Location("http://127.0.0.1:1", "p", "cn-north-4")


def test_a_request_that_is_refused_tells_what_was_asked_for(service: Service) -> None:
    service.plan(response(403, {"error_code": "DCS.2003", "error_msg": "No"}, X_Request_Id="rid"))
    with pytest.raises(AuthenticationError) as caught:
        client_at("http://127.0.0.1:1").send(GET, action="list the backups of instance i")
    assert str(caught.value) == (
        "DCS refused to list the backups of instance i\n"
        "  HTTP 403  DCS.2003: No\n"
        "  request id rid, GET /v2/p/instances/i in cn-north-4\n"
        "  What to do: give these credentials a role with the permission for this DCS operation in this project (IAM)."
    )


def test_another_service_is_called_by_its_name(service: Service) -> None:
    service.plan(response(500))
    iam = Client(LOCATION, lambda: KEYS, LeapingClock(), service="IAM")
    with pytest.raises(UnexpectedResponse, match="IAM failed to look up x"):
        iam.send(GET, action="look up x")


def test_an_expected_status_with_half_a_body_is_unexpected(service: Service) -> None:
    service.plan(Response(200, {}, b'{"a"', is_complete=False))
    with pytest.raises(UnexpectedResponse, match="cut off"):
        client_at("http://127.0.0.1:1").send(GET, action="x")


def test_after_a_429_requests_wait_by_the_pause_that_they_are_given(service: Service) -> None:
    clock = LeapingClock()
    client = client_at("http://127.0.0.1:1", clock=clock)
    service.plan(response(429, Retry_After="7"), response(200), response(200))
    with pytest.raises(ThrottledError) as caught:
        client.send(GET, action="x")
    assert caught.value.retry_after == 7.0
    assert client.spacing > 0
    client.send(GET, action="x")
    assert clock.now >= 7.0

    def pause(_seconds: float) -> None:
        raise DcsError("The timeout passed.")

    with pytest.raises(DcsError, match="The timeout passed"):
        client.send(GET, action="x", pause=pause)
    assert len(service.requests) == 2


def test_any_response_but_a_429_was_accepted_by_the_rate_limit(service: Service) -> None:
    client = client_at("http://127.0.0.1:1")
    service.plan(*[response(400, {"error_code": "DCS.4096"}) for _ in range(50)], response(429))
    for _ in range(50):
        with pytest.raises(InstanceBusyError):
            client.send(GET, action="x")
    with pytest.raises(ThrottledError):
        client.send(GET, action="x")
    assert client.spacing < 0.05


class Renewed:
    """A source that fails whenever it is asked again."""

    def __init__(self, *results: Credentials | Exception) -> None:
        self.results = list(results)
        self.asked = 0

    def __call__(self) -> Credentials:
        self.asked += 1
        found = self.results.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def test_credentials_are_got_once_and_before_the_exchange(service: Service) -> None:
    source = Renewed(KEYS, RuntimeError("asked again"))
    service.plan(response(500, {"error_msg": f"bad {KEYS.secret_key}"}))
    with pytest.raises(UnexpectedResponse) as caught:
        Client(LOCATION, source, LeapingClock()).send(GET, action="x")
    assert source.asked == 1
    assert KEYS.secret_key not in chain_text(caught.value)


@pytest.mark.parametrize("failure", [CredentialsUnavailable("The metadata is gone."), RuntimeError("SECRETPART")])
def test_a_source_that_fails_is_one_of_ours_and_nothing_was_sent(service: Service, failure: Exception) -> None:
    with pytest.raises(CredentialsUnavailable) as caught:
        Client(LOCATION, Renewed(failure), LeapingClock()).send(GET, action="x")
    assert "SECRETPART" not in chain_text(caught.value)
    assert not service.requests


def test_keys_of_before_are_hidden_as_well(service: Service) -> None:
    source = Renewed(AccessKey("OLDAK", "OLDSK"), AuthToken("NEWTOKEN"))
    client = Client(LOCATION, source, LeapingClock())
    service.plan(response(200), response(400, {"error_msg": "OLDAK OLDSK NEWTOKEN"}))
    client.send(GET, action="x")
    with pytest.raises(DcsError) as caught:
        client.send(GET, action="x")
    assert "*** *** ***" in str(caught.value)


@pytest.mark.parametrize("text", ["", ".", "..", "..."])
def test_dots_are_no_segment_of_a_path(text: str) -> None:
    with pytest.raises(DcsError):
        path_segment(text)

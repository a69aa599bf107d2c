"""One client per location, one question to IAM per region, and failures that are shared."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from pulumi_dcs.api.credentials import AccessKey
from pulumi_dcs.api.errors import AuthenticationError, ConnectionFailed, DcsError
from pulumi_dcs.api.location import Location
from pulumi_dcs.api.transport import Request, Response
from pulumi_dcs.clients import Clients
from pulumi_dcs.config.errors import SettingsError
from pulumi_dcs.config.settings import Settings

from tests.clocks import LeapingClock

from .api.conftest import no_way_named_from_outside
from .api.support import Service, response, service
from .config.support import NoChain, settings

__all__ = ["no_way_named_from_outside", "service"]

KEYS = {"HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "s"}


def clients(**environment: str) -> Clients:
    return Clients(settings({}, **KEYS, **environment), LeapingClock(), "1")


def projects(*ids: str) -> Response:
    return response(200, {"projects": [{"id": project_id} for project_id in ids]})


def test_one_client_per_location(service: Service) -> None:
    found = clients(HW_REGION_NAME="r1", HW_PROJECT_ID="p1")
    assert found.client() is found.client("r1", "p1")
    assert found.client("r2").location == Location("https://dcs.r2.myhuaweicloud.com", "p1", "r2")
    assert found.client("r2") is not found.client()
    assert found.client(project_id="p2").location.project_id == "p2"
    assert not service.requests


def test_the_project_is_asked_of_iam_once_per_region(service: Service) -> None:
    found = clients(HW_REGION_NAME="r1")
    service.plan(projects("p1"), projects("p2"))
    assert [found.client().location.project_id for _ in range(3)] == ["p1"] * 3
    assert found.project_id("r1") == "p1"
    assert found.location("r2").project_id == "p2"
    assert [request.path for request in service.requests] == ["/v3/projects", "/v3/projects"]


def test_it_is_tried_again_for_a_short_while(service: Service) -> None:
    service.plan(response(500), response(502), projects("p1"))
    assert clients().project_id("r1") == "p1"


def test_a_failure_is_shared_and_tells_what_would_spare_the_question(service: Service) -> None:
    found = clients()
    service.plan(response(403, {"error_msg": "No"}))
    errors = []
    for _ in range(3):
        with pytest.raises(AuthenticationError, match="IAM refused to look up the project of region r1") as caught:
            found.client("r1")
        errors.append(caught.value)
    assert len(service.requests) == 1
    assert len({id(error) for error in errors}) == 3, "each raises its own: a traceback belongs to one"
    assert "looked up because no setting names the project's id" in errors[0].facts
    for name in ("dcs:projectId", "huaweicloud:projectId", "HW_PROJECT_ID"):
        assert name in errors[0].advice


@pytest.mark.parametrize(("ids", "found"), [((), "no project"), (("p1", "p2"), r"2 projects \(p1, p2\)")])
def test_none_or_several(ids: tuple[str, ...], found: str, service: Service) -> None:
    service.plan(projects(*ids))
    with pytest.raises(SettingsError, match=f"IAM knows {found} of the name r1"):
        clients().project_id("r1")


def test_without_a_region_there_is_nothing_to_ask(service: Service) -> None:
    with pytest.raises(SettingsError, match="no region to look it up by"):
        clients(DCS_ENDPOINT="https://x.example").client()
    assert not service.requests


def test_whoever_comes_meanwhile_waits_for_the_same_response(service: Service) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(request: Request, *_: object, **__: object) -> Response:
        service.requests.append(request)
        begun.set()
        go_on.wait(10)
        return projects("p1")

    service.exchange = slow  # type: ignore[method-assign]
    found = clients()
    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.append(found.project_id("r1"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    begun.wait(10)
    # Others are not held up: a project that is named needs no question.
    assert found.client("r1", "p9").location.project_id == "p9"
    go_on.set()
    for thread in threads:
        thread.join()
    assert results == ["p1"] * 8
    assert len(service.requests) == 1


def test_credentials_are_looked_for_once(service: Service) -> None:
    class Counting(NoChain):
        asked = 0

        def metadata(self) -> Callable[[], AccessKey]:  # type: ignore[override]
            Counting.asked += 1
            return lambda: AccessKey("a", "s")

    found = Clients(Settings({}, {"HW_PROJECT_ID": "p"}, Counting({})), LeapingClock())
    for region in ("r1", "r2", "r3"):
        found.client(region)
    assert Counting.asked == 1


def test_missing_credentials_and_a_broken_way_are_told_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="No credentials"):
        Clients(settings({}, HW_PROJECT_ID="p"), LeapingClock()).client("r1")
    monkeypatch.setenv("HTTPS_PROXY", "http://u:PLANTED#x@proxy:1")
    monkeypatch.delenv("https_proxy", raising=False)
    with pytest.raises(ConnectionFailed, match="The proxy in HTTPS_PROXY") as caught:
        clients(HW_PROJECT_ID="p").client("r1")
    assert isinstance(caught.value, DcsError)
    assert "PLANTED" not in str(caught.value)

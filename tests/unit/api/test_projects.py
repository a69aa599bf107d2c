"""The projects that IAM knows."""

from __future__ import annotations

import pytest
from pulumi_dcs.api.errors import UnexpectedResponse
from pulumi_dcs.api.projects import Projects

from .support import Service, client_at, response


def test_the_ids_of_the_projects_of_a_region(service: Service) -> None:
    service.plan(response(200, {"projects": [{"id": "p1"}, {"id": None}, 7, {"id": "p2"}]}))
    assert Projects(client_at("http://127.0.0.1:1")).ids_named("cn-north-4") == ["p1", "p2"]
    assert service.requests[0].query == (("name", "cn-north-4"),)


def test_what_is_no_list_of_projects(service: Service) -> None:
    service.plan(response(200, {"projects": None}))
    with pytest.raises(UnexpectedResponse, match="look up the project of region r"):
        Projects(client_at("http://127.0.0.1:1")).ids_named("r")

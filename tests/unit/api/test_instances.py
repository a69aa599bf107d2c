"""An instance's details, and whether there is one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from pulumi_dcs.api.errors import NotFoundError, ServiceError, UnexpectedResponse
from pulumi_dcs.api.instances import Instance, Instances, is_instance_gone

from tests.endpoint import PROJECT_ID

from .support import INSTANCE, Service, client_at, response
from .test_error_response import anything

DETAILS: dict[str, Any] = {
    "name": "orders",
    "cache_mode": "ha",
    "status": "RUNNING",
    "task": "BACKUPING",
    "engine": "Redis",
    "engine_version": "6.0",
    "capacity": 0,
    "capacity_minor": ".125",
    "used_memory": 12,
    "max_memory": 128,
    "spec_code": "redis.ha.xu1.tiny.r2.128",
    "enterprise_project_id": 0,
}


def test_show(service: Service) -> None:
    service.plan(response(200, DETAILS))
    shown = Instances(client_at("http://127.0.0.1:1")).show(INSTANCE)
    assert shown == Instance(
        *(INSTANCE, "orders", "ha", "RUNNING", "BACKUPING", "Redis", "6.0", 0.125, 12, 128, "redis.ha.xu1.tiny.r2.128")
    )
    assert service.requests[0].path == f"/v2/{PROJECT_ID}/instances/{INSTANCE}"
    assert not shown.is_single_node


@given(anything)
def test_any_body_is_an_instance(body: Any) -> None:
    assert Instance.parse(body, "i").instance_id == "i"


def test_details_that_are_none(service: Service) -> None:
    service.plan(response(200, b"[]"))
    with pytest.raises(UnexpectedResponse, match="asked to read the details of instance"):
        Instances(client_at("http://127.0.0.1:1")).show(INSTANCE)


def test_a_task_may_be_null_and_a_row_of_the_list_has_no_mode() -> None:
    assert Instance.parse({"task": None}, "i").task == ""
    row = Instance.parse({"instance_id": "i", "spec_code": "redis.single.au1.large.4", "capacity": 4})
    assert row.is_single_node
    assert (row.instance_id, row.capacity_gb) == ("i", 4.0)
    assert not Instance.parse({"cache_mode": "ha", "spec_code": "redis.single.x"}).is_single_node


@pytest.mark.parametrize(
    ("error", "is_gone"),
    [
        (NotFoundError("x", http_status=404, error_code="DCS.3022"), True),
        (ServiceError("x", http_status=400, error_code="DCS.4119"), True),
        (NotFoundError("x", http_status=404, error_code="DCS.4001"), False),
        (NotFoundError("x", http_status=404), False),
        (ServiceError("x", http_status=500, error_code="DCS.4119"), False),
        (ServiceError("x", http_status=400, error_code="DCS.4061"), False),
        (ValueError(), False),
        (None, False),
    ],
)
def test_only_dcs_itself_knows_that_an_instance_is_gone(error: BaseException | None, *, is_gone: bool) -> None:
    assert is_instance_gone(error) is is_gone

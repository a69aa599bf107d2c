"""Instances, in lists and in detail: with the odd types of the documentation's samples."""

from __future__ import annotations

from typing import Any

import pytest

from tests.endpoint import CLUSTER, HA, PROJECT_ID, REDIS_3, SINGLE

from .local import INSTANCES, Local


def names(local: Local, **query: Any) -> list[str]:
    body = local.call("GET", INSTANCES, limit=100, **query).json()
    assert body["instance_num"] == len(body["instances"])
    return [row["name"] for row in body["instances"]]


def row(local: Local, name: str) -> Any:
    return local.call("GET", INSTANCES, name=name).json()["instances"][0]


def test_orders(local: Local) -> None:
    shown = local.show(HA)
    assert {name: shown[name] for name in ("name", "engine", "engine_version", "cache_mode", "status", "task")} == {
        "name": "orders",
        "engine": "Redis",
        "engine_version": "6.0",
        "cache_mode": "ha",
        "status": "RUNNING",
        "task": None,
    }
    sizes = [shown[name] for name in ("capacity", "capacity_minor", "max_memory", "used_memory", "spec_code")]
    assert sizes == [4, None, 4096, 1229, "redis.ha.xu1.large.4"]


def test_less_than_a_gigabyte(local: Local) -> None:
    shown = local.show(SINGLE)
    assert (shown["capacity"], shown["capacity_minor"], shown["max_memory"]) == (0, ".125", 128)
    assert shown["spec_code"] == "redis.single.xu1.tiny.128"


def test_rows_of_the_list(local: Local) -> None:
    listed, shown = row(local, "orders"), local.show(HA)
    assert "cache_mode" not in listed
    assert "task" not in listed
    assert (listed["no_password_access"], shown["no_password_access"]) == (False, "false")
    assert (listed["enterprise_project_id"], shown["enterprise_project_id"]) == (0, 0)
    assert listed["spec_code"] == shown["spec_code"]


def test_filters(local: Local) -> None:
    everything = ["carts", "catalogue", "legacy", "orders", "prices", "sessions"]
    local.control("PATCH", f"/instances/{HA}", {"tags": {"team": "shop", "1": "x"}, "ip": "10.0.0.1"})
    local.control("PATCH", f"/instances/{CLUSTER}", {"tags": {"team": "shop"}})
    assert names(local) == everything
    assert names(local, name="ca") == ["carts", "catalogue"]
    assert names(local, name="carts", name_equal="true") == ["carts"]
    assert names(local, name="cart", name_equal="true") == []
    assert names(local, instance_id=HA) == ["orders"]
    assert names(local, tags="team=shop") == ["catalogue", "orders"]
    assert names(local, tags="team=shop,1=x") == ["orders"]
    assert names(local, ip="10.0.0.1") == ["orders"]
    assert names(local, capacity="4") == ["carts", "orders"]
    assert names(local, status="RUNNING") == everything
    assert {"key": 1, "value": "x"} in row(local, "orders")["tags"]


def test_instances_whose_creation_failed_are_left_out(local: Local) -> None:
    local.control("PATCH", f"/instances/{REDIS_3}", {"status": "CREATEFAILED"})
    assert "legacy" not in names(local)
    assert "legacy" in names(local, include_failure="true")
    assert names(local, status="CREATEFAILED") == ["legacy"]


@pytest.mark.parametrize(
    ("query", "code"), [({"offset": -1}, "DCS.4800"), ({"limit": 1001}, "DCS.4005"), ({"capacity": "x"}, "DCS.4005")]
)
def test_what_a_list_refuses(local: Local, query: dict[str, Any], code: str) -> None:
    assert local.call("GET", INSTANCES, **query).error == (400, code)


def test_several_projects_in_several_regions(local: Local) -> None:
    (other,) = local.control("POST", "/projects", [{"name": "cn-south-1"}])
    (shop,) = local.control("POST", "/projects", [{"name": "cn-north-4_shop", "project_id": "f" * 32}])
    (instance_id,) = local.control("POST", "/instances", [{"name": "there", "project_id": other}])
    assert shop == "f" * 32
    assert projects(local) == {"cn-north-4": PROJECT_ID, "cn-south-1": other, "cn-north-4_shop": shop}
    assert projects(local, name="cn-south-1") == {"cn-south-1": other}
    assert projects(local, name="cn-east-3") == {}
    there = f"/v2/{other}/instances"
    assert [found["name"] for found in local.call("GET", there).json()["instances"]] == ["there"]
    assert local.call("POST", f"{there}/{instance_id}/backups", {}).status == 200
    assert local.call("GET", f"{there}/{HA}/backups").error == (404, "DCS.3022")
    assert local.backups(instance_id).error == (404, "DCS.3022")
    assert local.world.requests[-2].project_id == other
    local.control("POST", "/reset")
    assert projects(local) == {"cn-north-4": PROJECT_ID}


def test_a_host_name_for_each_region(local: Local) -> None:
    (south,) = local.control("POST", "/projects", [{"name": "cn-south-1"}])
    (there,) = local.control("POST", "/instances", [{"project_id": south}])
    local.behave(regions_by_host={"localhost": "cn-south-1", "127.0.0.1": "cn-north-4"})
    here = f"{INSTANCES}/{HA}"
    assert local.call("GET", here).status == 200
    assert local.call("GET", here, host="localhost:1").error == (404, "DCS.3022")
    assert local.call("GET", INSTANCES, host="localhost:1").json()["instance_num"] == 0
    assert local.call("GET", f"/v2/{south}/instances/{there}", host="localhost:1").status == 200
    assert local.call("GET", f"/v2/{south}/instances/{there}").error == (404, "DCS.3022")


def projects(local: Local, **query: Any) -> dict[str, str]:
    body = local.call("GET", "/v3/projects", **query).json()
    return {found["name"]: found["id"] for found in body["projects"]}

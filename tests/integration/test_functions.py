"""What a plain Python program looks up at a service, without an engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi_dcs import functions, get_instances
from pulumi_dcs.lookups.found import Instance
from pulumi_dcs.program import Program

from tests.clocks import LeapingClock
from tests.endpoint import CLUSTER, HA, LocalEndpoint


@pytest.fixture(autouse=True)
def program(endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """A run of its own for each test."""
    found = Program({}, endpoint.environment, clock=LeapingClock())
    monkeypatch.setattr(functions, "current_program", lambda: found)
    yield found


def names(instances: list[Instance]) -> list[str]:
    return [instance.name for instance in instances]


def refusal(function: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        function(*arguments, **named)
    return str(caught.value)


def test_instances_by_name() -> None:
    found = get_instances()
    assert names(found) == ["carts", "catalogue", "legacy", "orders", "prices", "sessions"]
    orders = found[3]
    assert orders == Instance(
        instance_id=HA,
        name="orders",
        status="RUNNING",
        engine="Redis",
        engine_version="6.0",
        capacity_gb=4.0,
        max_memory_mb=4096,
        used_memory_mb=1229,
        tags={},
        spec_code="redis.ha.xu1.large.4",
        can_be_backed_up=True,
    )
    assert hash(orders) != hash(found[2])
    assert [each.name for each in found if not each.can_be_backed_up] == ["sessions"]


def test_only_the_details_tell_some_modes(endpoint: LocalEndpoint) -> None:
    endpoint.add_instance(name="odd", cache_mode="dual")
    (odd,) = get_instances(name_exact="odd")
    assert odd.can_be_backed_up is None
    assert endpoint.count("show_instance") == 0
    assert names(get_instances(cache_modes=["ha", "single"])) == ["legacy", "orders", "sessions"]
    assert endpoint.count("show_instance") == 7
    (sessions,) = get_instances(name="sess", cache_modes=["single"])
    assert (sessions.cache_mode, sessions.can_be_backed_up) == ("single", False)


def test_every_filter(endpoint: LocalEndpoint) -> None:
    endpoint.change_instance(HA, tags={"team": "shop", "backup": "nightly", "1": "x"})
    endpoint.change_instance(CLUSTER, tags={"team": "shop", "odd": "a,b=c"}, status="RESTARTING")
    assert names(get_instances("or")) == ["orders"]
    assert names(get_instances(name_exact="or")) == []
    assert names(get_instances(name_exact="orders")) == ["orders"]
    assert names(get_instances(status="restarting")) == ["catalogue"]
    assert names(get_instances(tags={"team": "shop"})) == ["catalogue", "orders"]
    assert names(get_instances(tags={"team": "shop", "backup": "nightly"})) == ["orders"]
    assert names(get_instances(tags={"1": "x"})) == ["orders"]
    assert names(get_instances(tags={"odd": "a,b=c"})) == ["catalogue"]
    assert names(get_instances(tags={"odd": "a"})) == []
    assert get_instances(name_exact="orders")[0].tags == {"team": "shop", "backup": "nightly", "1": "x"}
    assert get_instances(project_id="f" * 32) == []


def test_equal_names_capitals_and_unicode_have_one_order(endpoint: LocalEndpoint) -> None:
    ids = ["b" * 8, "a" * 8, "c" * 8]
    for instance_id, name in zip(ids, ["same", "same", "Ünïcode-发布"], strict=True):
        endpoint.add_instance(instance_id=instance_id, name=name)
    endpoint.add_instance(instance_id="d" * 8, name="SAME")
    assert [each.instance_id for each in get_instances("same")] == ["a" * 8, "b" * 8]
    assert [each.instance_id for each in get_instances(name_exact="SAME")] == ["d" * 8]
    assert [each.instance_id for each in get_instances(name_exact="Ünïcode-发布")] == ["c" * 8]


def test_ten_thousand_and_one_instances(endpoint: LocalEndpoint) -> None:
    fleet = [{"instance_id": f"fleet-{number:05}", "name": f"fleet-{number % 7}"} for number in range(10_001)]
    endpoint.control("POST", "/instances", fleet)
    found = get_instances("fleet-")
    assert len(found) == 10_001
    assert len({each.instance_id for each in found}) == 10_001
    assert found == sorted(found, key=lambda each: (each.name, each.instance_id))
    assert endpoint.count("list_instances") == 11

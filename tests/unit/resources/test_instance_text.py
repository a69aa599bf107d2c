"""Instances in words."""

from __future__ import annotations

from pulumi_dcs.api.instances import Instance
from pulumi_dcs.resources.instance_text import describe


def test_an_instance() -> None:
    orders = Instance("i", "orders", "ha", "RUNNING", "", "Redis", "6.0", 4.0, 1229)
    assert describe(orders) == "instance orders (master/standby, Redis 6.0, 1.2 of 4 GB used)"


def test_an_instance_that_tells_little() -> None:
    assert describe(Instance("i")) == "instance i (Redis)"
    assert describe(Instance("i", cache_mode="new", capacity_gb=0.125)) == "instance i (new, Redis, 0.125 GB)"

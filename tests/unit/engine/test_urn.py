"""What a URN tells about its resource."""

from __future__ import annotations

import pytest
from pulumi_dcs.engine.urn import resource_name


@pytest.mark.parametrize("name", ["orders", "a::b", "a b"])
def test_a_name_may_hold_what_parts_a_urn(name: str) -> None:
    assert resource_name(f"urn:pulumi:prod::shop::my:Part$pulumi-python:dynamic/dcs:InstanceBackup::{name}") == name

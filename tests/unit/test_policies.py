"""The policies over backups: what each refuses, what it lets pass, and what it can't know yet."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from pulumi_dcs import policies
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

UNKNOWN = UNKNOWN_STRING_VALUE
BACKUP: dict[str, Any] = {"instance_id": "i", "remark": "before 2026.11", "region": "cn-north-4"}


def options(*, protect: bool = False) -> PolicyResourceOptions:
    return PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


def configured(policy: Policy, given: Mapping[str, Any]) -> dict[str, Any]:
    """As the engine does it: what is given over the schema's defaults."""
    properties = policy.config_schema.properties if policy.config_schema else {}
    assert set(given) <= set(properties)
    return {**{name: schema["default"] for name, schema in properties.items()}, **given}


def on_backup(
    policy: Policy,
    props: dict[str, Any],
    *,
    protect: bool = False,
    resource_type: str = policies.RESOURCE_TYPE,
    config: Mapping[str, Any] = MappingProxyType({}),
) -> list[str]:
    assert isinstance(policy, ResourceValidationPolicy)
    said: list[str] = []
    checked = unknown_checking_proxy(props)
    opts = options(protect=protect)
    args = ResourceValidationArgs(resource_type, checked, "urn::a", "a", opts, None, configured(policy, config))

    def report(message: str, urn: str | None = None) -> None:
        said.append(message)

    policy.validate(args, report)
    return said


def resource(name: str, depends_on: list[PolicyResource] | None = None, **props: Any) -> PolicyResource:
    checked = unknown_checking_proxy(props)
    return PolicyResource(
        policies.RESOURCE_TYPE, checked, f"urn::{name}", name, options(), None, None, depends_on or [], {}
    )


def on_stack(policy: Policy, resources: list[PolicyResource], **config: Any) -> list[str]:
    assert isinstance(policy, StackValidationPolicy)
    said: list[str] = []
    args = StackValidationArgs(resources, configured(policy, config))

    def report(message: str, urn: str | None = None) -> None:
        said.append(message)

    policy.validate(args, report)
    return said


def test_each_has_a_name_a_level_and_a_schema_with_defaults() -> None:
    everything = policies.all_policies()
    assert len({policy.name for policy in everything}) == len(everything) == 8
    for policy in everything:
        assert policy.name.startswith("dcs-")
        assert isinstance(policy.enforcement_level, EnforcementLevel)
        assert all(
            "default" in each for each in (policy.config_schema.properties if policy.config_schema else {}).values()
        )


@pytest.mark.parametrize("policy", [p for p in policies.all_policies() if isinstance(p, ResourceValidationPolicy)])
def test_other_resources_are_none_of_their_business(policy: Policy) -> None:
    assert on_backup(policy, {"remark": "password=1", "region": "x"}, resource_type="aws:s3:Bucket") == []


@pytest.mark.parametrize("policy", [p for p in policies.all_policies() if isinstance(p, ResourceValidationPolicy)])
def test_what_is_not_known_yet_passes(policy: Policy) -> None:
    unknown = dict.fromkeys(("instance_id", "remark", "region", "backup_format", "retain_on_delete"), UNKNOWN)
    assert on_backup(policy, unknown) == []


@pytest.mark.parametrize(
    ("remark", "pattern", "says"),
    [
        ("before 2026.11", ".+", ""),
        ("", ".+", "Give a a remark that matches '.+'"),
        ("before 2026.11", r"before \d{4}\.\d\d", ""),
        ("before lunch", r"before \d{4}\.\d\d", "'before lunch' of a does not match"),
    ],
)
def test_remark(remark: str, pattern: str, says: str) -> None:
    said = on_backup(policies.remark_matches(), {**BACKUP, "remark": remark or None}, config={"pattern": pattern})
    assert (says in said[0]) if says else not said


def test_format() -> None:
    policy = policies.format_allowed()
    assert not on_backup(policy, {**BACKUP, "backup_format": "aof"})
    assert not on_backup(policy, BACKUP, config={"formats": ["rdb"]})
    assert "set it to 'rdb'" in on_backup(policy, {**BACKUP, "backup_format": "aof"}, config={"formats": ["rdb"]})[0]
    assert "is 'rdb'; set it to 'aof'" in on_backup(policy, BACKUP, config={"formats": ["aof"]})[0]


def test_region() -> None:
    policy = policies.region_allowed()
    assert not on_backup(policy, BACKUP)
    assert not on_backup(policy, BACKUP, config={"regions": ["cn-north-4"]})
    assert (
        "set it, or dcs:region, to 'eu-west-101'" in on_backup(policy, BACKUP, config={"regions": ["eu-west-101"]})[0]
    )


def test_protected_or_retained() -> None:
    policy = policies.protected_or_retained()
    assert "protect=True or retain_on_delete=True" in on_backup(policy, BACKUP)[0]
    assert not on_backup(policy, BACKUP, protect=True)
    assert not on_backup(policy, {**BACKUP, "retain_on_delete": True})
    assert on_backup(policy, {**BACKUP, "retain_on_delete": False})
    assert not on_backup(policy, BACKUP, config={"except": ["a|b"]})


@pytest.mark.parametrize(
    "remark",
    [
        "password=hunter2",
        "the token: abc",
        "key AKIAIOSFODNN7EXAMPLE",
        "HPUAXQ4XZJ6S0V9K2L1M",
        "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x",
        "ghp_0123456789abcdefghij",
        "-----BEGIN RSA PRIVATE KEY-----",
        "redis://user:pw@host:6379",
    ],
)
def test_what_looks_like_a_secret(remark: str) -> None:
    (said,) = on_backup(policies.no_secret_in_remark(), {**BACKUP, "remark": remark})
    assert "looks as if it held" in said
    assert remark not in said
    assert not on_backup(policies.no_secret_in_remark(), {**BACKUP, "remark": remark}, config={"allowed": [".*"]})


@pytest.mark.parametrize(
    "remark",
    [
        None,
        "before 2026.11",
        "nightly",
        "before commit 3f2a9c1d8e7b6a5f4c3d2e1f0a9b8c7d6e5f4a3b",
        "instance 9ca3f4c5-0000-4000-8000-000000000001",
        "the secret of speed",
        "发布前备份 2026-11-23",
        "https://ci.example.com/job/12345678901234567890",
    ],
)
def test_what_does_not(remark: str | None) -> None:
    assert not on_backup(policies.no_secret_in_remark(), {**BACKUP, "remark": remark})


def test_patterns_of_ones_own_are_secrets_too() -> None:
    assert on_backup(
        policies.no_secret_in_remark(), {**BACKUP, "remark": "customer 4711"}, config={"patterns": [r"customer \d+"]}
    )


def test_backups_per_instance() -> None:
    backups = [resource(f"b{number:02}", instance_id="i") for number in range(25)]
    others = [resource("other", instance_id="j"), resource("later", instance_id=UNKNOWN)]
    assert not on_stack(policies.backups_per_instance(), [*backups[1:], *others])
    (said,) = on_stack(policies.backups_per_instance(), [*backups, *others])
    assert "25 backups of instance i, at most 24 are kept" in said
    assert "Remove 1 of b00, b01, b02, b03, b04 and 20 others" in said
    assert on_stack(policies.backups_per_instance(), backups[:3], most=2.0)


def test_every_instance_has_a_backup() -> None:
    policy = policies.every_instance_backed_up()
    backups = [resource("a", instance_id="i")]
    assert not on_stack(policy, backups)
    assert not on_stack(policy, backups, instances=["i"])
    assert "Instance j has no backup" in on_stack(policy, backups, instances=["i", "j"])[0]
    unknown = resource("later", instance_id=UNKNOWN)
    assert not on_stack(policy, [*backups, unknown], instances=["i", "j"])
    assert len(on_stack(policy, [*backups, unknown], instances=["i", "j", "k"])) == 1


def test_no_two_at_once() -> None:
    policy = policies.no_two_at_once()
    first = resource("first", instance_id="i")
    between = resource("between", [first], instance_id="j")
    assert not on_stack(policy, [first, between, resource("last", [between], instance_id="i")])
    assert not on_stack(policy, [first, resource("there", instance_id="i", adopt_backup_id="b")])
    assert not on_stack(policy, [first, resource("later", instance_id=UNKNOWN)])
    (said,) = on_stack(policy, [first, resource("second", instance_id="i")])
    assert "first and second are backups of the same instance i" in said
    assert "depends_on=[first]" in said

"""The policies over backups: what each refuses, what it lets pass, and what it can't know yet."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from pulumi_dcs import policies
from pulumi_dcs.instance_backup.names import RESOURCE_TYPE
from pulumi_dcs.instance_restore.names import RESOURCE_TYPE as RESTORE_TYPE
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
from pulumi_policy.policy import _NotApplicableError
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

UNKNOWN = UNKNOWN_STRING_VALUE
BACKUP: dict[str, Any] = {"instance_id": "i", "remark": "before 2026.11", "region": "cn-north-4"}
STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
COMPONENT = "urn:pulumi:dev::shop::shop:index:ServiceBackup::orders"


def options(*, protect: bool = False, parent: str | None = STACK) -> PolicyResourceOptions:
    return PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [], parent)


def configured(policy: Policy, given: Mapping[str, Any]) -> dict[str, Any]:
    """Merge as the engine does: what is given, over the schema's defaults."""
    properties = policy.config_schema.properties if policy.config_schema else {}
    assert set(given) <= set(properties)
    return {**{name: schema["default"] for name, schema in properties.items()}, **given}


def on_backup(
    policy: Policy,
    props: dict[str, Any],
    *,
    protect: bool = False,
    parent: str | None = STACK,
    resource_type: str = RESOURCE_TYPE,
    config: Mapping[str, Any] = MappingProxyType({}),
) -> list[str]:
    assert isinstance(policy, ResourceValidationPolicy)
    reports: list[str] = []
    checked = unknown_checking_proxy(props)
    opts = options(protect=protect, parent=parent)
    args = ResourceValidationArgs(resource_type, checked, "urn::a", "a", opts, None, configured(policy, config))

    def report(message: str, urn: str | None = None) -> None:
        reports.append(message)

    policy.validate(args, report)
    return reports


def resource(name: str, depends_on: list[PolicyResource] | None = None, **props: Any) -> PolicyResource:
    checked = unknown_checking_proxy(props)
    return PolicyResource(RESOURCE_TYPE, checked, f"urn::{name}", name, options(), None, None, depends_on or [], {})


def on_stack(policy: Policy, resources: list[PolicyResource], **config: Any) -> list[str]:
    assert isinstance(policy, StackValidationPolicy)
    reports: list[str] = []
    args = StackValidationArgs(resources, configured(policy, config))

    def report(message: str, urn: str | None = None) -> None:
        reports.append(message)

    policy.validate(args, report)
    return reports


def test_each_has_a_name_a_level_and_a_schema_with_defaults() -> None:
    everything = policies.all_policies()
    assert len({policy.name for policy in everything}) == len(everything) == 9
    for policy in everything:
        assert policy.name.startswith("dcs-")
        assert isinstance(policy.enforcement_level, EnforcementLevel)
        assert all(
            "default" in each for each in (policy.config_schema.properties if policy.config_schema else {}).values()
        )


@pytest.mark.parametrize("policy", [p for p in policies.all_policies() if isinstance(p, ResourceValidationPolicy)])
def test_other_resources_are_not_judged(policy: Policy) -> None:
    assert on_backup(policy, {"remark": "password=1", "region": "x"}, resource_type="aws:s3:Bucket") == []


@pytest.mark.parametrize("policy", [p for p in policies.all_policies() if isinstance(p, ResourceValidationPolicy)])
def test_what_is_not_known_yet_passes(policy: Policy) -> None:
    unknown = dict.fromkeys(("instance_id", "remark", "region", "backup_format", "retain_on_delete"), UNKNOWN)
    assert on_backup(policy, unknown) == []


@pytest.mark.parametrize("policy", [p for p in policies.all_policies() if isinstance(p, ResourceValidationPolicy)])
def test_what_check_refuses_is_left_to_it(policy: Policy) -> None:
    """Policies run on it all the same, and must not fail with an error of their own."""
    on_backup(policy, {"instance_id": {"a": 1}, "remark": 5.0, "region": ["x"], "backup_format": {}})


@pytest.mark.parametrize(
    ("remark", "pattern", "reported"),
    [
        ("before 2026.11", ".+", ""),
        ("", ".+", "a has no remark. Give it one that matches '.+'"),
        ("before 2026.11", r"before \d{4}\.\d\d", ""),
        ("before lunch", r"before \d{4}\.\d\d", "The remark of a does not match 'before"),
    ],
)
def test_remark(remark: str, pattern: str, reported: str) -> None:
    reports = on_backup(policies.remark_matches(), {**BACKUP, "remark": remark or None}, config={"pattern": pattern})
    assert (reported in reports[0]) if reported else not reports


@pytest.mark.parametrize(
    ("names", "instances", "instance_id", "reported"),
    [
        ([], [], "i", "Restoring is not allowed for a: it overwrites the data of its instance."),
        ([], [".*"], UNKNOWN, "Restoring is not allowed for a: "),
        (["b"], [".*"], "i", "Restoring is not allowed for a: "),
        (["a.+"], [".*"], "i", "Restoring is not allowed for a: "),
        (["a"], [], "i", "Restoring is not allowed for the instance of a: its data would be overwritten."),
        ([".*"], ["j", "i."], "i", "Restoring is not allowed for the instance of a: "),
        (["b", "a"], ["j", "i"], "i", ""),
        (["a"], [], UNKNOWN, ""),
    ],
)
def test_restore(names: list[str], instances: list[str], instance_id: str, reported: str) -> None:
    config = {"names": names, "instances": instances}
    policy = policies.restore_allowed()
    reports = on_backup(policy, {"instance_id": instance_id}, config=config, resource_type=RESTORE_TYPE)
    assert (reports[0].startswith(reported) and len(reports) == 1) if reported else not reports
    assert policy.enforcement_level is EnforcementLevel.MANDATORY
    assert not on_backup(policy, BACKUP, config=config)


def test_format() -> None:
    policy = policies.format_allowed()
    assert not on_backup(policy, {**BACKUP, "backup_format": "aof"})
    assert not on_backup(policy, BACKUP, config={"formats": ["rdb"]})
    (report,) = on_backup(policy, {**BACKUP, "backup_format": "aof"}, config={"formats": ["rdb"]})
    assert report == "backup_format of a is not an allowed format. Set it to 'rdb'."
    (report,) = on_backup(policy, BACKUP, config={"formats": ["aof"]})
    assert report == "backup_format of a is not set, and DCS makes 'rdb' then. Set it to 'aof'."


def test_region() -> None:
    policy = policies.region_allowed()
    assert not on_backup(policy, BACKUP)
    assert not on_backup(policy, BACKUP, config={"regions": ["cn-north-4"]})
    (report,) = on_backup(policy, BACKUP, config={"regions": ["eu-west-101", "eu-west-0"]})
    assert "Set it, or dcs:region, to 'eu-west-101' or 'eu-west-0'" in report


def test_protected_or_retained() -> None:
    policy = policies.protected_or_retained()
    (report,) = on_backup(policy, BACKUP)
    assert "deletes the backup, unless a transform sets retain_on_delete, which Pulumi does not show" in report
    assert "Set protect=True or retain_on_delete=True in the ResourceOptions of a itself" in report
    assert on_backup(policy, BACKUP, parent=None) == [report]
    assert not on_backup(policy, BACKUP, protect=True)
    assert not on_backup(policy, {**BACKUP, "retain_on_delete": True})
    assert not on_backup(policy, BACKUP, config={"except": ["a|b"]})


def test_what_a_backup_may_inherit_is_not_judged() -> None:
    policy = policies.protected_or_retained()
    with pytest.raises(_NotApplicableError) as not_applicable:
        on_backup(policy, BACKUP, parent=COMPONENT)
    assert "whether the parent sets retain_on_delete" in str(not_applicable.value.reason)
    assert not on_backup(policy, {**BACKUP, "retain_on_delete": True}, parent=COMPONENT)
    assert not on_backup(policy, BACKUP, parent=COMPONENT, protect=True)
    assert not on_backup(policy, BACKUP, parent=COMPONENT, config={"except": ["a"]})
    (report,) = on_backup(policy, BACKUP, parent=COMPONENT, config={"inherited": "report"})
    assert "unless its parent or a transform sets retain_on_delete, which Pulumi does not show" in report
    # Switched off on the backup itself, there is nothing to inherit.
    (report,) = on_backup(policy, {**BACKUP, "retain_on_delete": False}, parent=COMPONENT)
    assert "unless a transform sets" in report


@pytest.mark.parametrize(
    "pattern", ["(", "(?a)(?u)x", "a{99999999999}", "(" * 5000 + ")" * 5000], ids=lambda each: each[:9]
)
@pytest.mark.parametrize(
    ("policy", "name"),
    [
        (policies.remark_matches(), "pattern"),
        (policies.protected_or_retained(), "except"),
        (policies.no_secret_in_remark(), "patterns"),
        (policies.no_secret_in_remark(), "allowed"),
    ],
)
def test_a_pattern_that_is_none_is_reported(policy: Policy, name: str, pattern: str) -> None:
    (report,) = on_backup(policy, BACKUP, config={name: pattern if name == "pattern" else [pattern]})
    assert report.startswith(f"{pattern!r} in this policy's configuration is not a valid pattern: ")


@pytest.mark.parametrize("policy", policies.all_policies())
def test_no_value_is_shown(policy: Policy) -> None:
    """Any value may be secret, and pulumi-policy does not tell validations which one is."""
    values = {name: f"hush-{name}" for name in ("instance_id", "remark", "region", "backup_format", "project_id")}
    configs: dict[str, dict[str, Any]] = {
        "dcs-backup-remark": {"pattern": "nightly"},
        "dcs-backup-region": {"regions": ["cn-north-4"]},
        "dcs-backup-no-secret": {"patterns": ["hush"]},
        "dcs-backups-per-instance": {"most": 1},
        "dcs-every-instance": {"instances": ["i"]},
    }
    config = configs.get(policy.name, {})
    if isinstance(policy, ResourceValidationPolicy):
        of_type = RESTORE_TYPE if policy.name == "dcs-restore-allowed" else RESOURCE_TYPE
        reports = on_backup(policy, values, config=config, resource_type=of_type)
    else:
        reports = on_stack(policy, [resource("a", [], **values), resource("b", [], **values)], **config)
    assert reports
    assert "hush" not in str(reports)


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
    (report,) = on_backup(policies.no_secret_in_remark(), {**BACKUP, "remark": remark})
    assert "looks as if it held" in report
    assert remark not in report
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
    backups = [resource(f"b{number:02}", instance_id="i") for number in range(24)]
    others = [resource("other", instance_id="j"), resource("later", instance_id=UNKNOWN)]
    assert not on_stack(policies.backups_per_instance(), [*backups[1:], *others])
    (report,) = on_stack(policies.backups_per_instance(), [*backups, *others])
    assert report.startswith("b00, b01, b02, b03, b04 and 19 others are 24 backups of one instance; at most 23 are")
    assert "DCS keeps 24 of an instance, automatic ones included, and drops the oldest when one more is made" in report
    assert "a replacement makes the new backup before it deletes the old one. Remove 1." in report
    assert not on_stack(policies.backups_per_instance(), backups, most=24.0)
    (report,) = on_stack(policies.backups_per_instance(), backups[:3], most=2.0)
    assert report.startswith("b00, b01 and b02 are 3 backups of one instance; at most 2 are allowed")


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
    (report,) = on_stack(policy, [first, resource("second", instance_id="i")])
    assert "first and second are backups of the same instance and may start at the same time" in report
    assert "depends_on=[first]" in report

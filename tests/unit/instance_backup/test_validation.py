"""Which inputs are good, and what is said of those that are not."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.engine.unknowns import UNKNOWN
from pulumi_dcs.engine.values import AssetHash
from pulumi_dcs.instance_backup.validation import check

GOOD = {"instance_id": "9ca3f4c5-0000", "remark": "r", "backup_format": "aof", "triggers": {}, "region": "cn-north-4"}


def test_good_inputs_pass() -> None:
    assert not list(check(GOOD))
    assert not list(check({**GOOD, "remark": "x" * 128, "wait": False, "adopt_backup_id": "b"}))
    assert not list(check({**GOOD, "triggers": {"file": [AssetHash("asset", "abc")]}}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("instance_id", value) for value in (None, "", "a/b", "..", "a b", 5, "a?b", "x" * 200, "a\n")],
        *[("remark", value) for value in ("x" * 129, 5, ["a"], "r ~dcs:0123456789ab", "~dcs:0123456789ab ")],
        *[("backup_format", value) for value in ("RDB", "zip", "", True)],
        *[
            ("triggers", value)
            for value in ("a", 5, ["a"], {"a": [AssetHash("asset", "", "it can't be read")]}, {"a": [float("nan")]})
        ],
        *[("region", value) for value in ("a b", "a.b", "", 5)],
        *[("project_id", value) for value in ("a/b", "", 5)],
        *[("wait", value) for value in ("true", 1, 0)],
        *[("adopt_backup_id", value) for value in ("a/b", "", 5)],
        ("retain_on_delete", "yes"),
    ],
)
def test_bad_inputs_are_named(name: str, value: Any) -> None:
    assert [failure.property for failure in check({**GOOD, name: value})] == [name]


def test_unknown_inputs_pass() -> None:
    assert not list(check(dict.fromkeys(GOOD, UNKNOWN)))
    assert not list(check({**GOOD, "triggers": {"a": [UNKNOWN]}}))


@pytest.mark.parametrize(("length", "is_good"), [(110, True), (111, False), (128, False)])
def test_with_the_mark_on_the_remark_leaves_room_for_it(length: int, *, is_good: bool) -> None:
    failures = list(check({**GOOD, "remark": "x" * length}, is_marked=True))
    assert not failures if is_good else "at most 110" in failures[0].reason

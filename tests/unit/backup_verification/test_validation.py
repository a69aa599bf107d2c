"""Which inputs are good, and what is said of those that are not."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.backup_verification.validation import check
from pulumi_dcs.engine.unknowns import UNKNOWN

GOOD = {"instance_id": "9ca3f4c5-0000", "backup_id": "b-1", "minimum_keys": 1, "triggers": {}, "region": "cn-north-4"}


@pytest.mark.parametrize("more", [{}, {"minimum_keys": 0}, {"minimum_keys": None}, {"minimum_keys": 10**12}])
def test_good_inputs_pass(more: dict[str, Any]) -> None:
    assert not list(check({**GOOD, **more}))


def test_unknown_inputs_pass() -> None:
    assert not list(check({**dict.fromkeys(GOOD, UNKNOWN), "triggers": {"a": UNKNOWN}}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("instance_id", value) for value in (None, "", "a/b", "..", 5)],
        # Without one, the service would make a backup.
        *[("backup_id", value) for value in (None, "", " ", "a/b", "..", 5)],
        *[("minimum_keys", value) for value in (-1, 1.5, True, "1", ["1"], float("inf"))],
        *[("triggers", value) for value in ("a", 5, {"a": float("nan")})],
        ("region", "a b"),
        ("project_id", "a/b"),
    ],
)
def test_bad_inputs_are_named(name: str, value: Any) -> None:
    assert [failure.property for failure in check({**GOOD, name: value})] == [name]

"""Which inputs are good, and which changes call for a new backup."""

from __future__ import annotations

import base64
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi_dcs
import pytest
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import UNKNOWN as UNKNOWN_VALUE
from pulumi.runtime.rpc import UNKNOWN
from pulumi_dcs.engine.host import PropertyChange
from pulumi_dcs.instance_backup import properties
from pulumi_dcs.provider import InstanceBackupProvider

GOOD = {"instance_id": "9ca3f4c5-0000", "remark": "r", "backup_format": "aof", "triggers": {}, "region": "cn-north-4"}


def test_good_inputs_pass() -> None:
    assert not list(properties.check(GOOD))
    assert not list(properties.check({**GOOD, "remark": "x" * 128, "wait": False, "adopt_backup_id": "b"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("instance_id", value) for value in (None, "", "a/b", "..", "a b", 5, "a?b", "x" * 200, "a\n")],
        *[("remark", value) for value in ("x" * 129, 5, ["a"])],
        *[("backup_format", value) for value in ("RDB", "zip", "", True)],
        *[("triggers", value) for value in ("a", 5, ["a"])],
        *[("region", value) for value in ("a b", "a.b", "", 5)],
        *[("project_id", value) for value in ("a/b", "", 5)],
        *[("wait", value) for value in ("true", 1, 0)],
        *[("adopt_backup_id", value) for value in ("a/b", "", 5)],
    ],
)
def test_bad_inputs_are_named(name: str, value: Any) -> None:
    assert [failure.property for failure in properties.check({**GOOD, name: value})] == [name]


def test_unknown_inputs_pass() -> None:
    unknown = properties.plain(dict.fromkeys(GOOD, UNKNOWN_VALUE))
    assert set(unknown.values()) == {UNKNOWN}
    assert not list(properties.check(unknown))
    assert properties.plain({"triggers": {"a": [UNKNOWN_VALUE]}}) == {"triggers": {"a": [UNKNOWN]}}


@pytest.mark.parametrize(
    ("old", "actual", "new", "changes"),
    [
        ({}, {}, {}, {}),
        ({"remark": "a"}, {}, {"remark": "b"}, {"remark": "UPDATE_REPLACE"}),
        ({"remark": "a"}, {}, {}, {"remark": "DELETE_REPLACE"}),
        ({}, {}, {"remark": "b"}, {"remark": "ADD_REPLACE"}),
        ({"remark": "a"}, {"remark": "drifted"}, {"remark": "a"}, {"remark": "UPDATE_REPLACE"}),
        ({}, {"backup_format": "rdb"}, {"backup_format": "rdb"}, {}),
        ({"backup_format": "rdb"}, {"backup_format": "rdb"}, {}, {}),
        ({"backup_format": "aof"}, {"backup_format": "aof"}, {}, {"backup_format": "DELETE_REPLACE"}),
        ({}, {"backup_format": "aof"}, {}, {}),
        ({}, {"backup_format": "aof"}, {"backup_format": "aof"}, {}),
        ({"triggers": {"a": 1}}, {}, {"triggers": {"a": 2}}, {"triggers": "UPDATE_REPLACE"}),
        ({"triggers": {}}, {}, {}, {}),
        ({}, {}, {"triggers": {}}, {}),
        ({}, {}, {"wait": False}, {}),
        ({}, {}, {"adopt_backup_id": "b"}, {}),
        ({"region": "a"}, {}, {"region": "b"}, {"region": "UPDATE_REPLACE"}),
        ({"remark": "a"}, {}, {"remark": UNKNOWN}, {"remark": "UPDATE_REPLACE"}),
        ({"adopt_backup_id": "b"}, {"remark": "theirs"}, {}, {}),
        ({"adopt_backup_id": "b"}, {"remark": "theirs"}, {"remark": "theirs"}, {}),
        ({"adopt_backup_id": "b"}, {"remark": "theirs"}, {"remark": "mine"}, {"remark": "UPDATE_REPLACE"}),
        ({"adopt_backup_id": "b"}, {"backup_format": "aof"}, {}, {}),
    ],
)
def test_what_replaces(old: Any, actual: Any, new: Any, changes: dict[str, str]) -> None:
    found = properties.replacements(old, {**old, **actual}, new)
    assert found == {name: PropertyChange(kind) for name, kind in changes.items()}


def test_the_provider_pickles_to_a_reference() -> None:
    text = serialize_provider(InstanceBackupProvider())
    data = base64.b64decode(text)
    assert len(data) < 100
    assert b"pulumi_dcs.provider" in data
    assert type(pickle.loads(data)) is InstanceBackupProvider
    assert text == serialize_provider(InstanceBackupProvider())


def test_the_package_is_no_provider_plugin_and_typed() -> None:
    package = Path(pulumi_dcs.__file__).parent
    assert json.loads((package / "pulumi-plugin.json").read_text()) == {"resource": False}
    assert (package / "py.typed").exists()


def test_importing_it_imports_nothing_that_is_not_needed() -> None:
    program = "import sys, pulumi_dcs; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for needless in ("fastapi", "pydantic", "huaweicloudsdkcore.auth", "pulumi_dcs.emulator"):
        assert needless not in done.stdout.split()

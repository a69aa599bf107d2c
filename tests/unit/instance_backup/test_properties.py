"""Which changes call for a new backup, which for an update, and what is kept of a backup."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.api.backups import BackupRecord, BackupStatus
from pulumi_dcs.engine.requests import PropertyDiffKind
from pulumi_dcs.engine.unknowns import UNKNOWN
from pulumi_dcs.instance_backup import properties

SECRETS = "__secretInputs"


@pytest.mark.parametrize(
    ("old", "actual", "new", "changes"),
    [
        ({}, {}, {}, {}),
        ({"remark": "a"}, {}, {"remark": "b"}, {"remark": "UPDATE_REPLACE"}),
        ({"remark": "a"}, {}, {}, {"remark": "DELETE_REPLACE"}),
        ({}, {}, {"remark": "b"}, {"remark": "ADD_REPLACE"}),
        # Inputs are compared with inputs: what the service made of the remark is an output.
        ({"remark": " a"}, {"remark": "a"}, {"remark": " a"}, {}),
        ({"remark": "drifted"}, {"remark": "drifted"}, {"remark": "a"}, {"remark": "UPDATE_REPLACE"}),
        ({}, {"backup_format": "rdb"}, {"backup_format": "rdb"}, {}),
        ({"backup_format": "rdb"}, {"backup_format": "rdb"}, {}, {}),
        ({"backup_format": "aof"}, {"backup_format": "aof"}, {}, {"backup_format": "DELETE_REPLACE"}),
        ({}, {"backup_format": "aof"}, {}, {}),
        ({}, {"backup_format": "aof"}, {"backup_format": "aof"}, {}),
        ({"triggers": {"a": 1}}, {}, {"triggers": {"a": 2}}, {"triggers": "UPDATE_REPLACE"}),
        ({"triggers": {"a": 1}}, {}, {"triggers": {"a": True}}, {"triggers": "UPDATE_REPLACE"}),
        ({"triggers": {"a": [1, 0]}}, {}, {"triggers": {"a": [True, False]}}, {"triggers": "UPDATE_REPLACE"}),
        ({"triggers": {"a": 1, "b": 2}}, {}, {"triggers": {"b": 2, "a": 1}}, {}),
        ({"triggers": {}}, {}, {}, {}),
        ({}, {}, {"triggers": {}}, {}),
        ({}, {}, {"wait": False}, {}),
        ({}, {}, {"adopt_backup_id": "b"}, {}),
        ({"region": "a"}, {}, {"region": "b"}, {"region": "UPDATE_REPLACE"}),
        ({"remark": "a"}, {}, {"remark": UNKNOWN}, {"remark": "UPDATE_REPLACE"}),
        ({"adopt_backup_id": "b"}, {"remark": "theirs"}, {}, {}),
        ({"adopt_backup_id": "b"}, {"remark": "theirs"}, {"remark": "theirs"}, {}),
        ({"adopt_backup_id": "b"}, {"remark": "theirs"}, {"remark": " theirs "}, {}),
        ({"adopt_backup_id": "b"}, {"remark": "theirs"}, {"remark": "mine"}, {"remark": "ADD_REPLACE"}),
        ({"adopt_backup_id": "b"}, {"backup_format": "aof"}, {}, {}),
    ],
)
def test_what_replaces(old: Any, actual: Any, new: Any, changes: dict[str, str]) -> None:
    found = properties.replacements(old, {**old, **actual}, new)
    shown = {name: PropertyDiffKind(kind) for name, kind in changes.items()}
    if "adopt_backup_id" in old and changes:
        # What the backup has is shown as what it was before.
        shown = dict.fromkeys(changes, PropertyDiffKind.UPDATE_REPLACE)
    assert found == shown


@pytest.mark.parametrize(
    ("old", "outputs", "new", "changes"),
    [
        ({}, {}, {}, {}),
        ({}, {}, {"wait": True}, {}),
        ({}, {}, {"wait": False}, {"wait": "ADD"}),
        ({"wait": False}, {}, {}, {"wait": "DELETE"}),
        ({"wait": False}, {}, {"wait": True}, {"wait": "UPDATE"}),
        ({}, {}, {"wait": UNKNOWN}, {}),
        ({}, {}, {"retain_on_delete": True}, {}),
        ({"remark": "r"}, {"remark": "r"}, {"remark": "r", SECRETS: ["remark"]}, {SECRETS: "UPDATE"}),
        ({}, {"triggers": {}, SECRETS: ["triggers.a"]}, {SECRETS: ["triggers.a", "triggers.b"]}, {SECRETS: "UPDATE"}),
        ({}, {"triggers": {}, SECRETS: ["triggers.a", "triggers.b"]}, {SECRETS: ["triggers.b"]}, {}),
        ({"remark": "r"}, {"remark": "r", SECRETS: ["remark"]}, {"remark": "r", SECRETS: ["remark"]}, {}),
        ({"remark": "r"}, {"remark": "r", SECRETS: ["remark"]}, {"remark": "r"}, {}),
    ],
)
def test_what_updates(old: Any, outputs: Any, new: Any, changes: dict[str, str]) -> None:
    found = properties.updates(old, outputs, new)
    assert found == {name: PropertyDiffKind(kind) for name, kind in changes.items()}


def record(**details: Any) -> BackupRecord:
    return BackupRecord("b", BackupStatus.SUCCEED, **{"status_text": "succeed", **details})


def test_the_outputs_show_no_mark_and_nothing_that_is_not_told() -> None:
    outputs = properties.outputs({"instance_id": "i"}, "b", record(remark="r ~dcs:0123456789ab"), "https://e")
    assert outputs == {
        "instance_id": "i",
        "backup_id": "b",
        "backup_format": "rdb",
        "endpoint": "https://e",
        "status": "succeed",
        "remark": "r",
    }


def test_without_a_record_it_is_waiting() -> None:
    assert properties.outputs({"instance_id": "i"}, "b", None)["status"] == "waiting"


@pytest.mark.parametrize(
    ("inputs", "outputs", "now", "drifted"),
    [
        ({"remark": " a"}, {"remark": "a"}, {"remark": "a"}, {"remark": " a"}),
        ({"remark": " a"}, {"remark": " a"}, {"remark": "a"}, {"remark": " a"}),
        ({"remark": "a"}, {"remark": "a"}, {"remark": "b"}, {"remark": "b"}),
        ({"remark": "a"}, {"remark": "a"}, {"remark": "a ~dcs:0123456789ab"}, {"remark": "a"}),
        ({}, {}, {"remark": "b"}, {}),
        ({"backup_format": "aof"}, {"backup_format": "aof"}, {"backup_format": "rdb"}, {"backup_format": "rdb"}),
        ({}, {}, {"backup_format": "aof"}, {}),
    ],
)
def test_what_has_drifted(inputs: Any, outputs: Any, now: Any, drifted: Any) -> None:
    assert properties.drifted_inputs(inputs, outputs, record(**now)) == drifted


@pytest.mark.parametrize(
    ("outputs", "is_settled"),
    [
        ({"status": "succeed"}, True),
        ({"status": "failed"}, True),
        ({"status": "expired"}, True),
        ({"status": "backuping"}, False),
        ({"status": "waiting", "progress": "100.00"}, False),
        ({"status": "archived", "progress": "99.00"}, False),
        ({"status": "archived", "progress": "100.00"}, True),
        ({}, False),
    ],
)
def test_when_waiting_changes_nothing_any_more(outputs: Any, *, is_settled: bool) -> None:
    assert properties.is_settled(outputs) is is_settled


def test_an_update_of_the_state_alone_keeps_what_the_service_has_told() -> None:
    old = {"instance_id": "i", "remark": "a", "backup_format": "aof", "wait": False, "size": 5, "status": "succeed"}
    new = properties.outputs_with({"instance_id": "i", "remark": " a", SECRETS: ["remark"]}, old)
    assert new == {
        "instance_id": "i",
        "remark": "a",
        "backup_format": "aof",
        "size": 5,
        "status": "succeed",
        SECRETS: ["remark"],
    }


@pytest.mark.parametrize("number", [1, 1.0])
def test_the_inputs_hash_is_that_of_version_0_1(number: float) -> None:
    # As it stands in a journal of that version (tests/engine/fixtures/version-0.1/killed), to which all numbers came
    # from the wire as floating-point ones. The mark is made from it as well.
    inputs = {
        "instance_id": "11111111-1111-4111-8111-000000000002",
        "project_id": "0123456789abcdef0123456789abcdef",
        "region": "cn-north-4",
        "remark": "one",
        "triggers": {"release": {"major": number}},
        "wait": False,
    }
    assert properties.inputs_hash(inputs) == "275ebb120f15715654e2a5a66aefa451"


def test_the_inputs_hash_tells_numbers_from_truth_values() -> None:
    hashes = {properties.inputs_hash({"instance_id": "i", "triggers": {"a": [value]}}) for value in (1, True, "1", 0)}
    assert len(hashes) == 4

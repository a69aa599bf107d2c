"""What is kept of a restore, what calls for another one, and where one stands."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.api.migrations import MigrationStatus, MigrationTask
from pulumi_dcs.api.restores import RestoreRecord, RestoreStatus
from pulumi_dcs.engine.requests import PropertyDiffKind
from pulumi_dcs.engine.unknowns import UNKNOWN
from pulumi_dcs.instance_restore.names import INPUTS
from pulumi_dcs.instance_restore.properties import (
    Inputs,
    Phase,
    canonical_inputs,
    inputs_hash,
    outputs,
    outputs_with,
    phase_of,
    replacements,
    replacing_inputs,
    updates,
)
from pulumi_dcs.resources.names import SECRET_INPUTS

GIVEN: dict[str, Any] = {"instance_id": "i", "backup_id": "b"}
FULL: dict[str, Any] = {
    **GIVEN,
    "source_instance_id": "s",
    "target_password": "hush",
    "remark": "r",
    "triggers": {"a": 1},
    "region": "cn-north-4",
    "project_id": "p",
    "wait": True,
    "adopt_restore_id": "x",
}


def test_every_input_is_named_here() -> None:
    assert tuple(FULL) == INPUTS


@pytest.mark.parametrize("name", INPUTS)
def test_what_another_value_of_an_input_does(name: str) -> None:
    other = {"triggers": {"a": True}, "wait": False}.get(name, "other")
    kept = {"wait", "adopt_restore_id"}
    for before, after, kind in (
        (FULL, {**FULL, name: other}, PropertyDiffKind.UPDATE_REPLACE),
        (FULL, {each: value for each, value in FULL.items() if each != name}, PropertyDiffKind.DELETE_REPLACE),
        ({each: value for each, value in FULL.items() if each != name}, FULL, PropertyDiffKind.ADD_REPLACE),
    ):
        assert replacements(before, after) == ({} if name in kept else {name: kind})
    assert (name in replacing_inputs(FULL)) == (name not in kept)


def test_only_a_changed_wait_is_shown_as_an_update() -> None:
    assert updates(GIVEN, {}, {**GIVEN, "wait": True}) == {}
    assert updates(GIVEN, {}, {**GIVEN, "wait": False}) == {"wait": PropertyDiffKind.ADD}
    assert updates({"wait": False}, {}, GIVEN) == {"wait": PropertyDiffKind.DELETE}
    assert updates(GIVEN, {}, {**GIVEN, "adopt_restore_id": "x"}) == {}
    assert updates(GIVEN, {}, {**GIVEN, "wait": UNKNOWN}) == {}


def test_where_the_engine_names_no_old_inputs_a_password_is_no_change() -> None:
    """The outputs have none: to take that for a change would restore again."""
    done = outputs(FULL, "r-1", None)
    assert replacements(done, FULL) == {}
    assert replacements(done, {**FULL, "backup_id": "other"}).keys() == {"backup_id"}


@pytest.mark.parametrize(
    "nothing", [{"remark": ""}, {"triggers": {}}, {"target_password": ""}, {"source_instance_id": "i"}, {"wait": None}]
)
def test_what_says_nothing_is_not_kept(nothing: dict[str, Any]) -> None:
    assert canonical_inputs({**GIVEN, **nothing}) == GIVEN


def test_two_instances_that_are_not_known_yet_are_not_the_same() -> None:
    given = {"instance_id": UNKNOWN, "source_instance_id": UNKNOWN, "backup_id": "b"}
    assert canonical_inputs(given) == given


def test_the_journals_hash_tells_nothing_of_the_password() -> None:
    assert inputs_hash(FULL) == inputs_hash({**FULL, "target_password": "other"})
    assert inputs_hash(FULL) != inputs_hash({**FULL, "backup_id": "other"})


def test_a_password_is_in_no_outputs() -> None:
    assert "hush" not in str(outputs(FULL, "r-1", None))
    assert "hush" not in str(outputs_with(FULL, outputs(FULL, "r-1", None)))


def test_an_update_keeps_what_the_service_said() -> None:
    old = outputs(GIVEN, "r-1", RestoreRecord("r-1", RestoreStatus.FAILED, "failed", error_code="dcs.08.0007"), "e")
    kept = outputs_with({**GIVEN, "wait": False, SECRET_INPUTS: ["x"]}, old, status="gone")
    assert kept == {**old, "wait": False, SECRET_INPUTS: ["x"], "status": "gone"}


@pytest.mark.parametrize(
    ("status", "progress", "phase"),
    [
        ("waiting", "", Phase.RUNNING),
        ("restoring", "99.00", Phase.RUNNING),
        ("succeed", "100.00", Phase.SUCCEEDED),
        ("failed", "100.00", Phase.FAILED),
        ("gone", "", Phase.GONE),
        ("paused", "50.00", Phase.RUNNING),
        ("paused", "100.00", Phase.RUNNING),
        ("", "", Phase.RUNNING),
    ],
)
def test_where_a_restore_stands(status: str, progress: str, phase: Phase) -> None:
    assert phase_of({**GIVEN, "status": status, "progress": progress}) is phase


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("MIGRATING", Phase.RUNNING),
        ("SUCCESS", Phase.SUCCEEDED),
        ("FAILED", Phase.FAILED),
        ("TERMINATED", Phase.FAILED),
        ("SOMETHING_NEW", Phase.RUNNING),
        ("gone", Phase.GONE),
        # Of a restore in place, not of an import.
        ("succeed", Phase.RUNNING),
    ],
)
def test_where_an_import_stands(status: str, phase: Phase) -> None:
    assert phase_of({**GIVEN, "source_instance_id": "s", "status": status}) is phase


def test_outputs_of_an_import() -> None:
    task = MigrationTask("t", MigrationStatus.SUCCESS, "SUCCESS", created_at="2026/11/24 02:00:00", released_at="later")
    kept = outputs(FULL, "t", task, "https://dcs")
    assert (kept["restore_id"], kept["status"], kept["started_at"]) == ("t", "SUCCESS", "2026/11/24 02:00:00")
    assert kept["finished_at"] == "later"
    assert "progress" not in kept
    assert outputs(FULL, "t", None)["status"] == "MIGRATING"
    assert outputs(GIVEN, "t", None)["status"] == "waiting"


def test_an_instance_itself_as_source_is_no_import() -> None:
    assert not Inputs.of({**GIVEN, "source_instance_id": "i"}).is_import
    assert Inputs.of({**GIVEN, "source_instance_id": "s"}).is_import
    assert Inputs.of({**GIVEN, "source_instance_id": "s"}).backed_up_id == "s"
    assert Inputs.of(GIVEN).backed_up_id == "i"

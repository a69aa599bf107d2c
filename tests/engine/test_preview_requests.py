"""What a preview asks the service, and says of it, while a pull request is still open."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.endpoint import HA, LocalEndpoint

from .stack import Outcome, Stack

REFUSES_WRITES = [
    {"operation": name, "status": 403, "times": -1, "body": '{"error_code": "DCS.3002", "error_msg": "read only"}'}
    for name in ("create_backup", "delete_backup")
]


def warnings(outcome: Outcome) -> int:
    return outcome.text.partition("Diagnostics:\n")[2].count("warning:")


@pytest.mark.row("P9")
def test_the_first_preview_says_what_will_be_backed_up(stack: Stack, endpoint: LocalEndpoint) -> None:
    instance_id = endpoint.add_instance(
        name="orders", cache_mode="ha", engine_version="6.0", capacity=4.0, used_memory=1229
    )
    stack.declare(instance_id=instance_id)
    endpoint.plan(*REFUSES_WRITES)
    before = len(endpoint.requests())
    outcome = stack.preview()
    assert outcome.ok, outcome.text
    assert "Takes a backup of instance orders (master/standby, Redis 6.0, 1.2 of 4 GB used).\n" in outcome.diagnostics
    asked = endpoint.requests()[before:]
    assert sorted(row["operation"] for row in asked) == ["list_backups", "show_instance"]
    backup_id = endpoint.add_backup(instance_id)
    endpoint.change_backup(backup_id, created=time.time() - 3600, duration=360.0)
    before = len(endpoint.requests())
    outcome = stack.preview()
    assert outcome.ok, outcome.text
    assert (
        "Takes a backup of instance orders (master/standby, Redis 6.0, 1.2 of 4 GB used); the last one took 6 min.\n"
    ) in outcome.diagnostics
    asked = endpoint.requests()[before:]
    assert sorted(row["operation"] for row in asked) == ["list_backups", "show_instance"]


@pytest.mark.row("P9")
def test_a_preview_without_changes_makes_no_request(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="one", triggers={"release": 1})
    assert stack.up().ok
    before = len(endpoint.requests())
    outcome = stack.preview("--expect-no-changes")
    assert outcome.ok, outcome.text
    assert len(endpoint.requests()) == before
    # Nor does one without credentials, which says as much as it knows.
    for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
        del stack.environment[name]
    stack.declare_all(
        {"backup": {"instance_id": HA, "remark": "one", "triggers": {"release": 1}}, "new": {"instance_id": HA}}
    )
    outcome = stack.preview()
    assert outcome.ok, outcome.text
    assert f"Takes a backup of instance {HA}." in outcome.diagnostics
    assert warnings(outcome) == 0
    assert len(endpoint.requests()) == before


DOWN = {
    "503": {"operation": "*", "status": 503, "times": -1},
    "429": {"operation": "*", "status": 429, "times": -1, "headers": {"Retry-After": "600"}},
}


@pytest.mark.row("P7")
@pytest.mark.parametrize("what", ["instances", "projects", "adoptions"])
@pytest.mark.parametrize("fault", DOWN)
def test_a_service_that_is_down_costs_a_preview_one_request(
    stack: Stack, endpoint: LocalEndpoint, fault: str, what: str
) -> None:
    declared: dict[str, dict[str, Any]] = {f"b{number}": {"instance_id": f"i-{number}"} for number in range(20)}
    for name, inputs in declared.items() if what == "adoptions" else ():
        inputs["adopt_backup_id"] = f"backup-{name}"
    stack.declare_all(declared)
    if what == "projects":
        del stack.environment["HUAWEICLOUD_SDK_PROJECT_ID"]
    endpoint.plan(DOWN[fault])
    outcome = stack.preview()
    assert outcome.ok, outcome.text
    assert len(endpoint.requests()) == 1
    assert warnings(outcome) == 1


@pytest.mark.row("P6")
def test_a_preview_checks_what_is_to_be_adopted(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, adopt_backup_id="not-there")
    outcome = stack.preview()
    assert not outcome.ok
    assert outcome.diagnostics.count("error:") == 1
    assert (
        f"Backup not-there of instance {HA} can't be adopted: the instance has no such backup." in outcome.diagnostics
    )
    assert "adopt_backup_id" in outcome.diagnostics
    assert [row["operation"] for row in endpoint.requests()] == ["list_backups"]
    backup_id = endpoint.add_backup(HA, remark="made by hand")
    stack.declare(instance_id=HA, adopt_backup_id=backup_id, remark="another")
    outcome = stack.preview()
    assert not outcome.ok
    assert "its remark is 'made by hand', the program says 'another'." in outcome.diagnostics
    stack.declare(instance_id=HA, adopt_backup_id=backup_id)
    outcome = stack.preview()
    assert outcome.ok, outcome.text
    assert f"Takes over backup {backup_id} of instance {HA}; no backup is taken." in outcome.diagnostics
    # A wrong one beside a backup that is to be replaced.
    stack.declare(instance_id=HA, remark="made by hand")
    assert stack.up().ok
    stack.declare(instance_id=HA, remark="made by hand", triggers={"now": 1}, adopt_backup_id="not-there")
    assert not stack.preview().ok
    # Without credentials nothing can be asked.
    for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
        del stack.environment[name]
    outcome = stack.preview()
    assert outcome.ok, outcome.text


@pytest.mark.row("P8")
def test_a_poll_that_failed_is_named_for_what_it_is(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=6.0)
    stack.declare(instance_id=HA)
    endpoint.plan({"operation": "list_backups", "status": 500, "skip": 2, "times": 2})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert f"DCS failed to list the backups of instance {HA}" in outcome.text
    assert "The backup goes on; polling again in" in outcome.text
    assert "to back up instance" not in outcome.text

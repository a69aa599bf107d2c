"""Restores from another instance's backup, and what previews refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.endpoint import CLUSTER, HA, MISSING, SINGLE, LocalEndpoint

from .restoring import applied, declare, restores_in, the_restore
from .stack import Outcome, Stack
from .trouble import LONG, SHORT, killed_up, on_another_machine

PASSWORD = "Hush-hush 'S3cret\" <&>"


@pytest.fixture
def given(endpoint: LocalEndpoint) -> dict[str, Any]:
    """The inputs of an import that can be carried out."""
    endpoint.behave(import_duration=SHORT)
    production = endpoint.add_instance(name="production", engine_version="6.0", capacity=4.0)
    staging = endpoint.add_instance(name="staging", engine_version="6.0", capacity=4.0, used_memory=512)
    return {
        "instance_id": staging,
        "source_instance_id": production,
        "backup_id": endpoint.add_backup(production),
        "target_password": PASSWORD,
    }


def imports(endpoint: LocalEndpoint) -> int:
    return endpoint.count("create_migration")


def is_shown(text: str) -> bool:
    """Whether the password is in a text, as it is or as JSON has it."""
    return "ush-hush" in text or "S3cret" in text


def assert_hidden(stack: Stack, *outcomes: Outcome) -> None:
    """The password is in nothing that the commands printed, nor in any file but the program, nor in the state."""
    for outcome in outcomes:
        assert not is_shown(outcome.text)
    program = stack.folder / "__main__.py"
    for root in (stack.folder, Path(stack.environment["PULUMI_HOME"])):
        for path in root.rglob("*"):
            if path.is_file() and path != program:
                assert not is_shown(path.read_bytes().decode("utf-8", "replace")), path


def test_an_import(stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]) -> None:
    declare(stack, **given, remark="last night's")
    preview = applied(stack.preview("--diff", "--save-plan", str(stack.folder / "plan.json")))
    said = " ".join(preview.text.split())
    assert f"Imports backup {given['backup_id']} of 20" in said
    assert f"of instance {given['source_instance_id']} into instance staging (Redis 6.0, " in said
    assert "(Redis 6.0, 512 MB in use): overwrites the data of all keys that both have, and leaves its other" in said
    outcome = applied(stack.up("--plan", str(stack.folder / "plan.json")))
    (task,) = endpoint.migrations()
    assert (task["instance_id"], task["backup_id"]) == (given["instance_id"], given["backup_id"])
    assert task["details"]["description"] == "last night's"
    assert task["details"]["task_name"].startswith("rollback-")
    resource = the_restore(stack)
    assert resource["id"] == f"{given['instance_id']}/{task['task_id']}"
    outputs = resource["outputs"]
    assert (outputs["restore_id"], outputs["status"]) == (task["task_id"], "SUCCESS")
    assert {"started_at", "finished_at", "backup_name", "backup_created_at", "backup_size"} <= outputs.keys()
    assert "target_password" not in outputs
    assert resource["inputs"]["target_password"]["ciphertext"]
    assert imports(endpoint) == 1
    again = applied(stack.up("--expect-no-changes"))
    refreshed = applied(stack.refresh("--expect-no-changes"))
    applied(stack.up("--expect-no-changes"))
    destroyed = applied(stack.destroy())
    assert_hidden(stack, preview, outcome, again, refreshed, destroyed)
    assert imports(endpoint) == 1


@pytest.mark.row("R5")
def test_the_password_reaches_the_service_and_the_list_does_not_bring_it_back(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]
) -> None:
    stack.environment["DCS_DEBUG"] = "1"
    declare(stack, **given)
    outcome = applied(stack.up("--logtostderr", "-v=9"))
    assert_hidden(stack, outcome)
    assert endpoint.count("show_migration") == 0


@pytest.mark.row("R5")
@pytest.mark.parametrize("status", [400, 403, 500, 200, 429])
@pytest.mark.parametrize("operation", ["create_migration", "list_migrations"])
def test_a_service_that_sends_the_password_back_is_not_quoted(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any], operation: str, status: int
) -> None:
    quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
    bodies = {
        400: f'{{"error_code": "DCS.4000", "error_msg": "bad password {quoted}"}}',
        403: f'{{"target_instance": {{"password": "{quoted}"}}}}',
        500: f"<html>{PASSWORD}</html>",
        200: f'{{"tasks": [{{"password": "{quoted}"}}]}}',
        429: f'{{"code": "APIGW.0308", "message": "slow down, {quoted}"}}',
    }
    times = 2 if status == 429 else -1
    endpoint.plan({"operation": operation, "status": status, "body": bodies[status], "times": times})
    declare(stack, **given, opts="pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create='10s'))")
    outcome = stack.up()
    assert_hidden(stack, outcome)
    assert outcome.ok == (status == 429)
    assert imports(endpoint) <= (3 if status == 429 else 1)


def test_a_failed_import_shows_the_services_message_and_is_not_repeated(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]
) -> None:
    endpoint.behave(import_failure=f"can't log in with {PASSWORD}")
    declare(stack, **given)
    outcome = stack.up()
    assert not outcome.ok
    assert f"The import of instance {given['instance_id']} failed at the service." in outcome.diagnostics
    assert "can't log in with ***" in outcome.diagnostics
    again = stack.up()
    assert "It is not repeated by itself" in again.diagnostics
    assert imports(endpoint) == 1
    refreshed = applied(stack.refresh())
    assert_hidden(stack, outcome, again, refreshed)


@pytest.mark.row("R5")
def test_nor_is_the_password_in_the_message_that_a_refresh_finds(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]
) -> None:
    endpoint.behave(import_duration=LONG, import_failure=f"can't log in with {PASSWORD}")
    declare(stack, **given, wait=False)
    created = applied(stack.up())
    endpoint.change_task("migrations", endpoint.migrations()[0]["task_id"], duration=0.0)
    refreshed = applied(stack.refresh())
    assert the_restore(stack)["outputs"]["error_code"] == "can't log in with ***"
    assert_hidden(stack, created, refreshed)


def test_another_password_imports_again(stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]) -> None:
    declare(stack, **given)
    applied(stack.up())
    declare(stack, **{**given, "target_password": "another-hush-hush"})
    preview = applied(stack.preview("--diff"))
    assert "Imports backup" in preview.text
    assert "target_password" in preview.text
    assert_hidden(stack, preview, applied(stack.up()))
    assert imports(endpoint) == 2
    applied(stack.up("--expect-no-changes"))


@pytest.mark.row("R1")
@pytest.mark.parametrize("machine", ["same", "another"])
def test_a_killed_import_is_gone_on_with(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any], machine: str
) -> None:
    """On another machine, the name of the first import of a resource is no proof: one of its earlier lives has it."""
    endpoint.behave(import_duration=LONG)
    declare(stack, **given)
    killed_up(stack, lambda: endpoint.count("list_migrations") > 1)
    (task,) = endpoint.migrations()
    endpoint.change_task("migrations", task["task_id"], duration=0.0)
    endpoint.behave(import_duration=SHORT)
    if machine == "another":
        on_another_machine(stack)
        outcome = stack.up()
        assert not outcome.ok
        assert f"import {task['task_id']} may be what it made" in outcome.diagnostics
        declare(stack, **given, adopt_restore_id=task["task_id"])
    outcome = applied(stack.up())
    assert the_restore(stack)["outputs"]["restore_id"] == task["task_id"]
    assert imports(endpoint) == 1
    assert_hidden(stack, outcome)


def test_a_killed_replacement_is_proved_by_the_tasks_name(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]
) -> None:
    declare(stack, **given)
    applied(stack.up())
    declare(stack, **given, triggers={"night": 2})
    endpoint.behave(import_duration=LONG)
    lists = endpoint.count("list_migrations")
    killed_up(stack, lambda: imports(endpoint) > 1 and endpoint.count("list_migrations") > lists + 1)
    left = endpoint.migrations()[0]["task_id"]
    endpoint.change_task("migrations", left, duration=0.0)
    endpoint.behave(import_duration=SHORT)
    on_another_machine(stack)
    applied(stack.up())
    assert the_restore(stack)["outputs"]["restore_id"] == left
    assert imports(endpoint) == 2


def test_others_imports_do_not_hold_it_up(stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]) -> None:
    endpoint.add_task("migrations", CLUSTER, duration=LONG)
    declare(stack, **given)
    applied(stack.up())
    assert imports(endpoint) == 1


def test_an_instance_itself_as_source_is_a_restore_in_place(stack: Stack, endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA)
    declare(stack, instance_id=HA, source_instance_id=HA, backup_id=backup_id)
    applied(stack.up())
    declare(stack, instance_id=HA, backup_id=backup_id)
    applied(stack.up("--expect-no-changes"))
    assert endpoint.count("create_restore") == 1
    assert imports(endpoint) == 0


REFUSALS = {
    "instance": ({"instance_id": MISSING}, f"instance_id is '{MISSING}': there is no such instance."),
    "backup": ({"backup_id": "none"}, "backup_id is 'none': instance {instance_id} has no such backup."),
    "another's backup": ({"backup_id": "={others}"}, "has no such backup. Check it and instance_id"),
    "failed backup": ({"backup_id": "={failed}"}, "it can't be restored: its status is failed."),
    "running backup": ({"backup_id": "={running}"}, "it can't be restored: its status is "),
    "frozen": ({"instance_id": "={frozen}"}, "the instance is FROZEN, which does not pass by itself"),
    "source": ({"source_instance_id": MISSING}, "source_instance_id is '" + MISSING + "': there is no such instance."),
    "single source": ({"source_instance_id": SINGLE}, "it is a single-node instance, which has no backups"),
    "older target": (
        {"source_instance_id": "={newer}"},
        "it is Redis 5.0, and the backup is of Redis 7.0: an import needs the same version or a newer one.",
    ),
    "smaller target": ({"source_instance_id": "={larger}"}, "an import needs the same size or more."),
    "adopted": ({"adopt_restore_id": "none"}, "adopt_restore_id is 'none': Restore none of instance"),
    "adopted of another backup": ({"adopt_restore_id": "={theirs}"}, "it is one of backup b-1, and the program says"),
}


@pytest.mark.row("R6")
@pytest.mark.parametrize("what", REFUSALS)
def test_previews_refuse_what_cant_be_restored(stack: Stack, endpoint: LocalEndpoint, what: str) -> None:
    target = endpoint.add_instance(engine_version="5.0", capacity=4.0)
    ids = {
        "instance_id": target,
        "own": endpoint.add_backup(target),
        "others": endpoint.add_backup(HA),
        "failed": endpoint.add_backup(target, failure="dcs.08.0002"),
        "frozen": endpoint.add_instance(status="FROZEN"),
        "newer": endpoint.add_instance(engine_version="7.0", capacity=4.0),
        "larger": endpoint.add_instance(engine_version="5.0", capacity=8.0),
        "theirs": endpoint.add_task("restores", target, backup_id="b-1"),
    }
    ids["running"] = endpoint.add_backup(target, duration=LONG) if what == "running backup" else ""
    inputs, says = REFUSALS[what]
    inputs = {name: value.removeprefix("=").format(**ids) for name, value in inputs.items()}
    declare(stack, **{"instance_id": target, "backup_id": ids["own"], **inputs})
    outcome = stack.preview()
    assert not outcome.ok
    assert says.format(**ids) in outcome.diagnostics
    assert "Overwrites" not in outcome.text
    assert not restores_in(stack)


@pytest.mark.row("R6")
def test_a_preview_without_credentials_still_warns(stack: Stack, endpoint: LocalEndpoint) -> None:
    for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
        del stack.environment[name]
    declare(stack, instance_id=HA, backup_id="b-1")
    preview = applied(stack.preview())
    assert f"warning: Overwrites all data of instance {HA} with backup b-1." in preview.diagnostics
    assert not endpoint.requests()

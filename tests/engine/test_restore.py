"""The life of a restore, declared and applied by the real engine: one restore for one declaration."""

from __future__ import annotations

from typing import Any

import pytest

from tests.endpoint import HA, PROJECT_ID, REGION, LocalEndpoint

from .restoring import applied, declare, posts, program_of, restores_in, steps, the_restore
from .stack import Stack
from .trouble import Exports


def test_create_restores_and_keeps_what_the_service_says(stack: Stack, endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA)
    declare(stack, instance_id=HA, backup_id=backup_id, remark="back to 2026.10", triggers={"incident": "7"})
    outcome = applied(stack.up())
    (restore,) = endpoint.restores()
    assert (restore["instance_id"], restore["backup_id"]) == (HA, backup_id)
    assert restore["details"]["remark"] == "back to 2026.10"
    resource = the_restore(stack)
    assert resource["id"] == f"{HA}/{restore['task_id']}"
    assert resource["inputs"].keys() == {
        *("__provider", "instance_id", "backup_id", "remark", "triggers", "region", "project_id"),
    }
    outputs = resource["outputs"]
    assert (outputs["restore_id"], outputs["status"]) == (restore["task_id"], "succeed")
    assert (outputs["progress"], outputs["region"], outputs["project_id"]) == ("100.00", REGION, PROJECT_ID)
    assert outputs["endpoint"] == endpoint.url
    assert outputs["backup_size"] == endpoint.backups()[0]["size"]
    assert {"started_at", "finished_at", "backup_name", "backup_created_at"} <= outputs.keys()
    assert "error_code" not in outputs
    assert "restored, " in outcome.text
    assert posts(endpoint) == 1
    assert len(endpoint.requests()) <= 6


def test_a_fleet_reads_the_saved_state_once_and_asks_little(stack: Stack, endpoint: LocalEndpoint) -> None:
    exports = Exports(stack)
    instances = [endpoint.add_instance(cache_mode="ha") for _ in range(24)]
    backups = [endpoint.add_backup(instance_id) for instance_id in instances]
    restores = zip(instances, backups, strict=True)
    stack.write(
        program_of({f"r{number}": {"instance_id": i, "backup_id": b} for number, (i, b) in enumerate(restores)})
    )
    applied(stack.up("--parallel", "24"))
    assert exports.take_count() == 1
    assert posts(endpoint) == len(endpoint.restores()) == 24
    assert len(endpoint.requests()) <= 6 * 24


@pytest.mark.row("R4")
def test_nothing_but_another_input_restores_again(stack: Stack, endpoint: LocalEndpoint) -> None:
    """Cases of their own, side by side."""
    changes: dict[str, dict[str, Any]] = {
        "none": {},
        "waited": {"wait": True},
        "not_waited": {"wait": False},
        "protected": {"opts": "pulumi.ResourceOptions(protect=True)"},
        "triggered": {"triggers": {}},
    }
    given = {name: given_for(endpoint, endpoint.add_instance(cache_mode="ha")) for name in changes}
    stack.write(program_of(given))
    applied(stack.up())
    made = by_name(stack)
    applied(stack.up("--expect-no-changes"))
    applied(stack.refresh("--expect-no-changes"))
    stack.write(program_of({name: {**given[name], **change} for name, change in changes.items()}))
    applied(stack.up("--refresh"))
    applied(stack.up("--expect-no-changes"))
    assert posts(endpoint) == len(changes)
    assert by_name(stack) == made


@pytest.mark.row("R6")
def test_another_input_restores_again_and_the_preview_warns(stack: Stack, endpoint: LocalEndpoint) -> None:
    """Cases of their own, side by side."""
    names = ("instance_id", "backup_id", "remark", "triggers", "triggers_removed")
    instances = {name: endpoint.add_instance(cache_mode="ha", name=name) for name in names}
    given = {name: {**given_for(endpoint, instances[name]), "triggers": {"incident": 1}} for name in names}
    other = endpoint.add_instance(cache_mode="ha", name="other")
    changes: dict[str, dict[str, Any]] = {
        "instance_id": given_for(endpoint, other),
        "backup_id": {"backup_id": endpoint.add_backup(instances["backup_id"])},
        "remark": {"remark": "again"},
        "triggers": {"triggers": {"incident": 2}},
        "triggers_removed": {"triggers": None},
    }
    changed = {name: {**given[name], **changes[name]} for name in names}
    stack.write(program_of(given))
    applied(stack.up())
    old = by_name(stack)
    assert posts(endpoint) == len(names)
    stack.write(program_of(changed))
    told = applied(stack.preview()).diagnostics
    for name in names:
        (section,) = (each for each in told.split("\n  pulumi-python:") if f"({name}):" in each)
        target = "other" if name == "instance_id" else name
        assert f"    warning: Overwrites all data of instance {target} (" in section
        assert f"with backup {changed[name]['backup_id']} of 20" in section
        told_before = f"It was restored before ({old[name]}): what was written since is lost." in section
        assert told_before == (name != "instance_id")
    assert [step["op"] for step in steps(stack)] == ["replace"] * len(names)
    assert posts(endpoint) == len(names)
    applied(stack.up())
    assert posts(endpoint) == 2 * len(names)
    new = {row["instance_id"]: row["task_id"] for row in endpoint.restores() if row["task_id"] not in old.values()}
    assert by_name(stack) == {name: new[changed[name]["instance_id"]] for name in names}
    applied(stack.up("--expect-no-changes"))


def given_for(endpoint: LocalEndpoint, instance_id: str) -> dict[str, Any]:
    """The inputs of a restore from a new backup of that instance."""
    return {"instance_id": instance_id, "backup_id": endpoint.add_backup(instance_id)}


def by_name(stack: Stack) -> dict[str, str]:
    """The ids of the restores in the saved state, by the resource's name."""
    return {each["urn"].rpartition("::")[2]: each["outputs"]["restore_id"] for each in restores_in(stack)}


@pytest.mark.row("R4")
def test_destroy_touches_no_data_and_says_so(stack: Stack, endpoint: LocalEndpoint) -> None:
    declare(stack, instance_id=HA, backup_id=endpoint.add_backup(HA))
    applied(stack.up())
    seen = len(endpoint.requests())
    outcome = applied(stack.destroy())
    assert f"No data is touched: instance {HA} stays as it is." in outcome.text
    assert not restores_in(stack)
    assert len(endpoint.requests()) == seen
    assert len(endpoint.restores()) == 1


@pytest.mark.row("R6")
def test_the_preview_warns_of_what_is_overwritten(stack: Stack, endpoint: LocalEndpoint) -> None:
    instance_id = endpoint.add_instance(name="orders", engine_version="6.0", capacity=4.0, used_memory=1229)
    backup_id = endpoint.add_backup(instance_id)
    endpoint.change_backup(backup_id, created=1795485600.0, size=1181116006)
    declare(stack, instance_id=instance_id, backup_id=backup_id)
    preview = applied(stack.preview())
    assert (
        "    warning: Overwrites all data of instance orders (Redis 6.0, 1.2 GB in use) with backup "
        f"{backup_id} of 2026-11-24 02:00 UTC (1.1 GB).\n"
    ) in preview.diagnostics
    assert not endpoint.restores()


def test_a_restore_that_is_not_waited_for(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(restore_duration=60.0)
    declare(stack, instance_id=HA, backup_id=endpoint.add_backup(HA), wait=False)
    applied(stack.up())
    assert the_restore(stack)["outputs"]["status"] in ("waiting", "restoring")
    applied(stack.up("--expect-no-changes"))
    endpoint.change_task("restores", endpoint.restores()[0]["task_id"], duration=0.0)
    applied(stack.refresh())
    outputs = the_restore(stack)["outputs"]
    assert (outputs["status"], outputs["progress"]) == ("succeed", "100.00")
    assert outputs["finished_at"]
    applied(stack.up("--expect-no-changes"))
    assert posts(endpoint) == 1


@pytest.mark.row("R3")
def test_a_status_that_is_not_documented_is_no_success(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(restore_status="rolledback", restore_progress="100.00")
    given = {"instance_id": HA, "backup_id": endpoint.add_backup(HA)}
    declare(stack, **given)
    for _ in range(2):
        outcome = stack.up()
        assert not outcome.ok
        assert "as 'rolledback', at 100 %: a status that is not documented. Whether it has succeeded is not known." in (
            outcome.diagnostics
        )
        assert "To leave the instance as it is, set wait=False" in outcome.diagnostics
    declare(stack, **given, wait=False)
    applied(stack.up())
    applied(stack.up("--expect-no-changes"))
    assert posts(endpoint) == 1


def test_unknown_ids_pass_the_preview(stack: Stack, endpoint: LocalEndpoint) -> None:
    target = endpoint.add_instance(engine_version="7.0", capacity=64.0)
    stack.write(
        f"import pulumi\nfrom pulumi_dcs import InstanceBackup, InstanceRestore\n"
        f"backup = InstanceBackup('backup', instance_id={HA!r})\n"
        f"InstanceRestore('rollback', instance_id={HA!r}, backup_id=backup.backup_id)\n"
        f"InstanceRestore('copy', instance_id=backup.backup_id.apply(lambda _: {target!r}), "
        f"source_instance_id=backup.backup_id.apply(lambda _: {HA!r}), backup_id=backup.backup_id, "
        f"target_password=backup.backup_id)"
    )
    preview = applied(stack.preview("--save-plan", str(stack.folder / "plan.json")))
    assert "with a backup that is not known yet." in preview.diagnostics
    assert "into an instance that is not known yet: overwrites the data of all keys" in preview.diagnostics
    applied(stack.up("--plan", str(stack.folder / "plan.json")))
    applied(stack.up("--expect-no-changes"))
    assert posts(endpoint) == 1
    assert endpoint.count("create_migration") == 1


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"instance_id": None}, "instance_id"),
        ({"backup_id": "none of its"}, "backup_id is 'none of its': it is not a valid id"),
        ({"target_password": "hush-hush"}, "target_password: it is for imports from another instance only"),
        ({"remark": "x" * 129}, "it has 129 characters; shorten it to at most 128"),
        ({"triggers": "7"}, "triggers is '7': it must be a dictionary"),
        ({"wait": "yes"}, "wait is 'yes': it must be True or False"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_inputs_that_cant_be_used_are_refused(
    stack: Stack, endpoint: LocalEndpoint, inputs: dict[str, Any], says: str
) -> None:
    declare(stack, **{"instance_id": HA, "backup_id": endpoint.add_backup(HA), **inputs})
    for outcome in (stack.preview(), stack.up()):
        assert not outcome.ok
        assert says in outcome.text
        assert "hush-hush" not in outcome.text
    assert not endpoint.restores()


def test_two_restores_of_one_instance_wait_for_each_other(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(restore_duration=1.0)
    first, second = endpoint.add_backup(HA), endpoint.add_backup(HA)
    stack.write(
        program_of(
            {
                "first": {"instance_id": HA, "backup_id": first},
                "second": {"instance_id": HA, "backup_id": second, "opts": "pulumi.ResourceOptions(depends_on=first)"},
            }
        )
    )
    applied(stack.up())
    assert [row["backup_id"] for row in endpoint.restores()] == [second, first]

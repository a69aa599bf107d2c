"""The life of a backup, declared and applied by the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endpoint import CLUSTER, HA, PROJECT_ID, PROXY, REDIS_3, REGION, LocalEndpoint

from .stack import Stack, until


def test_create_saves_the_backup_in_the_state(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="before 2026.11", triggers={"release": "2026.11"})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    (backup,) = endpoint.backups()
    resource = stack.resource()
    assert resource["id"] == f"{HA}/{backup['backup_id']}"
    assert resource["inputs"].keys() == {"__provider", "instance_id", "remark", "triggers", "region", "project_id"}
    outputs = resource["outputs"]
    assert outputs["backup_id"] == backup["backup_id"]
    assert outputs["status"] == "succeed"
    assert outputs["remark"] == backup["remark"] == "before 2026.11"
    assert outputs["backup_format"] == "rdb"
    assert outputs["size"] == backup["size"]
    assert outputs["is_support_restore"] is True
    assert (outputs["region"], outputs["project_id"]) == (REGION, PROJECT_ID)
    assert outputs["endpoint"] == endpoint.url
    assert {"backup_name", "backup_type", "progress", "created_at", "updated_at"} <= outputs.keys()
    assert endpoint.count("create_backup") == 1


def test_create_waits_until_the_backup_has_succeeded(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=2.0)
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.backups()[0]["status"] == "succeed"
    assert "backing up, " in outcome.text
    assert "backed up, 2 s" in outcome.text


def test_without_wait_it_returns_while_the_backup_runs(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=60.0)
    stack.declare(instance_id=HA, wait=False)
    assert stack.up().ok
    assert stack.resource()["outputs"]["status"] in ("waiting", "backuping")
    assert stack.up("--expect-no-changes").ok
    endpoint.change_backup(endpoint.backups()[0]["backup_id"], duration=0.0)
    assert stack.refresh().ok
    assert stack.resource()["outputs"]["status"] == "succeed"
    assert stack.up("--expect-no-changes").ok
    assert endpoint.count("create_backup") == 1


UNCHANGED: dict[str, dict[str, object]] = {
    "wait": {"wait": True},
    "format": {"backup_format": "rdb"},
    "remark": {"remark": "one"},
    "triggers": {"triggers": {}},
}


def test_a_second_run_changes_nothing(stack: Stack, endpoint: LocalEndpoint) -> None:
    before = {name: {"instance_id": endpoint.add_instance(cache_mode="ha"), "remark": "one"} for name in UNCHANGED}
    stack.declare_all(before)
    assert stack.up().ok
    stack.declare_all({name: {**before[name], **change} for name, change in UNCHANGED.items()})
    outcome = stack.up("--expect-no-changes")
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == len(UNCHANGED)


WAITS = {"add": (None, False), "update": (True, False), "delete": (False, None)}
"""By the kind of the change: ``wait`` before and after it."""


def test_another_wait_is_an_update_that_asks_the_service_nothing(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare_all({kind: {"instance_id": HA, "wait": before} for kind, (before, _) in WAITS.items()})
    assert stack.up().ok
    assert stack.refresh().ok
    stack.declare_all({kind: {"instance_id": HA, "wait": after} for kind, (_, after) in WAITS.items()})
    steps = {name_of(step): (step["op"], step["detailedDiff"]) for step in stack.preview_json()}
    assert steps == {kind: ("update", {"wait": {"kind": kind, "inputDiff": True}}) for kind in WAITS}
    asked = len(endpoint.requests())
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert f"{len(WAITS)} updated" in outcome.text
    for resource in stack.resources():
        _, after = WAITS[name_of(resource)]
        assert resource["inputs"].get("wait") == resource["outputs"].get("wait") == after
    assert stack.up("--expect-no-changes").ok
    assert len(endpoint.requests()) == asked
    assert stack.backup_ids() == endpoint.backup_ids()


def name_of(resource: dict[str, str]) -> str:
    """The name of a resource, or of a step's."""
    return resource["urn"].rpartition("::")[2]


REPLACING: dict[str, dict[str, object]] = {
    "instance": {"instance_id": CLUSTER},
    "remark": {"remark": "two"},
    "no_remark": {"remark": None},
    "format": {"backup_format": "aof"},
    "triggers": {"triggers": {"release": "2"}},
    "no_triggers": {"triggers": None},
}


def test_replacement_makes_the_new_backup_before_the_old_one_goes(stack: Stack, endpoint: LocalEndpoint) -> None:
    before = {
        name: {"instance_id": endpoint.add_instance(cache_mode="ha"), "remark": "one", "triggers": {"release": "1"}}
        for name in REPLACING
    }
    stack.declare_all(before)
    assert stack.up().ok
    old = endpoint.backup_ids()
    assert len(old) == len(REPLACING)
    stack.declare_all({name: {**before[name], **change} for name, change in REPLACING.items()})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    new = endpoint.backup_ids()
    assert len(new) == len(REPLACING)
    assert not new & old
    assert stack.backup_ids() == new
    assert stack.up("--expect-no-changes").ok
    order = {name: list[str]() for name in REPLACING}
    names = {inputs["instance_id"]: name for name, inputs in before.items()} | {CLUSTER: "instance"}
    for row in endpoint.requests():
        if row["operation"] in ("create_backup", "delete_backup"):
            order[names[row["instance_id"]]].append(row["operation"])
    assert order == {name: ["create_backup", "create_backup", "delete_backup"] for name in REPLACING}


def test_redis_3_makes_aof_and_stays_as_it_is(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=REDIS_3)
    assert stack.up().ok
    assert stack.resource()["outputs"]["backup_format"] == "aof"
    assert stack.up("--expect-no-changes").ok


def test_the_enum_is_as_good_as_its_value(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.write(
        "from pulumi_dcs import BackupFormat, InstanceBackup\n"
        f"InstanceBackup('backup', instance_id='{HA}', backup_format=BackupFormat.AOF)"
    )
    assert stack.up().ok
    assert stack.resource()["inputs"]["backup_format"] == "aof"
    assert endpoint.backups()[0]["backup_format"] == "aof"


def test_region_and_project_stay_those_of_the_backup(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA)
    assert stack.up().ok
    stack.environment["HW_REGION_NAME"] = "eu-west-101"
    stack.environment["HUAWEICLOUD_SDK_PROJECT_ID"] = "f" * 32
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh("--expect-no-changes").ok
    assert stack.destroy().ok
    assert not endpoint.backups()


def test_refresh_drops_what_is_gone_and_up_makes_it_anew(stack: Stack, endpoint: LocalEndpoint) -> None:
    ends = ("removed", "expired", "deleted")
    stack.declare_all({end: {"instance_id": HA} for end in ends})
    assert stack.up().ok
    before = stack.backup_ids()
    for end, backup_id in zip(ends, sorted(before), strict=True):
        if end == "removed":
            endpoint.remove_backup(backup_id)
        else:
            endpoint.change_backup(backup_id, ended=end)
    outcome = stack.refresh()
    assert outcome.ok, outcome.text
    assert not stack.resources()
    assert stack.up().ok
    assert len(stack.backup_ids()) == len(ends)
    assert not stack.backup_ids() & before


@pytest.mark.row("15")
def test_refresh_drops_the_backup_of_a_deleted_instance(stack: Stack, endpoint: LocalEndpoint) -> None:
    instance_id = endpoint.add_instance(cache_mode="ha")
    stack.declare(instance_id=instance_id)
    assert stack.up().ok
    endpoint.control("DELETE", f"/instances/{instance_id}")
    assert stack.refresh().ok
    assert not stack.resources()


def test_refresh_shows_a_changed_remark_and_up_replaces(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="one")
    assert stack.up().ok
    (backup_id,) = endpoint.backup_ids()
    endpoint.change_backup(backup_id, remark="drifted")
    outcome = stack.refresh("--diff")
    assert outcome.ok, outcome.text
    assert '~ remark: "one" => "drifted"' in outcome.text
    assert stack.resource()["outputs"]["remark"] == "drifted"
    (step,) = stack.preview_json()
    assert (step["op"], step["detailedDiff"].keys()) == ("replace", {"remark"})
    assert stack.up().ok
    assert endpoint.backups()[0]["remark"] == "one"
    assert len(endpoint.backups()) == 1


def test_a_backup_that_turned_out_failed_is_replaced(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(failure="dcs.08.0002")
    stack.declare(instance_id=HA, wait=False)
    assert stack.up().ok
    endpoint.behave(failure="")
    assert stack.refresh().ok
    assert stack.resource()["outputs"]["status"] == "failed"
    assert stack.resource()["outputs"]["error_code"] == "dcs.08.0002"
    (step,) = stack.preview_json()
    assert step["op"] == "replace"
    assert stack.up().ok
    (backup,) = endpoint.backups()
    assert not backup["failure"]


@pytest.mark.row("15")
def test_an_api_error_in_refresh_is_never_gone(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA)
    assert stack.up().ok
    for status, body in ((403, '{"error_code": "DCS.0001", "error_msg": "no"}'), (404, "<html>not here</html>")):
        endpoint.plan({"operation": "list_backups", "status": status, "body": body})
        outcome = stack.refresh()
        assert not outcome.ok
        assert f"HTTP {status}" in outcome.diagnostics
        assert len(stack.resources()) == 1


@pytest.mark.row("14")
def test_delete_is_idempotent(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA)
    assert stack.up().ok
    endpoint.remove_backup(endpoint.backups()[0]["backup_id"])
    outcome = stack.destroy()
    assert outcome.ok, outcome.text
    assert not stack.resources()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ("team.back_up(None)", ["team.py", "__main__.py"]),
        # Called by Pulumi's SDK, from a task of asyncio.
        ("pulumi.Output.from_input(1).apply(team.back_up)", ["team.py"]),
    ],
)
def test_the_state_names_the_programs_own_frames_only(
    stack: Stack, endpoint: LocalEndpoint, call: str, named: list[str]
) -> None:
    back_up = f"def back_up(_):\n    return InstanceBackup('backup', instance_id={HA!r})\n"
    (stack.folder / "team.py").write_text(f"from pulumi_dcs import InstanceBackup\n\n\n{back_up}")
    stack.write(f"import pulumi\nimport team\n\n{call}")
    assert stack.up().ok
    files = frames(stack)
    assert files[: len(named)] == named
    assert stack.resource()["sourcePosition"].endswith("/team.py#5")
    assert not {"base_events.py", "events.py", "stack.py", "pulumi-language-python-exec"} & set(files)


def frames(stack: Stack) -> list[str]:
    """The files that the state's stack trace of the one backup names, innermost first."""
    trace = stack.resource()["stackTrace"]
    return [Path(frame["sourcePosition"].rpartition("#")[0]).name for frame in trace if frame]


@pytest.mark.row("14")
def test_delete_waits_for_a_backup_that_is_still_being_made(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=600.0)
    stack.declare(instance_id=HA, wait=False)
    assert stack.up().ok
    process = stack.start("destroy", "--yes", "--skip-preview")
    until(lambda: endpoint.count("delete_backup") > 1)
    endpoint.change_backup(endpoint.backups()[0]["backup_id"], duration=0.0)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text
    assert "the instance is being backed up (DCS.4096); waiting" in text
    assert not endpoint.backups()


def test_adoption_takes_over_without_making_one(stack: Stack, endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, remark="from the console", backup_format="aof")
    stack.declare(instance_id=HA, adopt_backup_id=backup_id)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 0
    resource = stack.resource()
    assert resource["id"] == f"{HA}/{backup_id}"
    assert resource["outputs"]["remark"] == "from the console"
    assert resource["outputs"]["backup_format"] == "aof"
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh("--expect-no-changes").ok
    stack.declare(instance_id=HA)
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh("--expect-no-changes").ok
    assert stack.up("--expect-no-changes").ok
    assert stack.destroy().ok
    assert not endpoint.backups()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"adopt_backup_id": "no-such"}, "the instance has no such backup"),
        ({"remark": "mine"}, "its remark is 'theirs', the program says 'mine'"),
        ({"backup_format": "aof"}, "its backup_format is 'rdb', the program says 'aof'"),
    ],
)
def test_adoption_of_what_is_not_there_or_not_the_same_fails(
    stack: Stack, endpoint: LocalEndpoint, inputs: dict[str, str], said: str
) -> None:
    backup_id = endpoint.add_backup(HA, remark="theirs")
    stack.declare(**{"instance_id": HA, "adopt_backup_id": backup_id, **inputs})
    outcome = stack.up()
    assert not outcome.ok
    assert said in outcome.diagnostics
    assert not stack.resources()
    assert endpoint.backup_ids() == {backup_id}


def test_two_resources_cannot_adopt_one_backup(stack: Stack, endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA)
    inputs = {"instance_id": HA, "adopt_backup_id": backup_id}
    stack.declare_all({"first": inputs, "second": inputs})
    outcome = stack.up()
    assert not outcome.ok
    (owner,) = stack.resources()
    name = owner["urn"].rpartition("::")[2]
    assert f"error: Backup {backup_id} can't be adopted: {name!r} has it.\n" in outcome.diagnostics
    assert f"the resource is {owner['urn']}\n" in outcome.diagnostics


def test_get_reads_a_backup_that_is_managed_elsewhere(stack: Stack, endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, remark="theirs")
    stack.write(
        "import pulumi\nfrom pulumi_dcs import InstanceBackup\n"
        f"theirs = InstanceBackup.get('theirs', '{HA}/{backup_id}')\n"
        "for name in ('backup_id', 'remark', 'status', 'size', 'instance_id', 'region'):\n"
        "    pulumi.export(name, getattr(theirs, name))"
    )
    outcome = stack.up()
    assert outcome.ok, outcome.text
    shown = stack.pulumi("stack", "output", "--json").text
    for value in (backup_id, "theirs", "succeed", HA, REGION):
        assert value in shown
    assert stack.destroy().ok
    assert endpoint.backup_ids() == {backup_id}


def test_get_of_what_is_not_there_fails(stack: Stack, endpoint: LocalEndpoint) -> None:
    for resource_id, said in ((f"{HA}/no-such", "does not exist"), ("nonsense", "<instance_id>/<backup_id>")):
        stack.write(f"from pulumi_dcs import InstanceBackup\nInstanceBackup.get('theirs', '{resource_id}')")
        outcome = stack.up()
        assert not outcome.ok
        assert said in outcome.diagnostics


def test_unknown_inputs_pass_the_preview(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.write(
        "import pulumi\nfrom pulumi_dcs import InstanceBackup\n"
        f"first = InstanceBackup('first', instance_id='{HA}', remark='one')\n"
        f"second = InstanceBackup('second', instance_id='{PROXY}', remark=first.backup_id, "
        "triggers={'after': first.backup_id}, wait=first.backup_id.apply(lambda _: True))"
    )
    preview = stack.preview()
    assert preview.ok, preview.text
    assert stack.up().ok
    assert stack.up("--expect-no-changes").ok
    stack.write((stack.folder / "__main__.py").read_text().replace("'one'", "'two'"))
    steps = {step["urn"].rpartition("::")[2]: step["op"] for step in stack.preview_json()}
    assert steps["first"] == "replace"
    assert steps["second"] == "replace"
    assert stack.up().ok
    assert len(endpoint.backups()) == 2


def test_reformatting_the_program_changes_nothing(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, triggers={"a": "1", "b": "2"})
    assert stack.up().ok
    stack.write(
        "import pulumi\nimport pulumi_dcs\n\n\n"
        f"def declare():\n    triggers = dict(b='2', a='1')\n"
        f"    return pulumi_dcs.InstanceBackup('backup', triggers=triggers, instance_id='{HA}')\n\n\n"
        "pulumi.export('backup', declare().backup_id)"
    )
    assert stack.preview("--expect-no-changes").ok

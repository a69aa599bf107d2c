"""A verification's life on the real engine: counted, resumed, refused, gone."""

from __future__ import annotations

import json
import signal
import time
import uuid
from typing import Any

import pytest
from pulumi_dcs.backup_verification.names import RESOURCE_TYPE

from tests.endpoint import CLUSTER, HA, REDIS_3, LocalEndpoint

from .stack import Stack, until
from .trouble import LONG, killed_up, on_another_machine

PROGRAM = """\
import pulumi
from pulumi_dcs import BackupVerification, InstanceBackup

backup = InstanceBackup("backup", instance_id={instance!r}, triggers={release!r})
proof = BackupVerification("proof", instance_id={instance!r}, backup_id=backup.backup_id{more})
pulumi.export("keys", proof.key_count)
"""
BUSY = '{"error_code": "DCS.4231", "error_msg": "The keys are being analysed."}'
NAME_OF_A_KEY = "anna@example.com"
"""What the endpoint invents: in no message, no output, no state."""


def declare(stack: Stack, instance: str = HA, release: object = None, more: str = "") -> None:
    stack.write(PROGRAM.format(instance=instance, release=release, more=more))


def of_backup(stack: Stack, backup_id: str, instance: str = HA, more: str = "") -> None:
    stack.write(
        "import pulumi\nfrom pulumi_dcs import BackupVerification\n"
        f"BackupVerification('proof', instance_id={instance!r}, backup_id={backup_id!r}{more})"
    )


def proof(stack: Stack) -> dict[str, Any]:
    (found,) = proofs(stack)
    return found


def proofs(stack: Stack) -> list[dict[str, Any]]:
    return stack.resources(RESOURCE_TYPE)


def made(endpoint: LocalEndpoint, instance: str = HA, **details: Any) -> str:
    return endpoint.add_backup(instance, duration=0.0, **details)


def test_its_life(stack: Stack, endpoint: LocalEndpoint) -> None:
    declare(stack)
    shown = stack.preview()
    assert shown.ok, shown.text
    assert "Has the service read a backup that is not known yet of instance orders [" in shown.text
    assert "] (Redis 6.0) through and count its keys; makes no backup." in shown.text
    assert not endpoint.count("create_key_analysis")
    outcome = stack.up()
    assert outcome.ok, outcome.text
    (backup_id,) = endpoint.backup_ids()
    outputs = proof(stack)["outputs"]
    assert outputs["key_count"] == sum(outputs["keys_by_type"].values()) == 1000
    assert outputs["key_bytes"] == 64_000
    assert outputs["backup_id"] == backup_id
    assert outputs["verified_at"] > outputs["backup_created_at"]
    assert endpoint.count("create_key_analysis") == 1
    assert not endpoint.analyses()
    for again in (stack.preview("--expect-no-changes"), stack.up("--expect-no-changes"), stack.refresh()):
        assert again.ok, again.text
    assert endpoint.count("create_key_analysis") == 1
    declare(stack, release={"number": 2})
    assert stack.up().ok
    (renewed,) = endpoint.backup_ids()
    assert proof(stack)["outputs"]["backup_id"] == renewed != backup_id
    assert endpoint.count("create_key_analysis") == 2
    assert endpoint.count("create_backup") == 2
    assert stack.destroy().ok
    assert endpoint.count("create_key_analysis") == 2


@pytest.mark.row("V2")
def test_every_request_names_the_backup(stack: Stack, endpoint: LocalEndpoint) -> None:
    of_backup(stack, made(endpoint, CLUSTER), CLUSTER)
    assert stack.up().ok
    shards = endpoint.count("create_key_analysis")
    assert shards > 1
    assert proof(stack)["outputs"]["key_count"] == 1000 * shards
    assert len(endpoint.backups()) == 1
    assert endpoint.count("create_backup") == 0
    assert not endpoint.analyses()


@pytest.mark.row("V3")
def test_no_name_of_a_key_is_seen(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.environment["DCS_DEBUG"] = "1"
    of_backup(stack, made(endpoint))
    outcome = stack.up("--logtostderr", "-v=9")
    assert outcome.ok, outcome.text
    exported = stack.pulumi("stack", "export", "--show-secrets").text
    assert "key_count" in exported
    assert NAME_OF_A_KEY not in outcome.text + exported


@pytest.mark.row("V1")
def test_too_few_keys_keep_the_change_from_starting(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(analysis_keys=0)
    made_before = made(endpoint)
    stack.write(
        "import pulumi\nfrom pulumi_dcs import BackupVerification, InstanceBackup\n"
        f"proof = BackupVerification('proof', instance_id={HA!r}, backup_id={made_before!r})\n"
        f"InstanceBackup('change', instance_id={CLUSTER!r}, opts=pulumi.ResourceOptions(depends_on=[proof]))"
    )
    outcome = stack.up()
    assert not outcome.ok
    assert (
        f"Backup {made_before} of instance {HA} has 0 keys, too few: minimum_keys is 1, the default."
        in outcome.diagnostics
    )
    assert outcome.diagnostics.count("error:") == 1
    assert endpoint.backup_ids() == {made_before}
    assert not endpoint.analyses()
    # What was counted can't change: nothing is read again, and the change still waits.
    for again in (stack.preview(), stack.up()):
        assert not again.ok
        assert "has 0 keys, too few" in again.diagnostics
    assert endpoint.backup_ids() == {made_before}
    assert endpoint.count("create_key_analysis") == 1


def test_the_minimum_is_compared_with_what_was_counted(stack: Stack, endpoint: LocalEndpoint) -> None:
    backup_id = made(endpoint)
    of_backup(stack, backup_id)
    assert stack.up().ok
    of_backup(stack, backup_id, more=", minimum_keys=1000")
    assert "~ minimum_keys" in stack.preview("--diff").text or "+ minimum_keys" in stack.preview("--diff").text
    assert stack.up().ok
    of_backup(stack, backup_id, more=", minimum_keys=1001")
    for outcome in (stack.preview(), stack.up()):
        assert not outcome.ok
        assert "has 1000 keys, too few: minimum_keys is 1001" in outcome.text
        assert "Traceback" not in outcome.diagnostics
    of_backup(stack, backup_id, more=", minimum_keys=900")
    assert stack.up().ok
    assert stack.up("--expect-no-changes").ok
    assert proof(stack)["outputs"]["minimum_keys"] == 900
    assert endpoint.count("create_key_analysis") == 1


@pytest.mark.row("V1")
def test_a_file_that_cannot_be_read(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(analysis_failure="dcs.08.0001")
    backup_id = made(endpoint)
    of_backup(stack, backup_id)
    outcome = stack.up()
    assert not outcome.ok
    assert f"Backup {backup_id} of instance {HA} can't be read through by the service." in outcome.diagnostics
    assert not proofs(stack)
    assert not endpoint.analyses()


@pytest.mark.parametrize(
    ("instance", "details", "why"),
    [
        (REDIS_3, {}, "backups of Redis 4.0 and later only"),
        (HA, {"backup_format": "aof"}, "its format is aof"),
        (HA, {"failure": "dcs.08.0002"}, "its status is failed"),
    ],
)
def test_what_cannot_be_verified_is_refused_in_the_preview(
    stack: Stack, endpoint: LocalEndpoint, instance: str, details: dict[str, Any], why: str
) -> None:
    of_backup(stack, made(endpoint, instance, **details), instance)
    outcome = stack.preview()
    assert not outcome.ok
    assert why in outcome.diagnostics
    assert not stack.up().ok
    assert not endpoint.analyses()


def test_a_backup_of_another_instance_is_refused(stack: Stack, endpoint: LocalEndpoint) -> None:
    of_backup(stack, made(endpoint, CLUSTER))
    outcome = stack.preview()
    assert not outcome.ok
    assert f"instance {HA} has no such backup" in outcome.diagnostics
    assert not stack.up().ok
    assert endpoint.count("create_key_analysis") == 0


def test_a_busy_instance_is_waited_for(stack: Stack, endpoint: LocalEndpoint) -> None:
    of_backup(stack, made(endpoint, CLUSTER), CLUSTER)
    endpoint.plan({"operation": "create_key_analysis", "status": 400, "body": BUSY, "times": 2})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert not endpoint.analyses()


def test_a_backup_that_is_still_running_is_waited_for(stack: Stack, endpoint: LocalEndpoint) -> None:
    of_backup(stack, endpoint.add_backup(HA, duration=2.0))
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert proof(stack)["outputs"]["key_count"] == 1000


@pytest.mark.row("V4")
def test_a_lost_response_starts_no_second_analysis(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(analysis_duration=3.0)
    of_backup(stack, made(endpoint))
    endpoint.plan({"operation": "create_key_analysis", "carried_out": True, "drop": True})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_key_analysis") == 1
    assert not endpoint.analyses()


@pytest.mark.row("V4")
def test_a_timeout_is_resumed(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(analysis_duration=600.0)
    short = ", opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create='3s'))"
    backup_id = made(endpoint)
    of_backup(stack, backup_id, more=short)
    outcome = stack.up()
    assert not outcome.ok
    assert "run `pulumi up` again: it continues the verification" in outcome.diagnostics
    (task,) = endpoint.analyses()
    assert "key_count" not in proof(stack)["outputs"]
    assert f"Continues the verification of backup {backup_id}" in stack.preview().text
    endpoint.change_task("analyses", task["task_id"], duration=0.0)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert proof(stack)["outputs"]["key_count"] == 1000
    assert "__analyses" not in proof(stack)["outputs"]
    assert endpoint.count("create_key_analysis") == 1
    assert not endpoint.analyses()


@pytest.mark.row("V4")
def test_cancelled_and_destroyed(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(analysis_duration=600.0)
    of_backup(stack, made(endpoint))
    process = stack.start_up(endpoint.analyses)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Cancelled while key analysis task" in said
    (task,) = endpoint.analyses()
    assert proof(stack)["id"] == f"{HA}/{task['backup_id']}/{task['task_id']}"
    endpoint.change_task("analyses", task["task_id"], duration=0.0)
    assert stack.destroy().ok
    assert not endpoint.analyses()
    assert len(endpoint.backups()) == 1


@pytest.mark.row("V4")
@pytest.mark.parametrize("machine", ["same", "another"])
@pytest.mark.parametrize("finished", [False, True], ids=["running", "finished"])
def test_a_killed_run_is_gone_on_with_and_leaves_no_task(
    stack: Stack, endpoint: LocalEndpoint, machine: str, *, finished: bool
) -> None:
    endpoint.behave(analysis_duration=LONG)
    of_backup(stack, made(endpoint))
    killed_up(stack, lambda: endpoint.analyses() and endpoint.count("list_key_analyses") > 1)
    if machine == "another":
        on_another_machine(stack)
    (task,) = endpoint.analyses()
    endpoint.change_task("analyses", task["task_id"], duration=0.0 if finished else 5.0, created=time.time() - 3.0)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert f"going on with key analysis task {task['task_id']} of an interrupted run" in outcome.text
    assert proof(stack)["outputs"]["key_count"] == 1000
    assert endpoint.count("create_key_analysis") == 1
    assert not endpoint.analyses()


@pytest.mark.row("V5")
def test_a_killed_runs_task_is_removed_when_another_backup_is_verified(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(analysis_duration=LONG)
    of_backup(stack, made(endpoint))
    killed_up(stack, lambda: endpoint.analyses() and endpoint.count("list_key_analyses") > 1)
    (task,) = endpoint.analyses()
    endpoint.change_task("analyses", task["task_id"], duration=0.0)
    endpoint.behave(analysis_duration=0.3)
    another = made(endpoint)
    of_backup(stack, another)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert proof(stack)["outputs"]["backup_id"] == another
    assert not endpoint.analyses()


@pytest.mark.row("V5")
def test_somebody_elses_analysis_of_the_same_backup_stays(stack: Stack, endpoint: LocalEndpoint) -> None:
    backup_id = made(endpoint)
    of_backup(stack, backup_id)
    assert stack.up().ok
    # As it was shown, but made by somebody in the console.
    master = uuid.uuid5(uuid.NAMESPACE_OID, f"{HA}/shard-1/master").hex
    theirs = endpoint.add_task("analyses", HA, backup_id=backup_id, facts={"node": {"node_id": master}})
    of_backup(stack, backup_id, more=", triggers={'again': 1}")
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert [each["task_id"] for each in endpoint.analyses()] == [theirs]
    assert endpoint.count("create_key_analysis") == 2


@pytest.mark.row("V1")
def test_a_backup_that_is_gone_is_no_longer_proved(stack: Stack, endpoint: LocalEndpoint) -> None:
    declare(stack)
    assert stack.up().ok
    endpoint.remove_backup(next(iter(endpoint.backup_ids())))
    gone = stack.refresh()
    assert gone.ok, gone.text
    assert "no longer exists: its verification is dropped from the state" in gone.diagnostics
    assert not proofs(stack)
    assert stack.up().ok
    assert proof(stack)["outputs"]["backup_id"] in endpoint.backup_ids()


@pytest.mark.row("V5")
def test_somebody_deletes_the_task(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(analysis_duration=LONG)
    of_backup(stack, made(endpoint))
    process = stack.start_up(endpoint.analyses)
    (task,) = endpoint.analyses()
    until(lambda: endpoint.count("list_key_analyses") >= 3)
    endpoint.remove_task("analyses", task["task_id"])
    said, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert f"key analysis task {task['task_id']} of instance {HA} disappeared" in said.replace("Key", "key")
    assert not proofs(stack)


def test_a_given_backup_that_is_gone_is_no_promise_of_the_next_preview(stack: Stack, endpoint: LocalEndpoint) -> None:
    backup_id = made(endpoint)
    of_backup(stack, backup_id)
    assert stack.up().ok
    endpoint.remove_backup(backup_id)
    assert stack.refresh().ok
    outcome = stack.preview()
    assert not outcome.ok
    assert f"instance {HA} has no such backup" in outcome.diagnostics


@pytest.mark.parametrize("count", [3])
def test_several_verifications_of_one_instance_take_turns(stack: Stack, endpoint: LocalEndpoint, count: int) -> None:
    same = made(endpoint)
    backups = [same, same, *(made(endpoint) for _ in range(count - 1))]
    endpoint.behave(analysis_duration=0.5)
    lines = [
        f"BackupVerification('proof-{number}', instance_id={HA!r}, backup_id={backup_id!r})"
        for number, backup_id in enumerate(backups)
    ]
    stack.write("\n".join(["from pulumi_dcs import BackupVerification", *lines]))
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert sorted(each["outputs"]["backup_id"] for each in proofs(stack)) == sorted(backups)
    assert len({each["id"] for each in proofs(stack)}) == len(backups)
    assert not endpoint.analyses()


@pytest.mark.row("V4")
def test_a_cluster_that_was_cut_short_is_not_read_twice(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(analysis_duration=LONG)
    of_backup(stack, made(endpoint, CLUSTER), CLUSTER)
    process = stack.start_up(endpoint.analyses)
    (first,) = endpoint.analyses()
    endpoint.change_task("analyses", first["task_id"], duration=0.0)
    until(lambda: len(endpoint.analyses()) == 2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    endpoint.behave(analysis_duration=0.3)
    second = next(each for each in endpoint.analyses() if each["task_id"] != first["task_id"])
    endpoint.change_task("analyses", second["task_id"], duration=0.0)
    # What was read through counts, even if somebody has removed the task since.
    endpoint.remove_task("analyses", first["task_id"])
    outcome = stack.up()
    assert outcome.ok, outcome.text
    shards = proof(stack)["outputs"]["key_count"] // 1000
    assert shards > 1
    assert endpoint.count("create_key_analysis") == shards + len(
        [each for each in endpoint.requests("create_key_analysis") if each["status"] == 400]
    )
    assert not endpoint.analyses()


def test_a_shard_without_a_master_is_waited_for(stack: Stack, endpoint: LocalEndpoint) -> None:
    nodes = [{"node_id": "n1", "group_id": "g1", "node_type": "master"}]
    nodes += [{"node_id": "n2", "group_id": "g2", "node_type": "slave"}]
    body = json.dumps({"total": len(nodes), "nodes": nodes})
    endpoint.plan({"operation": "list_nodes", "status": 200, "body": body})
    of_backup(stack, made(endpoint, CLUSTER), CLUSTER)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert "a shard of the instance has no master at the moment" in outcome.text
    assert endpoint.count("list_nodes") == 2


@pytest.mark.row("V4")
@pytest.mark.parametrize("carried_out", [True, False])
def test_a_lost_response_of_a_quick_analysis(stack: Stack, endpoint: LocalEndpoint, *, carried_out: bool) -> None:
    endpoint.behave(analysis_duration=0.0)
    of_backup(stack, made(endpoint))
    fault = {"status": 502, "body": "<html>Bad gateway</html>"}
    endpoint.plan({"operation": "create_key_analysis", "carried_out": carried_out, **fault})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_key_analysis") == (1 if carried_out else 2)
    assert not endpoint.analyses()


@pytest.mark.row("V3")
def test_an_error_shows_no_name_of_a_key_and_the_next_run_goes_on(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.environment["DCS_DEBUG"] = "1"
    of_backup(stack, made(endpoint))
    body = json.dumps({"largest_keys": [{"key": f"session:{NAME_OF_A_KEY}"}], "detail": NAME_OF_A_KEY})
    endpoint.plan({"operation": "show_key_analysis", "status": 403, "body": body})
    outcome = stack.up("--logtostderr", "-v=9")
    assert not outcome.ok
    assert "run `pulumi up` again: it continues the verification" in outcome.diagnostics
    again = stack.up()
    assert again.ok, again.text
    assert endpoint.count("create_key_analysis") == 1
    exported = stack.pulumi("stack", "export", "--show-secrets").text
    assert NAME_OF_A_KEY not in outcome.text + again.text + exported
    assert not endpoint.analyses()


def test_destroy_waits_for_a_task_that_still_runs(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(analysis_duration=LONG)
    short = ", opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create='3s'))"
    of_backup(stack, made(endpoint), more=short)
    assert not stack.up().ok
    (task,) = endpoint.analyses()
    endpoint.change_task("analyses", task["task_id"], duration=time.time() - task["created"] + 8.0)
    outcome = stack.destroy()
    assert outcome.ok, outcome.text
    assert not endpoint.analyses()
    assert len(endpoint.backups()) == 1

"""Restores in trouble, on the real engine: never a second one in silence, and none that is lost."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from tests.endpoint import HA, LocalEndpoint

from .restoring import applied, declare, killed_restore, posts, restores_in, steps, the_restore
from .stack import Stack, until
from .trouble import LONG, SHORT, killed_up, on_another_machine

SOON = "pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create='3s', update='3s'))"
LOST = [
    {"drop": True, "carried_out": True},
    {"status": 500, "body": '{"error_code": "DCS.5010", "error_msg": "no"}', "carried_out": True},
    {"status": 502, "body": "<html>Bad gateway</html>", "carried_out": True},
    {"status": 200, "body": "{}", "carried_out": True},
]


@pytest.fixture
def given(endpoint: LocalEndpoint) -> dict[str, Any]:
    """The inputs of a restore that can be carried out."""
    endpoint.behave(restore_duration=SHORT)
    return {"instance_id": HA, "backup_id": endpoint.add_backup(HA)}


@pytest.mark.row("R1")
@pytest.mark.parametrize("fault", LOST, ids=["connection", "500", "502", "no id"])
def test_a_lost_response_starts_no_second_one(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any], fault: dict[str, Any]
) -> None:
    endpoint.plan({"operation": "create_restore", **fault})
    declare(stack, **given)
    applied(stack.up())
    assert posts(endpoint) == 1
    assert the_restore(stack)["outputs"]["restore_id"] == endpoint.restores()[0]["task_id"]
    applied(stack.up("--expect-no-changes"))


@pytest.mark.row("R1")
def test_a_lost_request_is_not_sent_again_by_the_same_run(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]
) -> None:
    endpoint.plan({"operation": "create_restore", "drop": True, "carried_out": False})
    declare(stack, **given)
    outcome = stack.up()
    assert not outcome.ok
    assert "a response was lost: whether a restore was started is not known" in outcome.diagnostics
    assert "look at the instance in the console first. `pulumi up` takes the restore over if" in outcome.diagnostics
    assert "if not, it restores, and overwrites what was written since." in outcome.diagnostics
    assert posts(endpoint) == 1
    assert not restores_in(stack)
    # A person has read that: and the service lists no restore that the request can have started.
    applied(stack.up())
    assert posts(endpoint) == 2
    assert len(endpoint.restores()) == 1


@pytest.mark.row("R1")
def test_a_lost_request_that_shows_late_is_taken_over_by_the_next_run(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]
) -> None:
    endpoint.plan({"operation": "create_restore", "drop": True, "carried_out": True})
    endpoint.behave(list_lag=40.0)
    declare(stack, **given)
    assert not stack.up().ok
    endpoint.behave(list_lag=0.0)
    applied(stack.up())
    assert posts(endpoint) == 1


RETRYING = """
async def again(args):
    pulumi.log.info(f"asked whether to retry: {{len(args.errors)}}")
    return len(args.errors) < 3


hook = pulumi.ErrorHook("again", again)
InstanceRestore("rollback", instance_id={instance_id!r}, backup_id={backup_id!r},
                opts=pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(on_error=[hook])))
"""


@pytest.mark.row("R1")
@pytest.mark.parametrize("trouble", ["lost", "failed", "refused"])
def test_a_retry_by_the_engine_restores_no_second_time(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any], trouble: str
) -> None:
    if trouble == "lost":
        endpoint.plan({"operation": "create_restore", "drop": True, "carried_out": False})
    elif trouble == "failed":
        endpoint.behave(restore_failure="dcs.08.0007")
    else:
        body = '{"error_code": "DCS.2003", "error_msg": "no"}'
        endpoint.plan({"operation": "create_restore", "status": 403, "body": body})
    stack.write(f"import pulumi\nfrom pulumi_dcs import InstanceRestore\n{RETRYING.format(**given)}")
    outcome = stack.up()
    assert "asked whether to retry: 1" in outcome.text
    if trouble == "refused":
        # Nothing was started: trying again is what the hook is for.
        assert outcome.ok, outcome.text
        assert (posts(endpoint), len(endpoint.restores())) == (2, 1)
        return
    assert not outcome.ok
    assert posts(endpoint) == 1
    if trouble == "lost":
        assert "No second restore of instance" in outcome.diagnostics


@pytest.mark.row("R1")
@pytest.mark.parametrize("finished", [False, True], ids=["running", "finished"])
def test_a_killed_run_is_gone_on_with(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any], *, finished: bool
) -> None:
    endpoint.behave(restore_duration=LONG)
    declare(stack, **given)
    killed_up(stack, lambda: endpoint.count("list_restores") > 1)
    (left,) = [row["task_id"] for row in endpoint.restores()]
    preview = applied(stack.preview())
    assert "`pulumi up` restores only if it is certain that that one has not." in preview.diagnostics
    endpoint.change_task("restores", left, duration=0.0 if finished else 5.0, created=time.time() - 3.0)
    outcome = applied(stack.up())
    assert f"going on with restore {left} of an interrupted run" in outcome.text
    assert posts(endpoint) == 1
    assert the_restore(stack)["outputs"]["restore_id"] == left
    applied(stack.up("--expect-no-changes"))


@pytest.mark.row("R1")
def test_so_is_one_that_was_killed_before_the_response(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]
) -> None:
    endpoint.behave(restore_duration=30.0)
    endpoint.plan({"operation": "create_restore", "carried_out": True, "delay": 3.0})
    declare(stack, **given)
    killed_up(stack, endpoint.restores)
    (left,) = [row["task_id"] for row in endpoint.restores()]
    endpoint.change_task("restores", left, duration=0.0)
    applied(stack.up())
    assert posts(endpoint) == 1
    assert the_restore(stack)["outputs"]["restore_id"] == left


@pytest.mark.row("R2")
@pytest.mark.parametrize("way_out", ["adopt", "clear", "same machine"])
def test_on_another_machine_it_stops_and_names_what_it_found(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any], way_out: str
) -> None:
    declare(stack, **given)
    left = killed_restore(stack, endpoint)
    home = stack.environment["PULUMI_HOME"]
    on_another_machine(stack)
    for _ in range(2):
        outcome = stack.up()
        assert not outcome.ok
        assert f"No restore of instance {HA} was started: an earlier run of this resource was interrupted" in (
            outcome.diagnostics
        )
        assert f"restore {left} may be what it made" in outcome.diagnostics
        assert f"restore {left}: succeed, created 20" in outcome.diagnostics
        assert f'adopt_restore_id="{left}"' in outcome.diagnostics
        assert "`pulumi refresh --clear-pending-creates`" in outcome.diagnostics
        assert "overwrites what was written since" in outcome.diagnostics
    assert posts(endpoint) == 1
    if way_out == "adopt":
        declare(stack, **given, adopt_restore_id=left)
        preview = applied(stack.preview())
        assert f"Takes over restore {left} of instance {HA}; no data is touched." in preview.diagnostics
        assert "Overwrites" not in preview.text
        applied(stack.up())
        assert posts(endpoint) == 1
        declare(stack, **given)
        applied(stack.up("--expect-no-changes"))
    elif way_out == "clear":
        applied(stack.refresh("--clear-pending-creates"))
        applied(stack.up())
        assert posts(endpoint) == 2
    else:
        stack.environment["PULUMI_HOME"] = home
        applied(stack.up())
        assert posts(endpoint) == 1
        assert the_restore(stack)["outputs"]["restore_id"] == left


@pytest.mark.row("R2")
def test_on_another_machine_it_stops_even_if_the_service_has_forgotten(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]
) -> None:
    declare(stack, **given)
    left = killed_restore(stack, endpoint)
    endpoint.remove_task("restores", left)
    on_another_machine(stack)
    outcome = stack.up()
    assert not outcome.ok
    assert "was interrupted, and whether it has started one is not known" in outcome.diagnostics
    assert "`pulumi refresh --clear-pending-creates`" in outcome.diagnostics
    assert posts(endpoint) == 1
    applied(stack.refresh("--clear-pending-creates"))
    applied(stack.up())
    assert posts(endpoint) == 2


@pytest.mark.row("R3")
@pytest.mark.parametrize("machine", ["same", "another"])
def test_a_failed_restore_of_a_killed_run_is_not_repeated(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any], machine: str
) -> None:
    declare(stack, **given)
    left = killed_restore(stack, endpoint)
    endpoint.change_task("restores", left, failure="dcs.08.0002")
    if machine == "another":
        on_another_machine(stack)
    outcome = stack.up()
    assert not outcome.ok
    assert left in outcome.diagnostics
    assert not stack.up().ok
    assert posts(endpoint) == 1


@pytest.mark.row("R3")
@pytest.mark.parametrize("way_out", ["adopt", "clear"])
def test_a_killed_runs_restore_that_is_no_longer_listed_is_not_repeated(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any], way_out: str
) -> None:
    declare(stack, **given)
    left = killed_restore(stack, endpoint)
    endpoint.remove_task("restores", left)
    outcome = stack.up()
    assert not outcome.ok
    assert f"has started restore {left} already, and the service no longer lists it" in outcome.diagnostics
    assert posts(endpoint) == 1
    if way_out == "adopt":
        declare(stack, **given, adopt_restore_id=left)
        outcome = stack.up()
        assert "set wait=False as well" in outcome.diagnostics
        declare(stack, **given, adopt_restore_id=left, wait=False)
        applied(stack.up())
        assert the_restore(stack)["outputs"]["status"] == "gone"
        applied(stack.up("--expect-no-changes"))
        assert posts(endpoint) == 1
    else:
        applied(stack.refresh("--clear-pending-creates"))
        applied(stack.up())
        assert posts(endpoint) == 2


def test_a_killed_run_for_other_inputs_is_named(stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]) -> None:
    declare(stack, **given)
    left = killed_restore(stack, endpoint)
    declare(stack, **given, remark="another")
    preview = applied(stack.preview())
    assert f"Orphan: restore {left} of instance {HA} (succeed), made for 'rollback'" in preview.diagnostics
    assert f"adopt_restore_id='{left}'" in preview.diagnostics
    assert "in the console" not in preview.diagnostics
    stack.write("")
    assert "Orphan" not in stack.preview().text


@pytest.mark.row("R1")
def test_a_timeout_keeps_it_and_the_next_up_goes_on_waiting(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]
) -> None:
    endpoint.behave(restore_duration=60.0)
    declare(stack, **given, opts=SOON)
    outcome = stack.up()
    assert not outcome.ok
    (restore,) = endpoint.restores()
    assert f"After 3 s, restore {restore['task_id']} of instance {HA} is not finished." in outcome.diagnostics
    assert "it goes on waiting for the same restore and starts no other" in outcome.diagnostics
    assert the_restore(stack)["outputs"]["status"] == "restoring"
    preview = applied(stack.preview())
    assert f"Continues to wait for restore {restore['task_id']}" in preview.diagnostics
    assert "Overwrites" not in preview.text
    assert not stack.up().ok
    applied(stack.refresh())
    endpoint.change_task("restores", restore["task_id"], duration=1.0)
    applied(stack.up())
    assert the_restore(stack)["outputs"]["status"] == "succeed"
    applied(stack.up("--expect-no-changes"))
    assert posts(endpoint) == 1


@pytest.mark.row("R1")
def test_a_cancelled_run_keeps_it(stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]) -> None:
    endpoint.behave(restore_duration=LONG)
    declare(stack, **given)
    process = stack.start_up(lambda: endpoint.count("list_restores") > 1)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=20)
    assert process.returncode != 0
    (restore,) = endpoint.restores()
    assert f"Cancelled while restore {restore['task_id']} of instance {HA} was under way." in text
    endpoint.change_task("restores", restore["task_id"], duration=0.0)
    applied(stack.up())
    assert the_restore(stack)["outputs"]["restore_id"] == restore["task_id"]
    assert posts(endpoint) == 1


def test_a_busy_instance_is_waited_for(stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]) -> None:
    endpoint.change_instance(HA, status="RESTARTING")
    declare(stack, **given)
    preview = applied(stack.preview())
    assert f"Instance {HA} is RESTARTING now: the restore waits until it is RUNNING." in preview.diagnostics
    process = stack.start_up(lambda: posts(endpoint))
    endpoint.change_instance(HA, status="RUNNING")
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    assert "the instance is restarting (DCS.4111); waiting, " in text
    assert len(endpoint.restores()) == 1


def test_one_that_stays_busy_ends_in_an_error_and_nothing_is_done(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]
) -> None:
    endpoint.change_instance(HA, task="RECOVERING")
    declare(stack, **given, opts=SOON)
    outcome = stack.up()
    assert not outcome.ok
    assert f"The timeout of 3 s passed before DCS could restore instance {HA}." in outcome.diagnostics
    assert "DCS.4104" in outcome.diagnostics
    assert "no restore was started" in outcome.diagnostics
    assert not restores_in(stack)
    assert not stack.deployment().get("pending_operations")


@pytest.mark.row("R3")
def test_a_failed_restore_says_why_and_is_not_repeated_by_itself(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]
) -> None:
    endpoint.behave(restore_failure="dcs.08.0007")
    declare(stack, **given)
    outcome = stack.up()
    assert not outcome.ok
    (failed,) = (row["task_id"] for row in endpoint.restores())
    assert f"The restore of instance {HA} failed at the service." in outcome.diagnostics
    assert "dcs.08.0007: synchronising the restored data failed" in outcome.diagnostics
    assert "the instance is RUNNING now, with " in outcome.diagnostics
    assert "To restore again, change `triggers`." in outcome.diagnostics
    outputs = the_restore(stack)["outputs"]
    assert (outputs["status"], outputs["error_code"], outputs["restore_id"]) == ("failed", "dcs.08.0007", failed)
    endpoint.behave(restore_failure="")
    preview = applied(stack.preview())
    assert f"warning: Restore {failed} of instance {HA} failed. It is not repeated by itself" in preview.diagnostics
    assert "Overwrites" not in preview.text
    for _ in range(2):
        again = stack.up()
        assert not again.ok
        assert f"Restore {failed} of instance {HA} failed. It is not repeated by itself" in again.diagnostics
    applied(stack.refresh())
    assert posts(endpoint) == 1
    declare(stack, **given, triggers={"try": 2})
    assert f"Restore {failed} failed before this one." in applied(stack.preview()).diagnostics
    applied(stack.up())
    applied(stack.up("--expect-no-changes"))
    assert posts(endpoint) == 2


@pytest.mark.parametrize("way_out", ["wait", "remove", "replace"])
def test_the_ways_out_of_a_failed_restore_work(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any], way_out: str
) -> None:
    endpoint.behave(restore_failure="dcs.08.0007")
    declare(stack, **given)
    assert not stack.up().ok
    endpoint.behave(restore_failure="")
    expected = 1
    if way_out == "wait":
        declare(stack, **given, wait=False)
        applied(stack.up())
    elif way_out == "remove":
        stack.write("")
        applied(stack.up())
        assert not restores_in(stack)
    else:
        applied(stack.up("--target-replace", the_restore(stack)["urn"]))
        expected = 2
    applied(stack.up("--expect-no-changes"))
    assert posts(endpoint) == expected


@pytest.mark.row("R3")
@pytest.mark.parametrize("when", ["settled", "running", "instance deleted"])
def test_a_restore_whose_record_is_gone_stays_in_the_state(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any], when: str
) -> None:
    endpoint.behave(restore_duration=LONG if when == "running" else SHORT)
    declare(stack, **given, wait=when != "running")
    applied(stack.up())
    restore_id = the_restore(stack)["outputs"]["restore_id"]
    if when == "instance deleted":
        endpoint.remove_instance(HA)
    else:
        endpoint.remove_task("restores", restore_id)
    applied(stack.refresh())
    outputs = the_restore(stack)["outputs"]
    assert outputs["restore_id"] == restore_id
    assert outputs["status"] == ("gone" if when == "running" else "succeed")
    applied(stack.up("--expect-no-changes"))
    applied(stack.up("--refresh", "--expect-no-changes"))
    assert posts(endpoint) == 1


@pytest.mark.row("R3")
def test_one_that_disappears_while_it_is_waited_for_stays_in_the_state(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]
) -> None:
    endpoint.behave(restore_duration=LONG)
    declare(stack, **given)
    process = stack.start_up(lambda: endpoint.count("list_restores") > 1)
    (restore,) = endpoint.restores()
    endpoint.remove_task("restores", restore["task_id"])
    text, _ = process.communicate(timeout=90)
    assert process.returncode != 0
    assert "disappeared before it was finished" in text
    assert "how it ended is not known; the instance is RUNNING now" in text
    assert the_restore(stack)["outputs"]["status"] == "gone"
    assert not stack.up().ok
    assert posts(endpoint) == 1
    declare(stack, **given, wait=False)
    applied(stack.up())
    applied(stack.up("--expect-no-changes"))
    assert posts(endpoint) == 1


def test_a_forced_replacement_warns(stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]) -> None:
    declare(stack, **given)
    applied(stack.up())
    restore_id, urn = the_restore(stack)["outputs"]["restore_id"], the_restore(stack)["urn"]
    preview = applied(stack.preview("--target-replace", urn))
    assert "Overwrites all data" in preview.diagnostics
    assert f"It was restored before ({restore_id})" in preview.diagnostics
    (step,) = steps(stack, "--target-replace", urn)
    assert step["op"] == "replace"


def test_one_that_was_removed_by_hand_from_the_state_warns_again(
    stack: Stack, endpoint: LocalEndpoint, given: dict[str, Any]
) -> None:
    declare(stack, **given)
    applied(stack.up())
    applied(stack.pulumi("state", "delete", the_restore(stack)["urn"], "--yes"))
    assert "Overwrites all data" in applied(stack.preview()).diagnostics
    until(lambda: posts(endpoint) == 1)

"""Timeouts, cancellation, and a busy instance: nothing is lost, nothing made twice."""

from __future__ import annotations

import signal

import pytest

from tests.endpoint import HA, LocalEndpoint

from .stack import Stack

SHORT = "pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create='3s', update='3s'))"


@pytest.mark.row("11")
def test_a_timeout_keeps_the_backup_and_the_next_up_goes_on_waiting(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=60.0)
    stack.declare(instance_id=HA, opts=SHORT)
    outcome = stack.up()
    assert not outcome.ok
    (backup_id,) = endpoint.backup_ids()
    assert f"After 3 s, backup {backup_id} of instance {HA} is not finished." in outcome.diagnostics
    assert "run `pulumi up` again: it goes on waiting for the same backup and makes no other" in outcome.diagnostics
    assert "Traceback" not in outcome.diagnostics
    resource = stack.resource()
    assert resource["id"] == f"{HA}/{backup_id}"
    assert resource["outputs"]["status"] == "backuping"
    assert not stack.up().ok
    assert stack.backup_ids() == {backup_id}
    endpoint.change_backup(backup_id, duration=1.0)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.resource()["outputs"]["status"] == "succeed"
    assert endpoint.count("create_backup") == 1
    assert stack.up("--expect-no-changes").ok


@pytest.mark.row("11")
def test_a_refresh_in_between_does_not_make_it_forget_to_wait(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=60.0)
    stack.declare(instance_id=HA, opts=SHORT)
    assert not stack.up().ok
    assert stack.refresh().ok
    endpoint.change_backup(endpoint.backups()[0]["backup_id"], duration=0.0)
    assert stack.up().ok
    assert stack.resource()["outputs"]["status"] == "succeed"
    assert endpoint.count("create_backup") == 1


def test_a_backup_that_fails_after_the_timeout_is_replaced(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=60.0)
    stack.declare(instance_id=HA, opts=SHORT)
    assert not stack.up().ok
    (first,) = endpoint.backup_ids()
    endpoint.change_backup(first, failure="dcs.08.0002", duration=0.0)
    endpoint.behave(duration=0.2)
    outcome = stack.up()
    assert not outcome.ok
    assert "dcs.08.0002: the backup timed out" in outcome.diagnostics
    outcome = stack.up()
    assert outcome.ok, outcome.text
    (second,) = endpoint.backup_ids()
    assert second != first
    assert stack.backup_ids() == {second}


@pytest.mark.row("11")
def test_a_timed_out_replacement_keeps_both_and_then_only_the_new_one(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="one", opts=SHORT)
    assert stack.up().ok
    endpoint.behave(duration=60.0)
    stack.declare(instance_id=HA, remark="two", opts=SHORT)
    assert not stack.up().ok
    new, old = (row["backup_id"] for row in endpoint.backups())
    assert stack.backup_ids() == {new, old}
    assert not stack.up().ok
    assert endpoint.backup_ids() == {new, old}
    endpoint.change_backup(new, duration=0.0)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.backup_ids() == stack.backup_ids() == {new}
    assert endpoint.count("create_backup") == 2


@pytest.mark.row("12")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_run_ends_soon_and_keeps_the_backup(
    stack: Stack, endpoint: LocalEndpoint, sign: signal.Signals
) -> None:
    endpoint.behave(duration=600.0)
    stack.declare(instance_id=HA)
    process = stack.start_up(lambda: endpoint.count("list_backups") > 1)
    process.send_signal(sign)
    text, _ = process.communicate(timeout=20)
    assert process.returncode != 0
    (backup_id,) = endpoint.backup_ids()
    assert f"Cancelled while backup {backup_id} of instance {HA} was being made." in text
    assert stack.backup_ids() == {backup_id}
    endpoint.change_backup(backup_id, duration=0.0)
    assert stack.up().ok
    assert stack.resource()["outputs"]["status"] == "succeed"
    assert endpoint.count("create_backup") == 1


@pytest.mark.row("5")
def test_a_busy_instance_is_waited_for_and_the_row_says_so(stack: Stack, endpoint: LocalEndpoint) -> None:
    theirs = endpoint.add_backup(HA, duration=8.0)
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert "the instance is being backed up (DCS.4096); waiting, " in outcome.text
    assert endpoint.backup_ids() == {theirs} | stack.backup_ids()


@pytest.mark.row("5")
def test_an_instance_that_stays_busy_ends_in_an_error_that_names_the_code(
    stack: Stack, endpoint: LocalEndpoint
) -> None:
    instance_id = endpoint.add_instance(cache_mode="ha", status="RESTARTING")
    stack.declare(instance_id=instance_id, opts=SHORT)
    outcome = stack.up()
    assert not outcome.ok
    assert f"error: The timeout of 3 s passed before DCS could back up instance {instance_id}." in outcome.diagnostics
    assert "      HTTP 400  DCS.4111: " in outcome.diagnostics
    assert "the instance is restarting; try again when it has finished" in outcome.diagnostics
    assert "no backup was started" in outcome.diagnostics
    assert not stack.resources()


def test_many_wait_at_once(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=6.0)
    instances = [endpoint.add_instance(cache_mode="ha") for _ in range(24)]
    stack.declare_all({f"backup_{n}": {"instance_id": instance} for n, instance in enumerate(instances)})
    outcome = stack.up("--parallel", "64")
    assert outcome.ok, outcome.text
    begun = [row["created"] for row in endpoint.backups()]
    assert len(begun) == 24
    # The stock host serves four at once: the fifth would begin only when one of the first four has ended.
    assert max(begun) - min(begun) < 6.0
    assert all(row["status"] == "succeed" for row in endpoint.backups())


@pytest.mark.row("18")
def test_two_resources_on_one_instance_each_end_with_their_own(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=1.0)
    stack.declare_all({"first": {"instance_id": HA}, "second": {"instance_id": HA}})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids()
    assert len(stack.backup_ids()) == 2

"""Backups that are gone, seem to be, or are somewhere else; lists that lie; credentials that expire."""

from __future__ import annotations

from typing import Any

import pytest

from tests.endpoint import CLUSTER, HA, LocalEndpoint

from .stack import Stack
from .trouble import LONG, SHORT, killed_create

LIST = {"operation": "list_backups"}
POST = {"operation": "create_backup"}
WAITING_NOT = {"instance_id": HA, "wait": False}


@pytest.mark.row("E9")
@pytest.mark.parametrize("times", [1, 3, 8])
def test_a_refresh_believes_no_list_that_contradicts_itself(stack: Stack, endpoint: LocalEndpoint, times: int) -> None:
    stack.declare_all({"one": {"instance_id": HA}, "two": {"instance_id": HA}})
    assert stack.up().ok
    made = stack.backup_ids()
    posts = endpoint.count("create_backup")
    endpoint.contradict(HA, times=times)
    outcome = stack.refresh()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == made
    assert stack.up("--expect-no-changes").ok
    assert endpoint.count("create_backup") == posts


@pytest.mark.row("E9")
def test_a_list_that_never_stops_contradicting_itself_is_an_error(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA)
    assert stack.up().ok
    made = stack.backup_ids()
    endpoint.contradict(HA, times=-1)
    outcome = stack.refresh()
    assert not outcome.ok
    assert f"DCS sends an incomplete list for instance {HA}." in outcome.diagnostics
    assert stack.backup_ids() == made
    endpoint.control("DELETE", "/faults")
    assert stack.up("--expect-no-changes").ok


@pytest.mark.row("E9")
@pytest.mark.parametrize("total", ["null", "absent"])
def test_an_empty_list_without_a_total_proves_nothing(stack: Stack, endpoint: LocalEndpoint, total: str) -> None:
    stack.declare(instance_id=HA)
    assert stack.up().ok
    made = stack.backup_ids()
    endpoint.behave(list_total=total, list_missing_rows=-1)
    outcome = stack.refresh()
    assert not outcome.ok
    assert stack.backup_ids() == made


@pytest.mark.row("E9")
def test_a_list_that_lags_does_not_drop_what_is_running(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(list_lag=8.0)
    stack.declare(**WAITING_NOT)
    assert stack.up().ok
    made = stack.backup_ids()
    outcome = stack.refresh()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == made
    assert stack.up().ok
    assert endpoint.count("create_backup") == 1


@pytest.mark.row("E9")
@pytest.mark.parametrize("trouble", ["lags", "contradicts"])
def test_a_lost_post_is_not_doubled_by_such_a_list(stack: Stack, endpoint: LocalEndpoint, trouble: str) -> None:
    endpoint.plan({**POST, "carried_out": True, "drop": True})
    if trouble == "lags":
        endpoint.behave(list_lag=5.0)
    else:
        endpoint.contradict(HA, skip=1, times=7)
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 1
    assert stack.backup_ids() == endpoint.backup_ids()
    assert len(endpoint.backups()) == 1


@pytest.mark.row("E9")
def test_a_running_backup_that_is_really_gone_goes_from_the_state(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=LONG)
    stack.declare(**WAITING_NOT)
    assert stack.up().ok
    endpoint.remove_backup(*endpoint.backup_ids())
    endpoint.add_backup(HA, duration=0.0)
    outcome = stack.refresh()
    assert outcome.ok, outcome.text
    assert not stack.resources()


@pytest.mark.row("E15")
@pytest.mark.parametrize("code", ["DCS.3022", "DCS.4119"])
@pytest.mark.parametrize("then", ["up", "destroy"])
def test_an_orphan_whose_instance_is_gone_stands_in_nobodys_way(
    stack: Stack, endpoint: LocalEndpoint, then: str, code: str
) -> None:
    endpoint.behave(missing_instance_code=code)
    other = endpoint.add_instance(cache_mode="ha")
    stack.declare(instance_id=other, remark="one")
    killed_create(stack, endpoint)
    endpoint.remove_instance(other)
    stack.declare(instance_id=CLUSTER)
    for _ in range(2):
        outcome = stack.up() if then == "up" else stack.destroy()
        assert outcome.ok, outcome.text
        assert "Orphan" not in outcome.text
        assert stack.backup_ids() == endpoint.backup_ids()
    assert len(endpoint.backups()) == (then == "up")


@pytest.mark.row("E15")
@pytest.mark.parametrize("code", ["DCS.3022", "DCS.4119"])
def test_so_does_a_backup_in_the_state(stack: Stack, endpoint: LocalEndpoint, code: str) -> None:
    endpoint.behave(missing_instance_code=code)
    other = endpoint.add_instance(cache_mode="ha")
    stack.declare_all({"gone": {"instance_id": other}, "stays": {"instance_id": HA}})
    assert stack.up().ok
    endpoint.remove_instance(other)
    stack.declare_all({"stays": {"instance_id": HA}})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids()
    assert len(endpoint.backups()) == 1


@pytest.mark.row("E16")
@pytest.mark.parametrize("what", ["backup", "instance"])
def test_what_vanished_while_nobody_looked_is_made_anew(stack: Stack, endpoint: LocalEndpoint, what: str) -> None:
    instance_id = endpoint.add_instance(cache_mode="ha")
    endpoint.behave(duration=LONG)
    stack.declare(instance_id=instance_id, opts="pulumi.ResourceOptions(custom_timeouts={'create': '3s'})")
    assert not stack.up().ok
    (first,) = stack.backup_ids()
    endpoint.behave(duration=SHORT)
    if what == "backup":
        endpoint.remove_backup(first)
    else:
        endpoint.remove_instance(instance_id)
        instance = {"instance_id": instance_id, "cache_mode": "ha"}
    stack.declare(instance_id=instance_id)
    outcome = stack.up()
    assert not outcome.ok
    assert f"Backup {first} of instance {instance_id} disappeared before it was finished." in outcome.diagnostics
    assert "the next `pulumi up` replaces it by a new backup" in outcome.diagnostics
    if what == "instance":
        endpoint.control("POST", "/instances", [instance])
    outcome = stack.up()
    assert outcome.ok, outcome.text
    (second,) = stack.backup_ids()
    assert second != first
    assert endpoint.backup_ids() == {second}
    assert stack.up("--expect-no-changes").ok


@pytest.mark.row("E16")
def test_an_unknown_status_at_the_end_is_final(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(backup_status="archived", backup_progress="100.00", duration=0.0)
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert "'archived', at 100 %: a status that is not documented" in outcome.diagnostics
    assert stack.backup_ids() == endpoint.backup_ids()
    assert stack.resource()["outputs"]["status"] == "archived"
    assert stack.up("--expect-no-changes").ok
    assert endpoint.count("create_backup") == 1


@pytest.mark.row("E16")
def test_one_that_cannot_be_restored_from_is_replaced_and_not_left(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(backup_status="archived", backup_progress="100.00", failure="dcs.08.0002")
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert not outcome.ok
    (unusable,) = endpoint.backup_ids()
    assert f"backup {unusable}, at 100 %, status archived" in outcome.diagnostics
    assert "it is in the state; the next `pulumi up` replaces it by a new backup" in outcome.diagnostics
    assert stack.backup_ids() == {unusable}
    endpoint.behave(backup_status="", backup_progress=None, failure="")
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids()
    assert unusable not in endpoint.backup_ids()
    assert len(endpoint.backups()) == 1


@pytest.mark.row("E16")
def test_an_unknown_status_on_the_way_is_waited_for(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(backup_status="compressing", backup_progress="40.00", duration=LONG)
    stack.declare(instance_id=HA)
    process = stack.start_up(lambda: endpoint.count("list_backups") > 3)
    assert process.poll() is None
    (made,) = endpoint.backup_ids()
    endpoint.change_backup(made, status="", progress=None, duration=0.0)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text
    assert stack.resource()["outputs"]["status"] == "succeed"


def elsewhere(stack: Stack, endpoint: LocalEndpoint) -> str:
    """Lead the stack to an endpoint that knows other instances, by mistake."""
    endpoint.add_project("cn-south-1")
    url = endpoint.url_of_region("cn-south-1")
    stack.environment["DCS_ENDPOINT"] = url
    return url


@pytest.mark.row("E21")
def test_gone_from_another_endpoint_is_an_error(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA)
    assert stack.up().ok
    made = stack.backup_ids()
    url = elsewhere(stack, endpoint)
    for outcome in (stack.refresh(), stack.destroy()):
        assert not outcome.ok
        assert f"Backup {next(iter(made))} of instance {HA} is not at {url}" in outcome.diagnostics
        assert f"it was made at {endpoint.url}" in outcome.diagnostics
        assert "set dcs:endpoint or DCS_ENDPOINT" in outcome.diagnostics
        assert stack.backup_ids() == endpoint.backup_ids() == made
    stack.environment["DCS_ENDPOINT"] = endpoint.url
    assert stack.refresh("--expect-no-changes").ok
    assert stack.up("--expect-no-changes").ok
    assert endpoint.count("create_backup") == 1


@pytest.mark.row("E21")
def test_an_orphan_at_another_endpoint_is_named_with_it(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="one")
    left = killed_create(stack, endpoint)
    elsewhere(stack, endpoint)
    stack.declare_all({})
    stack.write("import pulumi_dcs")
    stack.declare(instance_id=HA, remark="two")
    preview = stack.preview()
    assert f"Orphan: backup {left} of instance {HA} at {endpoint.url}" in preview.text
    stack.environment["DCS_ENDPOINT"] = endpoint.url
    stack.declare(instance_id=HA, remark="one")
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == {left}


@pytest.mark.row("E23")
@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_expire_end_the_wait(stack: Stack, endpoint: LocalEndpoint, status: int) -> None:
    endpoint.behave(duration=LONG)
    body = '{"error_code": "APIGW.0301", "error_msg": "Incorrect IAM authentication information"}'
    fault: dict[str, Any] = {**LIST, "skip": 2, "status": status, "body": body, "times": -1}
    endpoint.plan(fault)
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert not outcome.ok
    (made,) = endpoint.backup_ids()
    assert "DCS no longer accepts the credentials" in outcome.diagnostics
    assert f"backup {made} is in the state" in outcome.diagnostics
    assert "What to do: renew the credentials, then run `pulumi up` again: it goes on waiting for the same" in (
        outcome.diagnostics
    )
    assert endpoint.count("list_backups") < 12
    assert stack.backup_ids() == {made}
    endpoint.control("DELETE", "/faults")
    endpoint.change_backup(made, duration=0.0)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 1
    assert stack.backup_ids() == endpoint.backup_ids() == {made}


@pytest.mark.row("E23")
def test_a_few_refusals_do_not(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=6.0)
    endpoint.plan({**LIST, "skip": 2, "status": 401, "times": 2})
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 1

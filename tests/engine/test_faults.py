"""What goes wrong on the way to the service, as the user of the real engine meets it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.endpoint import CLUSTER, HA, LocalEndpoint, port_that_refuses

from .conftest import MakeStack
from .stack import Stack
from .test_waiting import SHORT

POST = {"operation": "create_backup"}
LIST = {"operation": "list_backups"}
DELETE = {"operation": "delete_backup"}


def one_backup(stack: Stack, endpoint: LocalEndpoint) -> None:
    """The invariants: one was asked for, one is there, and it is the state's."""
    assert len(endpoint.backups()) == 1
    assert stack.backup_ids() == endpoint.backup_ids()


@pytest.mark.row("1")
def test_a_refused_connection_ends_in_an_error_and_nothing_is_made(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, opts=SHORT)
    with port_that_refuses() as port:
        stack.environment["DCS_ENDPOINT"] = f"http://127.0.0.1:{port}"
        outcome = stack.up()
    assert not outcome.ok
    assert "No connection to DCS at http://127.0.0.1:" in outcome.diagnostics
    assert "Connection refused" in outcome.diagnostics
    assert f"      tried to list the backups of instance {HA}: GET /v2/" in outcome.diagnostics
    assert "no backup was started" in outcome.diagnostics
    assert not stack.resources()


@pytest.mark.row("2", "3")
@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize(
    "fault", [{"drop": True}, {"status": 502, "body": "<html>"}, {"status": 200, "body": "{}"}], ids=str
)
def test_a_lost_response_makes_exactly_one(
    stack: Stack, endpoint: LocalEndpoint, fault: dict[str, Any], *, carried_out: bool
) -> None:
    endpoint.plan({**POST, **fault, "carried_out": carried_out})
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    one_backup(stack, endpoint)
    assert endpoint.count("create_backup") == (1 if carried_out else 2)


@pytest.mark.row("4")
@pytest.mark.parametrize("headers", [{"Retry-After": "2"}, {}], ids=["told", "untold"])
def test_throttling_is_waited_for(stack: Stack, endpoint: LocalEndpoint, headers: dict[str, str]) -> None:
    endpoint.plan({**POST, "status": 429, "headers": headers, "body": '{"error_code": "APIGW.0308"}', "times": 2})
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    one_backup(stack, endpoint)
    assert "Trying again in " in outcome.text


@pytest.mark.row("4")
def test_a_rate_limit_slows_all_down_and_all_get_through(stack: Stack, endpoint: LocalEndpoint) -> None:
    instances = [endpoint.add_instance(cache_mode="ha") for _ in range(16)]
    endpoint.behave(rate_limit=5, duration=1.0)
    stack.declare_all({f"b{number}": {"instance_id": instance} for number, instance in enumerate(instances)})
    outcome = stack.up("--parallel", "16")
    assert outcome.ok, outcome.text
    assert len(endpoint.backups()) == 16
    assert stack.backup_ids() == endpoint.backup_ids()
    refused = sum(row["status"] == 429 for row in endpoint.requests())
    assert refused < len(endpoint.requests()) / 3


@pytest.mark.row("7")
def test_a_wrong_clock_is_named(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(clock_offset=-7200.0)
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert not outcome.ok
    assert "this machine's clock is 2 h ahead of the service's" in outcome.diagnostics
    assert not endpoint.backups()


@pytest.mark.row("8")
def test_polling_goes_on_through_failures(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=3.0)
    for fault in ({"status": 500}, {"drop": True}, {"status": 200, "body": "[]"}, {"status": 401}, {"status": 204}):
        endpoint.plan({**LIST, "skip": 1, **fault})
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    one_backup(stack, endpoint)


@pytest.mark.row("10")
def test_a_backup_that_disappears_is_an_error_and_not_in_the_state(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=600.0)
    stack.declare(instance_id=HA)
    process = stack.start_up(lambda: endpoint.count("list_backups") >= 3)
    endpoint.remove_backup(endpoint.backups()[0]["backup_id"])
    text, _ = process.communicate(timeout=120)
    assert "disappeared before it was finished" in text
    assert not stack.resources()
    endpoint.behave(duration=0.3)
    assert stack.up().ok
    one_backup(stack, endpoint)


DELETES: dict[str, dict[str, Any]] = {
    "carried_out": {"drop": True, "carried_out": True},
    "dropped": {"drop": True},
    "unavailable": {"status": 503},
    "no_instance": {"status": 404, "body": '{"error_code": "DCS.3022"}', "carried_out": True},
    "busy": {"status": 400, "body": '{"error_code": "DCS.4031"}'},
    "not_running": {"status": 400, "body": '{"error_code": "DCS.4111"}'},
}


@pytest.mark.row("14")
def test_a_delete_ends_with_the_backup_gone(stack: Stack, endpoint: LocalEndpoint) -> None:
    instances = {name: endpoint.add_instance(cache_mode="ha") for name in DELETES}
    stack.declare_all({name: {"instance_id": instance_id} for name, instance_id in instances.items()})
    assert stack.up().ok
    endpoint.plan(*({**DELETE, **fault, "instance_id": instances[name]} for name, fault in DELETES.items()))
    outcome = stack.destroy()
    assert outcome.ok, outcome.text
    assert not endpoint.backups()
    assert not stack.resources()


@pytest.mark.row("15")
@pytest.mark.parametrize(
    "fault", [{"status": 500, "times": -1}, {"status": 404, "body": "<html>"}, {"status": 403}], ids=str
)
def test_a_refresh_that_fails_keeps_the_state(stack: Stack, endpoint: LocalEndpoint, fault: dict[str, Any]) -> None:
    stack.declare(instance_id=HA)
    assert stack.up().ok
    endpoint.plan({**LIST, **fault})
    outcome = stack.refresh()
    assert not outcome.ok
    assert f"HTTP {fault['status']}" in outcome.diagnostics
    one_backup(stack, endpoint)


@pytest.mark.row("17")
def test_a_redirect_is_refused(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.plan({"status": 307, "headers": {"Location": "http://elsewhere.example/"}, "times": -1})
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert not outcome.ok
    assert "it points to http://elsewhere.example/; redirects are not followed" in outcome.diagnostics
    assert not stack.resources()


@pytest.mark.row("18")
def test_two_stacks_at_once_on_one_instance_each_end_with_their_own(
    make_stack: MakeStack, endpoint: LocalEndpoint
) -> None:
    endpoint.behave(duration=2.0)
    stacks = [make_stack(name, folder=name) for name in ("blue", "green")]
    for stack in stacks:
        stack.declare_all({"one": {"instance_id": HA}, "two": {"instance_id": CLUSTER}})
    processes = [stack.start("up", "--yes", "--skip-preview") for stack in stacks]
    for process in processes:
        text, _ = process.communicate(timeout=120)
        assert process.returncode == 0, text
    blue, green = (stack.backup_ids() for stack in stacks)
    assert len(blue) == len(green) == 2
    assert not blue & green
    assert blue | green == endpoint.backup_ids()


@pytest.mark.row("18")
def test_a_lost_response_does_not_take_the_other_stacks_backup(make_stack: MakeStack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=6.0)
    first, second = (make_stack(name, folder=name) for name in ("blue", "green"))
    for stack in (first, second):
        stack.declare(instance_id=HA)
    running = first.start_up(endpoint.backups)
    endpoint.plan({**POST, "drop": True})
    outcome = second.up()
    assert outcome.ok, outcome.text
    running.communicate(timeout=120)
    assert len(endpoint.backups()) == 2
    assert not first.backup_ids() & second.backup_ids()

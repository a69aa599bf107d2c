"""One backup for what is declared, whatever the engine does with a create: retries, inputs that come back, forks."""

from __future__ import annotations

import pytest

from tests.endpoint import HA, LocalEndpoint

from .stack import Stack
from .trouble import LONG, killed_create, on_another_machine

RETRYING = """
import pulumi
from pulumi_dcs import InstanceBackup

def again(args: pulumi.ErrorHookArgs) -> bool:
    pulumi.log.info(f"hook: {{args.failed_operation}} failed")
    return len(args.errors) < {retries}

hook = pulumi.ErrorHook("again", again)
for name in {names}:
    InstanceBackup(
        name,
        instance_id={instance_id!r},
        remark="one",
        opts=pulumi.ResourceOptions(
            hooks=pulumi.ResourceHookBinding(on_error=[hook]),
            custom_timeouts=pulumi.CustomTimeouts(create="3s", update="3s"),
        ),
    )
"""


def retrying(retries: int, *names: str) -> str:
    return RETRYING.format(retries=retries, names=names or ("backup",), instance_id=HA)


@pytest.mark.row("E1")
def test_a_retry_goes_on_with_the_first_backup(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=8.0)
    stack.write(retrying(5))
    outcome = stack.up()
    assert "hook: create failed" in outcome.text
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 1
    assert stack.backup_ids() == endpoint.backup_ids()
    assert len(endpoint.backups()) == 1


@pytest.mark.row("E1")
def test_retries_that_all_time_out_leave_it_in_the_state(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=LONG)
    stack.write(retrying(3))
    outcome = stack.up()
    assert not outcome.ok
    (made,) = endpoint.backup_ids()
    assert stack.backup_ids() == {made}
    assert "no backup was started" not in outcome.diagnostics
    endpoint.change_backup(made, duration=0.0)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 1
    assert stack.backup_ids() == endpoint.backup_ids() == {made}


@pytest.mark.row("E1")
def test_a_retry_after_a_lost_response_finds_it(stack: Stack, endpoint: LocalEndpoint) -> None:
    # The lists that would show it fail until the time is up.
    endpoint.plan({"operation": "create_backup", "carried_out": True, "drop": True})
    endpoint.plan({"operation": "list_backups", "skip": 1, "status": 503, "times": 3})
    stack.write(retrying(9))
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 1
    assert stack.backup_ids() == endpoint.backup_ids()


@pytest.mark.row("E1")
def test_the_retries_of_two_equal_resources_keep_their_own(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=5.0)
    stack.write(retrying(20, "first", "second"))
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert len(stack.backup_ids()) == 2
    assert stack.backup_ids() == endpoint.backup_ids()


@pytest.mark.row("E1")
def test_a_retry_after_a_failed_backup_takes_a_new_one(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(failure="dcs.08.0002", duration=0.5)
    stack.write(retrying(2))
    outcome = stack.up()
    assert not outcome.ok
    assert endpoint.count("create_backup") == 2
    # Failed records are removed, each by the create that made it.
    assert not endpoint.backups()


def declare_release(stack: Stack, release: str) -> None:
    stack.declare(
        instance_id=HA,
        triggers={"release": release},
        remark="before the migration",
        opts="pulumi.ResourceOptions(retain_on_delete=True)",
    )


@pytest.mark.row("E5")
@pytest.mark.parametrize("mark", ["true", "false"])
def test_inputs_that_come_back_take_a_new_backup(stack: Stack, endpoint: LocalEndpoint, mark: str) -> None:
    stack.config("dcs:mark", mark)
    taken: list[str] = []
    for release in ("1.0", "1.1", "1.0", "1.1"):
        declare_release(stack, release)
        outcome = stack.up()
        assert outcome.ok, outcome.text
        (new,) = stack.backup_ids()
        assert new not in taken
        taken.append(new)
        assert endpoint.backup_ids() == set(taken)
    assert endpoint.count("create_backup") == 4


@pytest.mark.row("E5")
def test_so_they_do_after_kills_in_each_generation(stack: Stack, endpoint: LocalEndpoint) -> None:
    taken: list[str] = []
    for release in ("1.0", "1.1", "1.0"):
        declare_release(stack, release)
        left = killed_create(stack, endpoint)
        outcome = stack.up()
        assert outcome.ok, outcome.text
        assert stack.backup_ids() == {left}
        taken.append(left)
        assert endpoint.backup_ids() == set(taken)
    assert endpoint.count("create_backup") == 3


@pytest.mark.row("E5")
def test_on_another_machine_the_mark_says_which_generation_it_is(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.config("dcs:mark", "true")
    for release in ("1.0", "1.1"):
        declare_release(stack, release)
        assert stack.up().ok
    earlier = endpoint.backup_ids()
    declare_release(stack, "1.0")
    left = killed_create(stack, endpoint)
    on_another_machine(stack)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == {left}
    assert endpoint.backup_ids() == earlier | {left}
    assert endpoint.count("create_backup") == 3


@pytest.mark.row("E5")
def test_where_only_the_first_one_fits_it_is_named_and_not_taken(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.config("dcs:mark", "true")
    declare_release(stack, "1.0")
    assert stack.up().ok
    (first,) = endpoint.backup_ids()
    declare_release(stack, "1.1")
    assert stack.up().ok
    both = endpoint.backup_ids()
    declare_release(stack, "1.0")
    endpoint.remove_backup(killed_create(stack, endpoint))
    on_another_machine(stack)
    outcome = stack.up()
    assert not outcome.ok
    assert f"backup {first} may be what it made" in outcome.diagnostics
    assert endpoint.backup_ids() == both
    assert stack.backup_ids() == both - {first}


@pytest.mark.row("E5")
def test_the_first_is_not_taken_for_what_a_killed_one_has_made(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.config("dcs:mark", "true")
    for release in ("1.0", "1.1"):
        declare_release(stack, release)
        assert stack.up().ok
    first_two = endpoint.backup_ids()
    declare_release(stack, "1.0")
    left = killed_create(stack, endpoint)
    endpoint.remove_backup(left)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert len(endpoint.backup_ids() - first_two) == 1
    assert stack.backup_ids() == endpoint.backup_ids() - first_two

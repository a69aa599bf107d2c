"""The whole way with real data: backed up, damaged, restored or imported on the real engine, every key compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.endpoint import HA, LocalEndpoint, running_endpoint
from tests.integration.emulator.contents import client_of, contents, fill

from .restoring import RESTORE_TYPE, applied, posts
from .stack import Stack
from .trouble import killed_up

PROGRAM = """\
import pulumi
from pulumi_dcs import BackupVerification, InstanceBackup, InstanceRestore

config = pulumi.Config()
options = pulumi.ResourceOptions(retain_on_delete=True)
backup = InstanceBackup("backup", instance_id={source!r}, backup_format={format!r}, opts=options)
pulumi.export("backup", backup.backup_id)
if {is_verified!r}:
    pulumi.export("keys", BackupVerification("proof", instance_id={source!r}, backup_id=backup.backup_id).key_count)
if config.get("back"):
    more = dict(source_instance_id={source!r}, target_password=config.get_secret("password"))
    InstanceRestore("back", instance_id={target!r}, backup_id=backup.backup_id, **(more if {is_import!r} else {{}}))
"""


@pytest.fixture(scope="module")
def data_process() -> Iterator[LocalEndpoint]:
    with running_endpoint(data=True) as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(data_process: LocalEndpoint) -> LocalEndpoint:
    data_process.reset()
    data_process.behave(duration=0.3)
    fill(data_process, HA)
    return data_process


def declare(stack: Stack, target: str = HA, backup_format: str = "rdb", *, is_verified: bool = False) -> None:
    stack.write(
        PROGRAM.format(source=HA, target=target, format=backup_format, is_verified=is_verified, is_import=target != HA)
    )


def damage(endpoint: LocalEndpoint, instance_id: str) -> None:
    with client_of(endpoint, instance_id) as client:
        client.delete("cart", "queue", "events")
        client.set("scores", "overwritten")
        client.set("new", "since then")


def go_back(stack: Stack) -> None:
    stack.config("back", "1")


def state_of(stack: Stack) -> Any:
    (found,) = stack.resources(RESTORE_TYPE)
    return found["outputs"]


@pytest.mark.row("R7")
@pytest.mark.parametrize("backup_format", ["rdb", "aof"])
def test_every_key_and_value_comes_back(stack: Stack, endpoint: LocalEndpoint, backup_format: str) -> None:
    before = contents(endpoint, HA)
    declare(stack, backup_format=backup_format, is_verified=backup_format == "rdb")
    applied(stack.up())
    if backup_format == "rdb":
        assert json.loads(stack.pulumi("stack", "output", "--json").text)["keys"] == len(before)
    damage(endpoint, HA)
    assert contents(endpoint, HA) != before
    go_back(stack)
    assert "Overwrites all data of instance orders" in applied(stack.preview()).text
    applied(stack.up())
    assert contents(endpoint, HA) == before
    # What is written from now on is nobody's to undo.
    damage(endpoint, HA)
    later = contents(endpoint, HA)
    applied(stack.up("--refresh", "--expect-no-changes"))
    assert contents(endpoint, HA) == later
    assert posts(endpoint) == 1


@pytest.mark.row("R7")
def test_an_import_overwrites_equal_keys_and_leaves_others(stack: Stack, endpoint: LocalEndpoint) -> None:
    staging = endpoint.add_instance(name="staging", engine_version="6.0", capacity=4.0)
    server = endpoint.control("GET", f"/instances/{staging}/server")
    with client_of(endpoint, staging) as client:
        client.set("own", "stays")
        client.set("cart", "is overwritten")
    stack.config("password", server["password"], secret=True)
    declare(stack, target=staging)
    go_back(stack)
    outcome = applied(stack.up())
    found = contents(endpoint, staging)
    own = found.pop((0, b"own"))
    assert own[2] == b"stays"
    assert found == contents(endpoint, HA)
    exported = applied(stack.pulumi("stack", "export")).text
    assert server["password"] not in outcome.text + exported


@pytest.mark.row("R7")
def test_a_run_that_is_killed_in_the_middle_restores_once(stack: Stack, endpoint: LocalEndpoint) -> None:
    before = contents(endpoint, HA)
    declare(stack)
    applied(stack.up())
    damage(endpoint, HA)
    go_back(stack)
    endpoint.behave(restore_duration=600.0)
    killed_up(stack, lambda: posts(endpoint) == 1 and endpoint.count("list_restores") > 2)
    (restore,) = endpoint.restores()
    endpoint.change_task("restores", restore["task_id"], duration=0.0)
    applied(stack.up())
    assert contents(endpoint, HA) == before
    assert posts(endpoint) == 1
    assert state_of(stack)["restore_id"] == restore["task_id"]


@pytest.mark.row("R7")
def test_a_lost_response_restores_once(stack: Stack, endpoint: LocalEndpoint) -> None:
    before = contents(endpoint, HA)
    declare(stack)
    applied(stack.up())
    damage(endpoint, HA)
    go_back(stack)
    endpoint.plan({"operation": "create_restore", "carried_out": True, "drop": True})
    applied(stack.up())
    assert contents(endpoint, HA) == before
    assert posts(endpoint) == 1


@pytest.mark.row("R7")
def test_a_broken_file_leaves_the_data_as_they_were(stack: Stack, tmp_path: Path) -> None:
    database = tmp_path / "endpoint.sqlite"
    with running_endpoint("--database", str(database), data=True) as endpoint:
        stack.environment.update(endpoint.environment)
        fill(endpoint, HA)
        declare(stack)
        applied(stack.up())
        (file,) = [each for each in (tmp_path / "endpoint.sqlite-data").rglob("*.rdb") if "backups" in each.parts]
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
        damage(endpoint, HA)
        damaged = contents(endpoint, HA)
        go_back(stack)
        outcome = stack.up()
        assert not outcome.ok
        assert "failed at the service" in outcome.diagnostics
        assert outcome.diagnostics.count("error:") == 1
        assert contents(endpoint, HA) == damaged
        # It is not carried out again by itself.
        assert not stack.up().ok
        assert posts(endpoint) == 1

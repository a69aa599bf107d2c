"""Ten stacks of one program side by side on the PostgreSQL state backend, and two runs of one stack at once."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.endpoint import LocalEndpoint

from .conftest import MakeStack
from .postgres import running_postgres
from .stack import Stack

STACKS = 10
PROGRAM = """\
import pulumi
from pulumi_dcs import InstanceBackup
from pulumi_dcs.fleet import share

config = pulumi.Config()
for instance_id in share(config.require_object("instances"), config.require_int("shard"), config.require_int("shards")):
    InstanceBackup(f"backup-{instance_id}", instance_id=instance_id, remark="nightly")
"""


@pytest.fixture
def backend() -> Iterator[str]:
    with running_postgres() as url:
        yield url


def sharded(make_stack: MakeStack, backend: str, instances: list[str], shard: int) -> Stack:
    stack = make_stack(name=f"shard-{shard}", folder=f"project-{shard}", backend=backend)
    stack.write(PROGRAM)
    stack.config("instances", json.dumps(instances))
    stack.config("shard", str(shard))
    stack.config("shards", str(STACKS))
    return stack


def test_ten_stacks_side_by_side_each_keep_their_share(
    make_stack: MakeStack, endpoint: LocalEndpoint, backend: str
) -> None:
    endpoint.behave(duration=1.0)
    instances = endpoint.control("POST", "/instances", [{"cache_mode": "ha"}] * 60)
    stacks = [sharded(make_stack, backend, instances, shard) for shard in range(STACKS)]
    running = [stack.start("up", "--yes", "--skip-preview", "--parallel", "16") for stack in stacks]
    for process in running:
        text, _ = process.communicate(timeout=180)
        assert process.returncode == 0, text
    held = [stack.backup_ids() for stack in stacks]
    assert sum(map(len, held)) == 60
    assert set.union(*held) == endpoint.backup_ids()
    assert len(endpoint.backup_ids()) == endpoint.count("create_backup") == 60


def test_of_two_runs_of_one_stack_the_second_is_refused(
    make_stack: MakeStack, endpoint: LocalEndpoint, backend: str
) -> None:
    endpoint.behave(duration=600.0)
    instances = endpoint.control("POST", "/instances", [{"cache_mode": "ha"}] * 20)
    stack = sharded(make_stack, backend, instances, 0)
    first = stack.start_up(endpoint.backups)
    second = stack.up()
    assert not second.ok
    assert "the stack is currently locked by 1 lock(s)" in second.text
    posts = endpoint.count("create_backup")
    assert 0 < posts <= 20
    for backup in endpoint.backups():
        endpoint.change_backup(backup["backup_id"], duration=0.0)
    endpoint.behave(duration=0.3)
    text, _ = first.communicate(timeout=120)
    assert first.returncode == 0, text
    assert stack.backup_ids() == endpoint.backup_ids()
    assert stack.up("--expect-no-changes").ok

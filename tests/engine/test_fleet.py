"""Many backups at once on the real engine: what they cost the service and the host."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.endpoint import LocalEndpoint

from .conftest import MakeStack
from .stack import Stack
from .trouble import processes_of

PROGRAM = """\
import json
import pathlib

from pulumi_dcs import InstanceBackup

instances = json.loads(pathlib.Path("instances.json").read_text())
for number in range({count}):
    InstanceBackup(f"backup-{{number}}", instance_id=instances[number % len(instances)], remark="nightly")
"""


def declare_fleet(stack: Stack, endpoint: LocalEndpoint, count: int, instances: int) -> None:
    made = endpoint.control("POST", "/instances", [{"cache_mode": "ha"}] * instances)
    (stack.folder / "instances.json").write_text(str(made).replace("'", '"'))
    stack.write(PROGRAM.format(count=count))


def test_one_post_each_few_looks_and_no_thread_per_look(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=8.0)
    declare_fleet(stack, endpoint, count=64, instances=64)
    process = stack.start_up(lambda: endpoint.count("create_backup") == 64, "--parallel", "64")
    (host,) = processes_of(stack, "pulumi.dynamic")
    threads = int(Path(f"/proc/{host}/status").read_text().partition("Threads:")[2].split()[0])
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    assert threads <= 64 + 16
    assert endpoint.count("create_backup") == 64
    # At most one list before the POST, and what a backup of 8 s may cost.
    costs = Counter(row["instance_id"] for row in endpoint.requests())
    assert max(costs.values()) <= 14, costs
    assert stack.backup_ids() == endpoint.backup_ids()


def test_a_limited_service_gets_one_post_each_too(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=2.0, rate_limit=20)
    declare_fleet(stack, endpoint, count=48, instances=48)
    outcome = stack.up("--parallel", "48")
    assert outcome.ok, outcome.text
    accepted = [row for row in endpoint.requests() if row["status"] == 200]
    assert Counter(row["operation"] for row in accepted)["create_backup"] == 48
    refused = endpoint.count("create_backup") + endpoint.count("list_backups") - len(accepted)
    # The first burst finds out that there is a limit; from then on the requests keep to it.
    assert refused <= 48 + 24, refused
    assert stack.backup_ids() == endpoint.backup_ids()


def test_unchanged_backups_cost_no_request_and_a_refresh_one_per_instance(
    make_stack: MakeStack, endpoint: LocalEndpoint
) -> None:
    stack = make_stack()
    endpoint.behave(duration=0.0)
    declare_fleet(stack, endpoint, count=60, instances=3)
    assert stack.up().ok
    before = len(endpoint.requests())
    preview = stack.preview("--expect-no-changes")
    assert preview.ok, preview.text
    assert stack.up("--expect-no-changes").ok
    assert len(endpoint.requests()) == before
    refresh = stack.refresh("--expect-no-changes")
    assert refresh.ok, refresh.text
    assert len(endpoint.requests()) - before <= 2 * 3

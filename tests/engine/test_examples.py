"""Each example is a project that can be previewed and applied."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from pulumi_dcs.fleet import share

from tests.endpoint import CLUSTER, HA, SINGLE, LocalEndpoint, running_endpoint
from tests.integration.emulator.contents import client_of

from .conftest import CURRENT, ROOT, MakeStack
from .guarded import Guarded
from .restoring import applied
from .stack import Stack

WITH_HUAWEICLOUD = ROOT / ".venv-huaweicloud" / "bin" / "python"
"""The environment with the package that declares instances; ``make test`` makes it."""

HUAWEICLOUD = """\
import types
from instances import Instance

dcs = types.SimpleNamespace(Instance=lambda name, **inputs: Instance(name, which="{instance_id}", **inputs))
"""


def example(make_stack: MakeStack, name: str, **config: str) -> Stack:
    stack = make_stack()
    shutil.copytree(ROOT / "examples" / name, stack.folder, dirs_exist_ok=True)
    stack.init("example")
    for key, value in config.items():
        assert stack.pulumi("config", "set", "--path", key, value).ok
    return stack


def test_quickstart(make_stack: MakeStack, endpoint: LocalEndpoint) -> None:
    stack = example(make_stack, "quickstart", instanceId=HA)
    assert stack.preview().ok
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.up("--expect-no-changes").ok
    assert stack.backup_ids() == endpoint.backup_ids()


def test_guarded_change(make_stack: MakeStack, endpoint: LocalEndpoint, tmp_path: Path) -> None:
    log = tmp_path / "migrations"
    command = f'echo "$RELEASE" >> {log}'
    stack = example(make_stack, "guarded-change", instanceId=HA, release="2026.11", command=command)
    preview = stack.preview()
    assert preview.ok, preview.text
    assert not log.exists()
    assert stack.up().ok
    (first,) = endpoint.backup_ids()
    assert log.read_text() == "2026.11\n"
    assert stack.pulumi("config", "set", "release", "2026.12").ok
    assert stack.up().ok
    assert log.read_text() == "2026.11\n2026.12\n"
    assert first in endpoint.backup_ids()
    assert len(endpoint.backup_ids()) == 2
    # A backup that fails keeps the migration from beginning.
    endpoint.behave(failure="dcs.08.0002")
    assert stack.pulumi("config", "set", "release", "2027.01").ok
    assert not stack.up().ok
    assert log.read_text() == "2026.11\n2026.12\n"
    endpoint.behave(failure="")
    assert stack.pulumi("config", "set", "release", "2026.12").ok
    assert stack.pulumi("config", "set", "protect", "true").ok
    assert stack.up().ok
    refused = stack.destroy()
    assert not refused.ok
    assert "protect" in refused.text
    assert len(endpoint.backup_ids()) == 2


@pytest.mark.parametrize("mark", ["false", "true"])
def test_every_migration_has_a_backup_of_its_own(
    make_stack: MakeStack, endpoint: LocalEndpoint, tmp_path: Path, mark: str
) -> None:
    """One back to a release that was there before as well: its first backup does not hold what came after."""
    log = tmp_path / "migrations"
    stack = example(make_stack, "guarded-change", instanceId=HA, command=f'echo "$RELEASE" >> {log}')
    stack.config("dcs:mark", mark)
    releases = ["1.0", "1.1", "1.0"]
    seen: set[str] = set()
    for number, release in enumerate(releases, 1):
        assert stack.pulumi("config", "set", "release", release).ok
        outcome = stack.up()
        assert outcome.ok, outcome.text
        (held,) = stack.backup_ids()
        assert held not in seen
        seen.add(held)
        assert endpoint.backup_ids() == seen
        assert log.read_text().split() == releases[:number]
        assert stack.up("--expect-no-changes").ok
    remarks = [backup["remark"] for backup in endpoint.backups()]
    assert [remark.partition(" ~dcs:")[0] for remark in reversed(remarks)] == [f"before {each}" for each in releases]
    assert all(" ~dcs:" in remark for remark in remarks) == (mark == "true")


def test_retention(make_stack: MakeStack, endpoint: LocalEndpoint) -> None:
    stack = example(make_stack, "retention", instanceId=HA, keep="2")
    other = endpoint.add_backup(HA, remark="by hand")
    for night in ("2026-11-24", "2026-11-25", "2026-11-26"):
        assert stack.pulumi("config", "set", "night", night).ok
        outcome = stack.pulumi("up", "--yes")
        assert outcome.ok, outcome.text
        assert stack.up("--expect-no-changes").ok
    remarks = [backup["remark"] for backup in endpoint.backups()]
    assert remarks == ["nightly 2026-11-26", "nightly 2026-11-25", "by hand"]
    assert other in endpoint.backup_ids()
    assert endpoint.count("delete_backup") == 1


def test_several_regions(make_stack: MakeStack, endpoint: LocalEndpoint) -> None:
    fleet = {f'fleet["{region}"][0]': instance for region, instance in (("cn-north-4", HA), ("eu-west-101", CLUSTER))}
    stack = example(make_stack, "several-regions", **fleet)
    assert stack.preview().ok
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert {resource["outputs"]["region"] for resource in stack.resources()} == {"cn-north-4", "eu-west-101"}
    assert stack.backup_ids() == endpoint.backup_ids()
    assert stack.up("--expect-no-changes").ok


def test_fleet(make_stack: MakeStack, endpoint: LocalEndpoint) -> None:
    tagged = [endpoint.add_instance(name=f"queue-{number}", tags={"backup": "nightly"}) for number in range(5)]
    endpoint.change_instance(SINGLE, tags={"backup": "nightly"})
    endpoint.change_instance(HA, tags={"backup": "weekly"})
    stack = example(make_stack, "fleet", shards="2", shard="0")
    assert stack.preview().ok
    outcome = stack.up()
    assert outcome.ok, outcome.text
    mine = {row["instance_id"] for row in endpoint.backups()}
    assert mine == set(share(tagged, 0, 2))
    assert 0 < len(mine) < 5
    assert stack.up("--expect-no-changes").ok
    # The other shard's share, by the same program.
    stack.init("other")
    for key, value in (("shards", "2"), ("shard", "1")):
        assert stack.pulumi("config", "set", key, value).ok
    other = stack.up()
    assert other.ok, other.text
    assert {row["instance_id"] for row in endpoint.backups()} == set(tagged)
    assert len(endpoint.backups()) == 5
    assert ("single-node instances have no backups" in outcome.text) != (
        "single-node instances have no backups" in other.text
    )
    # An instance that loses the tag keeps its backup.
    lost = share(tagged, 1, 2)[0]
    endpoint.change_instance(lost, tags={})
    assert stack.up().ok
    assert len(endpoint.backups()) == 5


def test_component(make_stack: MakeStack, endpoint: LocalEndpoint) -> None:
    instances = {"instances.cache": HA, "instances.queue": CLUSTER}
    stack = example(make_stack, "component", release="2026.11", **instances)
    assert stack.preview().ok
    outcome = stack.up()
    assert outcome.ok, outcome.text
    outputs = json.loads(stack.pulumi("stack", "output", "--json").text)
    assert set(outputs["backup_ids"].values()) == endpoint.backup_ids()
    assert stack.up("--expect-no-changes").ok


def test_rollback(make_stack: MakeStack, endpoint: LocalEndpoint, tmp_path: Path) -> None:
    log = tmp_path / "migrations"
    stack = example(make_stack, "rollback", instanceId=HA, release="2026.11", command=f'echo "$RELEASE" >> {log}')
    applied(stack.up())
    assert not endpoint.restores()
    before = json.loads(stack.pulumi("stack", "output", "--json").text)["restore_from"]
    assert stack.pulumi("config", "set", "rollbackTo", before).ok
    preview = applied(stack.preview())
    assert "Overwrites all data of instance orders (Redis 6.0, " in preview.diagnostics
    assert f"with backup {before} of 20" in preview.diagnostics
    applied(stack.up())
    (restore,) = endpoint.restores()
    assert restore["backup_id"] == before
    assert log.read_text() == "2026.11\n"
    # What was there before the rollback is backed up as well.
    assert endpoint.backups()[0]["remark"] == f"before the rollback to {before}"
    applied(stack.up("--expect-no-changes"))
    assert stack.pulumi("config", "rm", "rollbackTo").ok
    applied(stack.up())
    assert len(endpoint.restores()) == 1
    assert len(endpoint.backups()) == 2


def test_staging_copy(make_stack: MakeStack, endpoint: LocalEndpoint) -> None:
    production = endpoint.add_instance(name="production")
    staging = endpoint.add_instance(name="staging")
    first = endpoint.add_backup(production, duration=0.0)
    stack = example(make_stack, "staging-copy", production=production, staging=staging)
    stack.config("stagingPassword", "hush-hush", secret=True)
    preview = applied(stack.preview())
    assert f"Imports backup {first} of 20" in preview.diagnostics
    applied(stack.up())
    applied(stack.up("--expect-no-changes"))
    second = endpoint.add_backup(production, duration=0.0)
    assert f"Imports backup {second} of 20" in applied(stack.preview()).diagnostics
    stack.config("backupId", first)
    applied(stack.up("--expect-no-changes"))
    applied(stack.pulumi("config", "rm", "backupId"))
    applied(stack.up())
    assert [row["backup_id"] for row in endpoint.migrations(staging)] == [second, first]
    assert "hush-hush" not in stack.pulumi("stack", "export").text


def test_restore_drill_on_real_data(make_stack: MakeStack) -> None:
    with running_endpoint("--duration", "0.3", data=True) as endpoint:
        scratch = endpoint.add_instance(name="scratch", engine_version="6.0", capacity=64.0)
        stack = example(make_stack, "restore-drill", production=HA, scratch=scratch, drill="w48")
        stack.environment.update(endpoint.environment)
        password = endpoint.control("GET", f"/instances/{scratch}/server")["password"]
        stack.config("scratchPassword", password, secret=True)
        with client_of(endpoint, HA) as client:
            client.mset({f"order:{number}": "x" * 20 for number in range(500)})
            client.hset("cart", "item", "1")
            client.rpush("queue", "a", "b")
        applied(stack.preview())
        applied(stack.up())
        outputs = json.loads(stack.pulumi("stack", "output", "--json").text)
        assert outputs["drilled"] == "502 of 502 keys are there after the restore"
        assert outputs["keys_by_type"] == {"string": 500, "hash": 1, "list": 1}
        assert not endpoint.analyses()
        with client_of(endpoint, scratch) as client:
            assert client.dbsize() == 502
            client.set("of the drill before", "1")
        with client_of(endpoint, HA) as client:
            client.delete("cart")
        applied(stack.up("--expect-no-changes"))
        assert stack.pulumi("config", "set", "drill", "w49").ok
        outcome = stack.up()
        assert not outcome.ok
        assert "503 keys after the restore of 501: the scratch instance was not empty." in outcome.text
        exported = stack.pulumi("stack", "export", "--show-secrets").text
        assert "order:1" not in exported + outcome.text


def run_unit_tests(python: Path, example: str) -> str:
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=ROOT / "examples" / example,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_component_has_unit_tests_without_an_engine() -> None:
    assert "1 passed" in run_unit_tests(CURRENT / "python", "component")


def test_the_program_that_declares_its_instance_has_unit_tests() -> None:
    assert "3 passed" in run_unit_tests(WITH_HUAWEICLOUD, "with-huaweicloud")


def test_guarded_update(make_stack: MakeStack, endpoint: LocalEndpoint) -> None:
    config = {"capacity": "4", "vpcId": "v", "subnetId": "s", "password": "p", "availabilityZones[0]": "a"}
    stack = example(make_stack, "guarded-update", **config)
    guarded = Guarded(stack)
    # In place of the package, whose plugin manages real instances.
    (stack.folder / "pulumi_huaweicloud.py").write_text(HUAWEICLOUD.format(instance_id=HA))
    assert stack.up().ok
    assert stack.pulumi("config", "set", "description", "other").ok
    assert stack.up().ok
    assert endpoint.backups() == []
    assert stack.pulumi("config", "set", "capacity", "8").ok
    preview = stack.preview()
    assert preview.ok, preview.text
    assert "Takes a backup of instance orders before this update" in preview.diagnostics
    assert stack.up().ok
    assert len(endpoint.backups()) == 1
    outcome = stack.destroy("--run-program")
    assert outcome.ok, outcome.text
    assert guarded.changes() == [f"update {HA}"] * 2 + [f"delete {HA}"]
    assert len(list((stack.folder / "last-backups").glob("orders-*/*.rdb"))) == 1


@pytest.mark.parametrize(
    "name",
    [
        *("guarded-change", "retention", "several-regions", "component", "rollback", "staging-copy"),
        "restore-drill",
    ],
)
def test_what_is_missing_is_named(make_stack: MakeStack, name: str) -> None:
    outcome = example(make_stack, name).preview()
    assert not outcome.ok
    assert "Missing required configuration variable" in outcome.text

"""Each example is a project that can be previewed and applied."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from pulumi_dcs.fleet import share

from tests.endpoint import CLUSTER, HA, SINGLE, LocalEndpoint

from .conftest import CURRENT, ROOT, MakeStack
from .guarded import Guarded
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
    project = (stack.folder / "Pulumi.yaml").read_text() if (stack.folder / "Pulumi.yaml").exists() else ""
    assert project
    assert stack.pulumi("stack", "init", "example").ok
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
    assert stack.pulumi("stack", "init", "other").ok
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


@pytest.mark.parametrize("name", ["guarded-change", "several-regions", "component"])
def test_what_is_missing_is_named(make_stack: MakeStack, name: str) -> None:
    outcome = example(make_stack, name).preview()
    assert not outcome.ok
    assert "Missing required configuration variable" in outcome.text

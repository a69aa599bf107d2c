"""The policy pack as a whole, run by the real engine: it refuses and passes, by configuration, in preview and up."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.endpoint import CLUSTER, HA, LocalEndpoint

from .conftest import ROOT
from .stack import Stack

PACK = str(ROOT / "policy" / "run")
NAME = "dcs-backup-protected-or-retained"
RETAINED = "pulumi.ResourceOptions(retain_on_delete=True)"
GOOD: dict[str, Any] = {"instance_id": HA, "remark": "before 2026.11", "opts": RETAINED}


def options(folder: Path, config: dict[str, Any] | None) -> list[str]:
    if config is None:
        return ["--policy-pack", PACK]
    (folder / "policy-config.json").write_text(json.dumps(config))
    return ["--policy-pack", PACK, "--policy-pack-config", str(folder / "policy-config.json")]


def test_what_keeps_to_all_policies_passes(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(**GOOD)
    preview = stack.preview(*options(stack.folder, None))
    assert preview.ok, preview.text
    assert "[advisory]" not in preview.text
    outcome = stack.up(*options(stack.folder, None))
    assert outcome.ok, outcome.text
    assert "dcs-backups@v" in outcome.text
    assert len(endpoint.backups()) == 1


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any] | None, str]] = [
    ("dcs-backup-remark", {**GOOD, "remark": None}, None, "backup has no remark"),
    ("dcs-backup-remark", GOOD, {"dcs-backup-remark": {"pattern": "nightly"}}, "does not match 'nightly'"),
    (
        "dcs-backup-format",
        {**GOOD, "backup_format": "aof"},
        {"dcs-backup-format": {"formats": ["rdb"]}},
        "Set it to 'rdb'",
    ),
    ("dcs-backup-region", GOOD, {"dcs-backup-region": {"regions": ["eu-west-101"]}}, "to 'eu-west-101'"),
    (
        "dcs-backup-protected-or-retained",
        {**GOOD, "opts": None},
        {"dcs-backup-protected-or-retained": "mandatory"},
        "Set protect=True",
    ),
    ("dcs-backup-no-secret", {**GOOD, "remark": "password=x"}, None, "a named secret"),
    (
        "dcs-every-instance",
        GOOD,
        {"dcs-every-instance": {"instances": [HA, CLUSTER]}},
        f"Instance {CLUSTER} has no backup",
    ),
]


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused[0])
def test_what_breaks_one_is_refused_before_anything_is_made(
    stack: Stack, endpoint: LocalEndpoint, refused: tuple[str, dict[str, Any], dict[str, Any] | None, str]
) -> None:
    name, inputs, config, says = refused
    stack.declare(**inputs)
    preview = stack.preview(*options(stack.folder, config))
    assert not preview.ok
    assert f"[mandatory]  {name}" in preview.text
    assert says in preview.text
    if name != "dcs-every-instance":
        assert not stack.up(*options(stack.folder, config)).ok
        assert not endpoint.backups()


def test_stack_wide_ones(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare_all({"first": GOOD, "second": GOOD, "third": {**GOOD, "instance_id": CLUSTER}})
    config = {"dcs-backups-per-instance": {"most": 1}, "dcs-no-two-at-once": "mandatory"}
    preview = stack.preview(*options(stack.folder, config))
    assert not preview.ok
    assert "first and second are 2 backups of one instance; at most 1 are allowed" in preview.text
    assert "first and second are backups of the same instance and may start at the same time" in preview.text
    after = "pulumi.ResourceOptions(retain_on_delete=True, depends_on=[first])"
    stack.declare_all({"first": GOOD, "second": {**GOOD, "opts": after}})
    assert stack.preview(*options(stack.folder, {"dcs-no-two-at-once": "mandatory"})).ok
    assert not endpoint.backups()


def test_what_a_preview_does_not_know_passes_there(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare_all({"first": GOOD})
    program = (stack.folder / "__main__.py").read_text()
    stack.write(f'{program}InstanceBackup("second", instance_id={CLUSTER!r}, remark=first.backup_id, opts={RETAINED})')
    config = {"dcs-backup-remark": {"pattern": "before .*"}}
    preview = stack.preview(*options(stack.folder, config))
    assert preview.ok, preview.text
    outcome = stack.up(*options(stack.folder, config))
    assert not outcome.ok
    assert "of second does not match 'before .*'" in outcome.text
    assert len(endpoint.backups()) == 1


BACKUP = f'InstanceBackup({{}}, instance_id={HA!r}, remark="before 2026.11", opts=pulumi.ResourceOptions({{}}))'
COMPONENT = f"""
import pulumi
from pulumi_dcs import InstanceBackup

class Service(pulumi.ComponentResource):
    def __init__(self, name, opts):
        super().__init__("shop:index:Service", name, None, opts)
        {BACKUP.format("name + '-backup'", "parent=self")}

Service("orders", pulumi.ResourceOptions({{options}}))
"""
TRANSFORMS = re.findall(r"```python\n(def retain.*?)```", (ROOT / "docs" / "policies.md").read_text(), re.DOTALL)


@pytest.mark.row("P2")
def test_what_a_component_retains_is_no_violation(stack: Stack, endpoint: LocalEndpoint) -> None:
    mandatory: dict[str, Any] = {NAME: {"enforcementLevel": "mandatory"}}
    stack.write(COMPONENT.format(options="retain_on_delete=True"))
    preview = stack.preview(*options(stack.folder, mandatory))
    assert preview.ok, preview.text
    assert NAME not in preview.text
    asked = {NAME: {"enforcementLevel": "mandatory", "inherited": "report"}}
    preview = stack.preview(*options(stack.folder, asked))
    assert not preview.ok
    assert "unless its parent or a transform sets retain_on_delete" in preview.text
    # Protection is shown to policies wherever it comes from.
    stack.write(COMPONENT.format(options="protect=True"))
    assert stack.preview(*options(stack.folder, asked)).ok


def test_a_transform_can_show_that_it_retains(stack: Stack, endpoint: LocalEndpoint) -> None:
    (transform,) = TRANSFORMS
    backup = BACKUP.format("'backup'", "")
    program = f"import pulumi\nfrom pulumi_dcs import InstanceBackup\n\n{transform}\n{backup}\n"
    silent = program.replace('{**args.props, "retain_on_delete": True}', "args.props")
    assert silent != program
    stack.write(silent)
    preview = stack.preview(*options(stack.folder, None))
    assert preview.ok, preview.text
    assert f"[advisory]  {NAME}" in preview.text
    assert "deletes the backup, unless a transform sets retain_on_delete" in preview.text
    stack.write(program)
    outcome = stack.up(*options(stack.folder, {NAME: "mandatory"}))
    assert outcome.ok, outcome.text
    assert stack.resource()["retainOnDelete"]


@pytest.mark.row("P2")
def test_an_option_that_is_switched_on_and_off_later_is_seen(stack: Stack, endpoint: LocalEndpoint) -> None:
    mandatory = options(stack.folder, {NAME: "mandatory"})
    stack.declare(**GOOD)
    assert stack.up(*mandatory).ok
    stack.declare(**{**GOOD, "opts": None})
    assert not stack.up(*mandatory).ok
    assert stack.up().ok
    stack.declare(**GOOD)
    outcome = stack.up(*mandatory)
    assert outcome.ok, outcome.text
    assert len(endpoint.backups()) == 1


@pytest.mark.row("P13")
def test_a_secret_remark_is_not_shown(stack: Stack, endpoint: LocalEndpoint) -> None:
    remark = "pulumi.Output.secret('hush-hush')"
    stack.write(
        f"import pulumi\nfrom pulumi_dcs import InstanceBackup\n"
        f"InstanceBackup('backup', instance_id=pulumi.Output.secret({HA!r}), remark={remark}, opts={RETAINED})"
    )
    config = {
        "dcs-backup-remark": {"pattern": "nightly"},
        "dcs-backup-no-secret": {"patterns": ["hush"]},
        "dcs-backup-region": {"regions": ["eu-west-101"]},
    }
    preview = stack.preview("--diff", *options(stack.folder, config))
    assert not preview.ok
    for name in config:
        assert f"[mandatory]  {name}" in preview.text
    assert "hush" not in preview.text
    assert HA not in preview.text


@pytest.mark.row("P14")
def test_a_class_of_ones_own_is_judged_as_well(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.write(
        "import pulumi\nfrom pulumi_dcs import InstanceBackup\n\nclass Ours(InstanceBackup):\n    pass\n\n"
        f"Ours('backup', instance_id={HA!r}, opts={RETAINED})"
    )
    preview = stack.preview(*options(stack.folder, None))
    assert not preview.ok
    assert "backup has no remark" in preview.text


RESTORE = "from pulumi_dcs import InstanceRestore\nInstanceRestore('rollback', instance_id={!r}, backup_id={!r})"


def test_no_restore_passes_unless_it_is_listed(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.write(RESTORE.format(HA, endpoint.add_backup(HA)))
    refusing: list[dict[str, Any] | None] = [
        None,
        {"dcs-restore-allowed": {"names": ["rollback"]}},
        {"dcs-restore-allowed": {"names": ["rollback"], "instances": [CLUSTER]}},
        {"dcs-restore-allowed": {"names": ["roll"], "instances": [HA]}},
    ]
    for config in refusing:
        for command in (stack.preview, stack.up):
            outcome = command(*options(stack.folder, config))
            assert not outcome.ok
            assert "[mandatory]  dcs-restore-allowed" in outcome.text
    assert not endpoint.restores()
    outcome = stack.up(*options(stack.folder, {"dcs-restore-allowed": {"names": ["roll.*"], "instances": [HA]}}))
    assert outcome.ok, outcome.text
    assert len(endpoint.restores()) == 1

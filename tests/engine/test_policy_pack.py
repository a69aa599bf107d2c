"""The policy pack as a whole, run by the real engine: it refuses and passes, by configuration, in preview and up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.endpoint import CLUSTER, HA, LocalEndpoint

from .conftest import ROOT
from .stack import Stack

PACK = str(ROOT / "policy" / "run")
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
    ("dcs-backup-remark", {**GOOD, "remark": None}, None, "Give backup a remark"),
    ("dcs-backup-remark", GOOD, {"dcs-backup-remark": {"pattern": "nightly"}}, "does not match 'nightly'"),
    (
        "dcs-backup-format",
        {**GOOD, "backup_format": "aof"},
        {"dcs-backup-format": {"formats": ["rdb"]}},
        "set it to 'rdb'",
    ),
    ("dcs-backup-region", GOOD, {"dcs-backup-region": {"regions": ["eu-west-101"]}}, "to 'eu-west-101'"),
    (
        "dcs-backup-protected-or-retained",
        {**GOOD, "opts": None},
        {"dcs-backup-protected-or-retained": "mandatory"},
        "set protect=True",
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
    assert f"2 backups of instance {HA}, at most 1 are kept" in preview.text
    assert f"first and second are backups of the same instance {HA}" in preview.text
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

"""Inputs that are more than plain values, and classes and options of a user's own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from pulumi_dcs.engine.values import ASSET_SIGNATURE, SIGNATURE

from tests.endpoint import HA, LocalEndpoint

from .stack import RESOURCE_TYPE, Stack


def declare(stack: Stack, *triggers: str, instances: Sequence[str] = (HA,)) -> None:
    """Write a program with a backup of each instance, with these triggers as Python text."""
    lines = ["import pulumi", "from pulumi_dcs import InstanceBackup"]
    for number, (each, instance_id) in enumerate(zip(triggers, instances, strict=True)):
        lines.append(f"InstanceBackup('backup-{number}', instance_id={instance_id!r}, triggers={each})")
    stack.write("\n".join(lines))


ASSETS = {
    "file": "{{'schema': pulumi.FileAsset({path!r})}}",
    "text": "{{'deep': [{{'schema': pulumi.StringAsset({text!r})}}]}}",
    "archive": "{{'schema': pulumi.AssetArchive({{'a/b.sql': pulumi.FileAsset({path!r})}})}}",
    "folder": "{{'deep': {{'er': [1, pulumi.FileArchive({folder!r})]}}}}",
}


@pytest.mark.row("P10")
def test_an_asset_counts_by_its_content(stack: Stack, endpoint: LocalEndpoint) -> None:
    """All kinds, side by side."""
    folder = stack.folder / "schemas"
    folder.mkdir()
    instances = [endpoint.add_instance(cache_mode="ha") for _ in ASSETS]

    def write(text: str) -> None:
        (folder / "one.sql").write_text(text)
        values = {"path": "schemas/one.sql", "folder": "schemas", "text": text}
        declare(stack, *(kind.format(**values) for kind in ASSETS.values()), instances=instances)

    write("create table orders;")
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert len(stack.resources()) == len(ASSETS)
    for resource in stack.resources():
        for kept in (resource["inputs"], resource["outputs"]):
            (text,) = leaves(kept["triggers"])
            assert text.startswith(("asset:sha256:", "archive:sha256:"))
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh("--expect-no-changes").ok
    assert stack.up("--expect-no-changes").ok
    write("create table invoices;")
    assert stack.up().ok
    assert sorted(creates(endpoint)) == sorted(instances * 2)
    assert stack.destroy().ok
    assert not endpoint.backups()


def creates(endpoint: LocalEndpoint) -> list[str]:
    """The instances of which backups were created, one for each request."""
    return [row["instance_id"] for row in endpoint.requests() if row["operation"] == "create_backup"]


def leaves(value: Any) -> list[Any]:
    """The texts in the value."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if parts is None:
        return [value] if isinstance(value, str) else []
    return [leaf for part in parts for leaf in leaves(part)]


@pytest.mark.row("P10")
@pytest.mark.parametrize("old", ["pulumi.FileAsset('gone.sql')", "pulumi.RemoteAsset('http://127.0.0.1:9/x')"])
def test_an_asset_that_cannot_be_read_is_refused(stack: Stack, endpoint: LocalEndpoint, old: str) -> None:
    declare(stack, f"{{'schema': {old}}}")
    outcome = stack.up()
    assert not outcome.ok
    assert "Traceback" not in outcome.diagnostics
    assert not stack.resources()
    assert not endpoint.backups()
    declare(stack, "{'schema': 'v1'}")
    assert stack.up().ok


@pytest.mark.row("P11")
def test_truth_values_and_numbers_are_two_things(stack: Stack, endpoint: LocalEndpoint) -> None:
    """At several depths, side by side."""
    before = ("{'a': 1}", "{'a': [1, 0]}", "{'a': {'b': 0}}")
    after = ("{'a': True}", "{'a': [True, False]}", "{'a': {'b': False}}")
    instances = [endpoint.add_instance(cache_mode="ha") for _ in before]
    declare(stack, *before, instances=instances)
    assert stack.up().ok
    assert stack.refresh("--expect-no-changes").ok
    assert stack.up("--expect-no-changes").ok
    # 1 and 1.0 are one number in JSON.
    declare(stack, *(re.sub(r"\d", r"\g<0>.0", each) for each in before), instances=instances)
    assert stack.up("--expect-no-changes").ok
    declare(stack, *after, instances=instances)
    assert stack.up().ok
    assert sorted(creates(endpoint)) == sorted(instances * 2)
    assert stack.refresh("--expect-no-changes").ok
    assert stack.up("--expect-no-changes").ok
    assert len(creates(endpoint)) == 2 * len(instances)


@pytest.mark.row("P14")
def test_a_class_of_ones_own_has_the_same_type(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="one")
    assert stack.up().ok
    stack.write(
        "from pulumi_dcs import InstanceBackup\n\n\nclass Ours(InstanceBackup):\n"
        "    def __init__(self, name, **inputs):\n        super().__init__(name, remark='one', **inputs)\n\n\n"
        f"class Yours(Ours):\n    pass\n\n\nYours('backup', instance_id={HA!r})"
    )
    outcome = stack.up("--expect-no-changes")
    assert outcome.ok, outcome.text
    assert stack.resource()["type"] == RESOURCE_TYPE
    assert endpoint.count("create_backup") == 1


@pytest.mark.row("P16")
def test_import_is_refused_with_the_way_that_works(stack: Stack, endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA)
    stack.declare(instance_id=HA, opts=f"pulumi.ResourceOptions(import_='{HA}/{backup_id}')")
    outcome = stack.preview()
    assert not outcome.ok
    assert "ResourceOptions.import_ does not work with dynamic resources" in outcome.text
    assert "give its id as adopt_backup_id instead" in outcome.text
    assert "KeyError" not in outcome.text
    assert not endpoint.requests()
    stack.declare(instance_id=HA, adopt_backup_id=backup_id)
    assert stack.up().ok
    assert stack.backup_ids() == {backup_id} == endpoint.backup_ids()


@pytest.mark.row("P10")
def test_up_mends_a_state_that_holds_an_asset(stack: Stack, endpoint: LocalEndpoint) -> None:
    (stack.folder / "one.sql").write_text("create table orders;")
    declare(stack, "{'deep': ['marker']}")
    assert stack.up().ok
    # As version 0.1 wrote it.
    digest = hashlib.sha256(b"create table orders;").hexdigest()
    asset = {SIGNATURE: ASSET_SIGNATURE, "hash": digest, "path": "one.sql"}
    exported = stack.folder / "exported.json"
    assert stack.pulumi("stack", "export", "--file", str(exported)).ok
    exported.write_text(exported.read_text().replace('"marker"', json.dumps(asset)))
    imported = stack.pulumi("stack", "import", "--file", str(exported))
    assert imported.ok, imported.text
    # The stock host can't read it back where the first request is not a check: that is nothing for refresh or destroy.
    declare(stack, "{'deep': [pulumi.FileAsset('one.sql')]}")
    preview = stack.preview()
    assert preview.ok, preview.text
    assert "replace" not in preview.text
    outcome = stack.up()
    assert outcome.ok, outcome.text
    for kept in (stack.resource()["inputs"], stack.resource()["outputs"]):
        assert kept["triggers"] == {"deep": [f"asset:sha256:{digest}"]}
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh("--expect-no-changes").ok
    assert endpoint.count("create_backup") == 1
    assert stack.destroy().ok
    assert not endpoint.backups()


@pytest.mark.row("P10", "P11")
def test_odd_values_are_stable_or_refused(stack: Stack, endpoint: LocalEndpoint) -> None:
    odd = "{'none': None, 'nones': [None, 1], 'empty': {}, 'list': [], 'large': 2**60, 'huge': 1e300, 'text': ''}"
    declare(stack, odd)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh("--expect-no-changes").ok
    assert stack.up("--expect-no-changes").ok
    for value in ("nan", "inf"):
        declare(stack, f"{{'deep': [float({value!r})]}}")
        outcome = stack.preview()
        assert not outcome.ok
        assert "triggers" in outcome.diagnostics
        assert "Traceback" not in outcome.diagnostics
    assert endpoint.count("create_backup") == 1

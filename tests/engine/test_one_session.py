"""One session per process, however many provider strings the state has, as programs of several Pythons write them."""

from __future__ import annotations

import base64
import json
import pickle
from typing import Any

import pytest

from tests.endpoint import HA, LocalEndpoint

from .stack import RESOURCE_TYPE, Stack


def write_as_another_python(stack: Stack) -> None:
    """Have the state say what a program would have written whose pickle protocol is another one."""
    exported = stack.pulumi("stack", "export")
    assert exported.ok, exported.text
    state: dict[str, Any] = json.loads(exported.text)
    changed = 0
    for resource in state["deployment"]["resources"]:
        if resource["type"] == RESOURCE_TYPE:
            for properties in (resource["inputs"], resource["outputs"]):
                before = properties["__provider"]
                provider = pickle.loads(base64.b64decode(before))
                after = base64.b64encode(pickle.dumps(provider, protocol=5 if before.startswith("gAS") else 4)).decode()
                assert after != before
                properties["__provider"] = after
                changed += 1
    assert changed
    file = stack.folder / "state.json"
    file.write_text(json.dumps(state))
    done = stack.pulumi("stack", "import", "--file", str(file))
    assert done.ok, done.text


@pytest.mark.row("E2")
def test_a_backup_that_moves_to_another_resource_is_not_deleted(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare_all({"first": {"instance_id": HA}})
    assert stack.up().ok
    (made,) = stack.backup_ids()
    write_as_another_python(stack)
    stack.declare_all({"second": {"instance_id": HA, "adopt_backup_id": made}})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert f"Backup {made} is not deleted: 'second' has it as well" in outcome.diagnostics
    assert stack.backup_ids() == endpoint.backup_ids() == {made}
    assert endpoint.count("delete_backup") == 0


@pytest.mark.row("E2")
@pytest.mark.parametrize("skips", [True, False], ids=["checkpoints skipped", "checkpoints"])
def test_a_replacement_keeps_the_new_one(stack: Stack, endpoint: LocalEndpoint, *, skips: bool) -> None:
    if skips:
        stack.environment.update({"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"})
    stack.declare(instance_id=HA, remark="one")
    assert stack.up().ok
    (old,) = stack.backup_ids()
    write_as_another_python(stack)
    stack.declare(instance_id=HA, remark="two")
    outcome = stack.up()
    assert outcome.ok, outcome.text
    (new,) = stack.backup_ids()
    assert new != old
    assert endpoint.backup_ids() == {new}
    assert stack.up("--expect-no-changes").ok


@pytest.mark.row("E2")
def test_the_string_alone_changes_nothing(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA)
    assert stack.up().ok
    made = stack.backup_ids()
    write_as_another_python(stack)
    assert "1 to replace" not in stack.preview().text
    assert stack.refresh().ok
    assert stack.up().ok
    assert stack.backup_ids() == endpoint.backup_ids() == made
    assert endpoint.count("create_backup") == 1

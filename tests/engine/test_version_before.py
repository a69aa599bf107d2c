"""The state that version 0.1 wrote: no change, no second backup, and what its killed runs made is taken over."""

from __future__ import annotations

import base64
import hashlib
import json
import pickle
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from pulumi_dcs.provider import InstanceBackupProvider

from tests.endpoint import HA, LocalEndpoint

from .conftest import MakeStack
from .stack import Stack

FIXTURES: Final = Path(__file__).parent / "fixtures" / "version-0.1"
RECORDED_URL: Final = "http://127.0.0.1:8780"
RECORDED_PROVIDER: Final = "gASVNQAAAAAAAACME3B1bHVtaV9kY3MucHJvdmlkZXKUjBZJbnN0YW5jZUJhY2t1cFByb3ZpZGVylJOUKYGULg=="
"""The provider's class as Python up to 3.13 writes it into a state: pickled with protocol 4."""
AGE: Final = 60.0
"""Seconds since the killed run: nothing older than a day is taken over, so its traces can't keep their times."""


def restore(
    stack: Stack,
    endpoint: LocalEndpoint,
    scenario: str = "lasting",
    *,
    has_journal: bool = True,
    pickle_protocol: int = 4,
) -> None:
    """Bring back a stack, its backups at the service and its journal as version 0.1 left them."""
    folder = FIXTURES / scenario
    state = (folder / "state.json").read_text()
    rows: list[dict[str, Any]] = json.loads((folder / "backups.json").read_text())
    left_over = [row for row in rows if f'/{row["backup_id"]}"' not in state]
    shift = time.time() - AGE - max((row["created"] for row in left_over), default=0.0)
    # So that they bear the names that they had then.
    endpoint.behave(utc_offset=0.0)
    renamed = {RECORDED_URL: endpoint.url}
    if pickle_protocol != 4:
        assert RECORDED_PROVIDER in state
        pickled = pickle.dumps(InstanceBackupProvider(), protocol=pickle_protocol)
        renamed[RECORDED_PROVIDER] = base64.b64encode(pickled).decode()
    for row in rows:
        backup_id = endpoint.add_backup(
            row["instance_id"],
            remark=row["remark"],
            backup_format=row["backup_format"],
            backup_type=row["backup_type"],
            duration=row["duration"],
        )
        created = row["created"] + (shift if row in left_over else 0.0)
        endpoint.change_backup(backup_id, created=created, size=row["size"])
        renamed[row["backup_id"]] = backup_id

    def adapted(text: str) -> str:
        for old, new in renamed.items():
            text = text.replace(old, new)
        return text

    config = folder / "config.json"
    for key, value in json.loads(config.read_text()).items() if config.exists() else ():
        stack.config(key, value)
    stack.write(adapted((folder / "program.txt").read_text()))
    exported = stack.folder / "version-0.1.json"
    exported.write_text(adapted(state))
    outcome = stack.pulumi("stack", "import", "--file", str(exported))
    assert outcome.ok, outcome.text
    bring_back_pending(stack, json.loads(adapted(state)))
    if has_journal:
        journal(stack).mkdir(parents=True)
        for entry in (folder / "creates").iterdir():
            content = moved(json.loads(adapted(entry.read_text())), shift)
            name = hashlib.sha256(f"{stack.environment['PULUMI_BACKEND_URL']}\n{content['urn']}".encode()).hexdigest()
            (journal(stack) / f"{name[:32]}{entry.suffix}").write_text(json.dumps(content))


def bring_back_pending(stack: Stack, exported: dict[str, Any]) -> None:
    """Write the creates that were under way into the state as it is kept: importing a state leaves them out."""
    pending = exported["deployment"].get("pending_operations")
    if not pending:
        return
    (kept,) = (stack.folder / "state" / ".pulumi" / "stacks").rglob(f"{stack.name}.json")
    state = json.loads(kept.read_text())
    state["checkpoint"]["latest"]["pending_operations"] = pending
    kept.write_text(json.dumps(state))
    assert json.loads(stack.pulumi("stack", "export").text)["deployment"]["pending_operations"] == pending


def moved(value: Any, seconds: float) -> Any:
    """The journal entry with its times moved."""
    if isinstance(value, dict):
        return {name: moved(part, seconds) for name, part in value.items()}
    if isinstance(value, list):
        return [moved(part, seconds) for part in value]
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.+]+", value):
        return (datetime.fromisoformat(value) + timedelta(seconds=seconds)).isoformat()
    return value


def journal(stack: Stack) -> Path:
    return Path(stack.environment["PULUMI_HOME"]) / "pulumi-dcs" / "creates"


def by_name(stack: Stack) -> dict[str, dict[str, Any]]:
    """The stack's backups by the resource's name."""
    return {resource["urn"].rpartition("::")[2]: resource for resource in stack.resources()}


def assert_nothing_is_made_or_deleted(endpoint: LocalEndpoint) -> None:
    assert endpoint.count("create_backup") == 0
    assert endpoint.count("delete_backup") == 0


@pytest.mark.parametrize(
    ("scenario", "name", "pickle_protocol"), [("lasting", "dev", 4), ("lasting", "dev", 5), ("marked", "marked", 4)]
)
def test_no_command_sees_a_change(
    make_stack: MakeStack, endpoint: LocalEndpoint, scenario: str, name: str, pickle_protocol: int
) -> None:
    # Python 3.14 writes the provider with protocol 5.
    stack = make_stack(name)
    restore(stack, endpoint, scenario, pickle_protocol=pickle_protocol)
    before = by_name(stack)
    for command in (stack.preview, stack.up, stack.refresh, stack.up):
        outcome = command("--expect-no-changes")
        assert outcome.ok, outcome.text
        assert "warning" not in outcome.diagnostics
    assert_nothing_is_made_or_deleted(endpoint)
    after = by_name(stack)
    assert after.keys() == before.keys()
    for resource, old in before.items():
        assert after[resource]["id"] == old["id"]
        assert kept(after[resource]["inputs"], old["inputs"]) == kept(old["inputs"], old["inputs"])
        assert kept(after[resource]["outputs"], old["outputs"]) == kept(old["outputs"], old["outputs"])


def kept(properties: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Those that were there before and stay as they are; a running backup goes on, a secret is encrypted again."""
    # Inputs are brought up to date by a step that changes nothing: the provider then is as this Python writes it.
    moving = {"__provider", *(("updated_at", "progress") if before.get("status") == "backuping" else ())}
    names = [name for name, value in before.items() if name not in moving and "ciphertext" not in json.dumps(value)]
    return {name: properties.get(name) for name in names}


def test_no_secret_of_it_is_shown(stack: Stack, endpoint: LocalEndpoint) -> None:
    restore(stack, endpoint)
    for outcome in (stack.preview("--diff"), stack.up(), stack.refresh(), stack.pulumi("stack", "export")):
        assert outcome.ok, outcome.text
        assert "hunter2" not in outcome.text


def test_the_running_one_is_seen_to_finish(stack: Stack, endpoint: LocalEndpoint) -> None:
    restore(stack, endpoint)
    assert by_name(stack)["running"]["outputs"]["status"] == "backuping"
    endpoint.change_backup(by_name(stack)["running"]["outputs"]["backup_id"], duration=0.0)
    assert stack.refresh().ok
    assert by_name(stack)["running"]["outputs"]["status"] == "succeed"
    assert stack.up("--expect-no-changes").ok
    assert_nothing_is_made_or_deleted(endpoint)


def test_an_adopted_one_stays_when_the_input_goes(stack: Stack, endpoint: LocalEndpoint) -> None:
    restore(stack, endpoint)
    held = stack.backup_ids()
    program = (stack.folder / "__main__.py").read_text()
    without = re.sub(r', adopt_backup_id="[^"]+"', "", program)
    assert without != program
    stack.write(without)
    assert stack.up().ok
    assert stack.backup_ids() == held
    assert stack.up("--expect-no-changes").ok
    assert_nothing_is_made_or_deleted(endpoint)


def test_another_trigger_replaces_that_one_only(stack: Stack, endpoint: LocalEndpoint) -> None:
    restore(stack, endpoint)
    before = by_name(stack)
    program = (stack.folder / "__main__.py").read_text()
    stack.write(program.replace('"version": 3', '"version": 4'))
    outcome = stack.up()
    assert outcome.ok, outcome.text
    after = by_name(stack)
    assert {name for name in before if after[name]["id"] != before[name]["id"]} == {"done"}
    assert endpoint.count("delete_backup") == 1
    assert before["done"]["outputs"]["backup_id"] not in endpoint.backup_ids()
    assert stack.up("--expect-no-changes").ok


@pytest.mark.parametrize(("scenario", "name"), [("lasting", "dev"), ("marked", "marked")])
def test_destroy_deletes_what_the_state_holds(
    make_stack: MakeStack, endpoint: LocalEndpoint, scenario: str, name: str
) -> None:
    stack = make_stack(name)
    restore(stack, endpoint, scenario)
    held = {name: resource["outputs"]["backup_id"] for name, resource in by_name(stack).items()}
    deleted = {backup_id for name, backup_id in held.items() if name != "retained"}
    stay = endpoint.backup_ids() - deleted
    assert len(stay) == (2 if scenario == "lasting" else 0)
    if "running" in held:
        # The service deletes none that is still running.
        endpoint.change_backup(held["running"], duration=0.0)
    outcome = stack.destroy()
    assert outcome.ok, outcome.text
    assert endpoint.backup_ids() == stay
    assert not stack.resources()


def test_the_one_that_timed_out_is_waited_for(stack: Stack, endpoint: LocalEndpoint) -> None:
    restore(stack, endpoint, "timed-out")
    held = stack.backup_ids()
    assert stack.preview().ok
    endpoint.change_backup(*held, duration=0.0)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.resource()["outputs"]["status"] == "succeed"
    assert "initErrors" not in stack.resource()
    assert stack.backup_ids() == endpoint.backup_ids() == held
    assert stack.up("--expect-no-changes").ok
    assert_nothing_is_made_or_deleted(endpoint)


@pytest.mark.parametrize(
    ("scenario", "name"), [("killed", "dev"), ("killed-unanswered", "dev"), ("killed-marked", "marked")]
)
def test_the_killed_runs_backup_is_taken_over(
    make_stack: MakeStack, endpoint: LocalEndpoint, scenario: str, name: str
) -> None:
    stack = make_stack(name)
    restore(stack, endpoint, scenario)
    (left,) = endpoint.backup_ids()
    endpoint.change_backup(left, duration=0.0)
    assert stack.preview().ok
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == {left}
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh("--expect-no-changes", "--clear-pending-creates").ok
    assert_nothing_is_made_or_deleted(endpoint)
    assert not list(journal(stack).glob("*.json"))


def test_so_it_is_by_its_mark_on_another_machine(make_stack: MakeStack, endpoint: LocalEndpoint) -> None:
    stack = make_stack("marked")
    restore(stack, endpoint, "killed-marked", has_journal=False)
    (left,) = endpoint.backup_ids()
    endpoint.change_backup(left, duration=0.0)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == {left}
    assert_nothing_is_made_or_deleted(endpoint)


def test_the_killed_replacement_is_taken_over_and_the_old_one_goes(stack: Stack, endpoint: LocalEndpoint) -> None:
    restore(stack, endpoint, "killed-replacement")
    (new,) = endpoint.backup_ids() - stack.backup_ids()
    endpoint.change_backup(new, duration=0.0)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == {new}
    assert endpoint.count("create_backup") == 0
    assert endpoint.count("delete_backup") == 1


def test_of_two_killed_runs_the_declared_one_is_taken_over(stack: Stack, endpoint: LocalEndpoint) -> None:
    restore(stack, endpoint, "killed-twice")
    left = {backup["remark"]: backup["backup_id"] for backup in endpoint.backups(HA)}
    endpoint.change_backup(left["two"], duration=0.0)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == {left["two"]}
    assert endpoint.count("create_backup") == 0
    # The other one is nobody's: it is deleted or named, never passed over in silence.
    assert left["one"] not in endpoint.backup_ids() or left["one"] in outcome.diagnostics

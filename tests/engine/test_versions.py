"""The same behaviour with the newest and with the oldest supported SDK and libraries."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from pulumi_dcs.engine.host import Capability

from tests.endpoint import HA, SINGLE, LocalEndpoint

from .conftest import FLOOR
from .stack import Stack
from .test_waiting import SHORT


def test_the_oldest_environment_is_what_it_says() -> None:
    pins = (Path(__file__).parent.parent.parent / "requirements-floor.txt").read_text()
    told = subprocess.run([FLOOR / "python", "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    for pin in re.findall(r"(?m)^[a-z0-9]+==\S+", pins):
        assert pin in told.splitlines()
    project = (Path(__file__).parent.parent.parent / "pyproject.toml").read_text()
    for pin in re.findall(r"(?m)^[a-z0-9]+==\S+", pins):
        name, _, version = pin.partition("==")
        bound = re.search(rf'"{name}>=([0-9.]+)', project)
        assert bound is not None
        assert version.startswith(bound[1])


def test_every_capability_is_in_force(stack_of_each_sdk: Stack, endpoint: LocalEndpoint) -> None:
    stack = stack_of_each_sdk
    stack.environment["DCS_DEBUG"] = "1"
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    told = re.search(r"capabilities: ([A-Z_, ]+)", outcome.text)
    assert told is not None
    assert set(told[1].split(", ")) == {capability.name for capability in Capability}


def test_the_life_of_a_backup(stack_of_each_sdk: Stack, endpoint: LocalEndpoint) -> None:
    live(stack_of_each_sdk, endpoint)


def test_the_life_of_a_backup_with_other_pythons(stack_of_each_python: Stack, endpoint: LocalEndpoint) -> None:
    live(stack_of_each_python, endpoint)


def live(stack: Stack, endpoint: LocalEndpoint) -> None:
    """Create, no change, replace, refresh, destroy."""
    stack.declare(instance_id=HA, remark="one", triggers={"release": "1"})
    assert stack.preview().ok
    assert stack.up().ok
    assert stack.up("--expect-no-changes").ok
    stack.declare(instance_id=HA, remark="two", triggers={"release": "1"})
    outcome = stack.preview("--diff")
    assert re.findall(r"(?m)^ +[~+-] \w+.*$", outcome.text) == ['      ~ remark: "one" => "two"']
    assert stack.up().ok
    assert stack.backup_ids() == endpoint.backup_ids()
    assert stack.refresh("--expect-no-changes").ok
    endpoint.remove_backup(endpoint.backups()[0]["backup_id"])
    assert stack.refresh().ok
    assert not stack.resources()
    assert stack.up().ok
    assert stack.destroy().ok
    assert not endpoint.backups()


def test_a_destroy_that_fails_at_its_first_request_is_a_clean_diagnostic(
    stack_of_each_sdk: Stack, endpoint: LocalEndpoint
) -> None:
    stack = stack_of_each_sdk
    stack.declare(instance_id=HA)
    assert stack.up().ok
    (backup_id,) = endpoint.backup_ids()
    endpoint.plan({"operation": "delete_backup", "status": 403, "body": '{"error_code": "DCS.0005"}'})
    outcome = stack.destroy()
    assert f"error: DCS refused to delete backup {backup_id} of instance {HA}\n" in outcome.diagnostics
    assert "Traceback" not in outcome.diagnostics
    assert "Exception" not in outcome.diagnostics


def test_diagnostics_and_partial_state(stack_of_each_sdk: Stack, endpoint: LocalEndpoint) -> None:
    stack = stack_of_each_sdk
    stack.declare(instance_id=SINGLE)
    outcome = stack.up()
    assert f"    error: DCS refused to back up instance {SINGLE}\n      HTTP 400  DCS.4086: " in outcome.diagnostics
    assert "Traceback" not in outcome.diagnostics
    assert "Exception" not in outcome.diagnostics
    endpoint.behave(duration=60.0)
    stack.declare(instance_id=HA, opts=SHORT)
    assert not stack.up().ok
    (backup_id,) = endpoint.backup_ids()
    assert stack.backup_ids() == {backup_id}
    endpoint.change_backup(backup_id, duration=0.0)
    assert stack.up().ok
    assert endpoint.backup_ids() == {backup_id}


def test_get(stack_of_each_sdk: Stack, endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, remark="theirs")
    stack_of_each_sdk.write(
        "import pulumi\nfrom pulumi_dcs import InstanceBackup\n"
        f"pulumi.export('remark', InstanceBackup.get('theirs', '{HA}/{backup_id}').remark)"
    )
    outcome = stack_of_each_sdk.up()
    assert outcome.ok, outcome.text
    assert stack_of_each_sdk.pulumi("stack", "output", "remark").text.strip() == "theirs"

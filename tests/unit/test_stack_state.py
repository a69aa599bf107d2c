"""Which backups a stack's state holds, asked of whatever ``pulumi`` is on the path."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.runtime import test as run_as_program
from pulumi_dcs import InstanceBackup
from pulumi_dcs.engine.stack_state import held_backups
from pulumi_dcs.instance_backup.lifecycle import Lifecycle
from pulumi_dcs.instance_backup.properties import ORGANIZATION

from tests.endpoint import HA, PROJECT_ID, REGION

from .simulation import SimulatedHost

URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:InstanceBackup::backup"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the arguments of a ``pulumi`` go that prints what stands in ``state`` beside it."""
    command = tmp_path / "pulumi"
    command.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\ncat {tmp_path}/state\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "state").write_text(
        json.dumps({"deployment": {"resources": [{"urn": URN, "id": f"{HA}/b-1"}, {"urn": URN}]}})
    )
    return tmp_path / "asked"


@pytest.mark.parametrize(("organization", "named"), [("", "dev"), ("acme", "acme/shop/dev")])
def test_the_stack_is_named_whichever_is_selected(asked: Path, organization: str, named: str) -> None:
    assert held_backups(URN, organization) == frozenset({"b-1"})
    assert asked.read_text().split() == ["stack", "export", "--stack", named, "--non-interactive"]


@pytest.mark.parametrize(
    "state",
    ["", "[]", '{"deployment": {"resources": [{"urn": "urn:pulumi:dev::other::a:b:C::backup", "id": "i/b-1"}]}}'],
)
def test_of_another_state_or_none_nothing_is_concluded(asked: Path, state: str) -> None:
    asked.with_name("state").write_text(state)
    assert held_backups(URN) is None


@pytest.mark.parametrize(("organization", "told"), [("organization", None), ("acme", "acme")])
def test_the_program_tells_the_organization_where_there_is_one(organization: str, told: str | None) -> None:
    registered: list[dict[str, Any]] = []

    class Mocks(pulumi.runtime.Mocks):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
            registered.append(args.inputs)
            return "id", args.inputs

        def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
            return {}, None

    asyncio.set_event_loop(asyncio.new_event_loop())  # set_mocks needs one; any asyncio.run before has taken it away
    pulumi.runtime.set_mocks(Mocks(), organization=organization)
    run_as_program(lambda: InstanceBackup("backup", instance_id=HA) and None)()  # type: ignore[no-untyped-call]
    (inputs,) = registered
    assert inputs.get(ORGANIZATION) == told


def test_check_remembers_the_organization_and_keeps_it_out_of_the_inputs() -> None:
    asked = []

    def held(urn: str, organization: str) -> frozenset[str]:
        asked.append((urn, organization))
        return frozenset()

    surroundings = {"host": SimulatedHost(), "environment": {"HW_REGION_NAME": REGION, "HW_PROJECT_ID": PROJECT_ID}}
    lifecycle = Lifecycle(ConfigureRequest(Config({}, "shop")), held_backups=held, **surroundings)
    checked = lifecycle.check({}, {"instance_id": HA, ORGANIZATION: "acme"})
    assert checked.inputs == {"instance_id": HA, "region": REGION, "project_id": PROJECT_ID}
    lifecycle.session.held_backups(URN)
    assert asked == [(URN, "acme")]

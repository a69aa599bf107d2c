"""Unit tests of the component, without an engine: `python -m pytest examples/component`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks


class Recorder(Mocks):
    """Stands in for the engine: records what is declared, and responds as the service would."""

    def __init__(self) -> None:
        self.declared: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Record a declared resource; its id and outputs."""
        self.declared[args.name] = args.inputs
        if args.typ != "pulumi-python:dynamic/dcs:InstanceBackup":
            return "", args.inputs
        return f"{args.inputs['instance_id']}/b-{args.name}", {**args.inputs, "backup_id": f"b-{args.name}"}

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], None]:
        """Respond to a function call: there is none."""
        return {}, None


@pytest.fixture
def engine() -> Iterator[Recorder]:
    """Run the program without an engine."""
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, project="shop", stack="test", preview=False)
    yield recorder


@pulumi.runtime.test  # type: ignore[untyped-decorator]
def test_every_instance_is_backed_up_for_the_release(engine: Recorder) -> Any:
    """Each instance has one backup, with the release in its remark and triggers."""
    from service_backup import ServiceBackup

    service = ServiceBackup("orders", instances={"cache": "i-1", "queue": "i-2"}, release="2026.11")

    def check(backup_ids: dict[str, str]) -> None:
        assert backup_ids == {"cache": "b-orders-cache", "queue": "b-orders-queue"}
        backup = engine.declared["orders-cache"]
        assert (backup["instance_id"], backup["remark"]) == ("i-1", "orders before 2026.11")
        assert backup["triggers"] == {"release": "2026.11"}

    return service.backup_ids.apply(check)

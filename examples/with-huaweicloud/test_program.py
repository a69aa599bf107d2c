"""Unit tests of the program, without an engine and a plugin: `python -m pytest examples/with-huaweicloud`."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.rpc import UNKNOWN

PROGRAM = Path(__file__).parent / "__main__.py"
SETTINGS = {"huaweicloud:region": "cn-north-4", "huaweicloud:accessKey": "AK", "huaweicloud:secretKey": "SK"}
INPUTS = {"release": "2026.11", "availabilityZones": '["cn-north-4a"]', "vpcId": "v", "subnetId": "s", "password": "p"}


class Service(Mocks):
    """Stands for the engine and its plugins: a preview makes nothing, so that nothing has an id yet."""

    def __init__(self, *, preview: bool) -> None:
        self.preview = preview

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Make a resource."""
        if self.preview:
            return None, args.inputs
        if args.typ == "huaweicloud:Dcs/instance:Instance":
            return "i-1", args.inputs
        return f"{args.inputs['instance_id']}/b-1", {**args.inputs, "backup_id": "b-1"}

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], None]:
        """Call a function; there is none."""
        return {}, None


class Recorder(MockMonitor):
    """Keeps what the engine would receive."""

    def __init__(self, mocks: Mocks) -> None:
        super().__init__(mocks)
        self.registered: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (the engine's name)
        """Register a resource."""
        self.registered[request.name] = request
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def engine(*, preview: bool) -> Recorder:
    """No engine, and no settings but `huaweicloud:*` and the program's own inputs."""
    service = Service(preview=preview)
    monitor = Recorder(service)
    pulumi.runtime.set_mocks(service, project="with-huaweicloud", stack="test", preview=preview, monitor=monitor)
    inputs = {f"with-huaweicloud:{name}": value for name, value in INPUTS.items()}
    pulumi.runtime.set_all_config({**SETTINGS, **inputs}, ["with-huaweicloud:password"])
    return monitor


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear the environment of settings."""
    for name in list(os.environ):
        if name.startswith(("HUAWEICLOUD_", "HW_", "CLOUD_SDK_", "DCS_")):
            monkeypatch.delenv(name)


def declared(monitor: Recorder) -> pulumi.Output[tuple[Any, Any]]:
    """Run the program; the instance and the backup as the engine would receive them."""
    resources = runpy.run_path(str(PROGRAM))

    def requests(_: Any) -> tuple[Any, Any]:
        return monitor.registered["orders"], monitor.registered["orders-before-release"]

    return pulumi.Output.all(resources["instance"].urn, resources["backup"].urn).apply(requests)


@pulumi.runtime.test  # type: ignore[untyped-decorator]
def test_a_preview_passes_on_that_the_id_is_unknown() -> Any:
    """And the backup depends on the instance."""

    def check(requests: tuple[Any, Any]) -> None:
        instance, backup = requests
        assert instance.type == "huaweicloud:Dcs/instance:Instance"
        assert backup.type == "pulumi-python:dynamic/dcs:InstanceBackup"
        assert backup.object["instance_id"] == UNKNOWN
        (urn,) = backup.propertyDependencies["instance_id"].urns
        assert urn.endswith("$huaweicloud:Dcs/instance:Instance::orders")
        assert list(backup.dependencies) == [urn]

    return declared(engine(preview=True)).apply(check)


@pulumi.runtime.test  # type: ignore[untyped-decorator]
def test_up_backs_up_the_instance_that_it_made() -> Any:
    """By its id."""

    def check(requests: tuple[Any, Any]) -> None:
        _, backup = requests
        assert backup.object["instance_id"] == "i-1"
        assert backup.object["remark"] == "before 2026.11"
        assert dict(backup.object["triggers"]) == {"release": "2026.11"}

    return declared(engine(preview=False)).apply(check)


@pulumi.runtime.test  # type: ignore[untyped-decorator]
def test_the_password_is_a_secret() -> Any:
    """The `huaweicloud` package does not mark it by itself."""

    def check(requests: tuple[Any, Any]) -> None:
        instance, _ = requests
        assert dict(instance.object["password"])["value"] == "p"

    return declared(engine(preview=True)).apply(check)

"""What a hook reads from its arguments."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pulumi
import pytest
from pulumi.output import Unknown
from pulumi_dcs.guard.arguments import change_of
from pulumi_dcs.guard.change import Change, Operation
from pulumi_dcs.guard.guard import Guard, InstanceId
from pulumi_dcs.guard.remark import RemarkTemplate
from pulumi_dcs.operations.errors import OperationError

ID = "9ca3f4c5-0d36-4e5a-8a3b-1f2e3d4c5b6a"


def read(
    operation: Operation = Operation.UPDATE,
    told: str | InstanceId | None = None,
    *,
    resource_id: str = "i",
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    outputs: dict[str, Any] | None = None,
    secret_outputs: dict[str, Any] | None = None,
) -> Change:
    hour = timedelta(hours=1)
    guard = Guard(operation, RemarkTemplate(""), None, told, None, None, None, None, hour, hour)

    async def change() -> Change:
        secrets = {name: pulumi.Output.secret(value) for name, value in (secret_outputs or {}).items()}
        old_outputs = {**(outputs or {}), **secrets}
        args = pulumi.ResourceHookArgs("urn", resource_id, "orders", "t", new, old, None, old_outputs)
        return await change_of(args, guard, 5.0)

    return asyncio.run(change())


def test_what_comes_back_as_a_secret_is_one() -> None:
    def becoming(password: str) -> Change:
        return read(old={"password": "one"}, new={"password": password}, secret_outputs={"password": "one"})

    assert becoming("two").changed == ["password"]
    assert becoming("two").change_hash() == becoming("three").change_hash()


@pytest.mark.parametrize(
    "holder",
    [
        {"resource_id": f"cn-north-4/{ID}"},
        {"outputs": {"clusters": [{"id": ID}]}},
        {"old": {"target": f"https://dcs/{ID}"}},
    ],
    ids=["id", "output", "input"],
)
def test_before_a_delete_a_function_tells_only_an_id_that_the_resource_holds(holder: dict[str, Any]) -> None:
    assert read(Operation.DELETE, lambda _: ID, **holder).instance_id == ID
    with pytest.raises(OperationError, match="tells an id that orders does not hold"):
        read(Operation.DELETE, lambda _: "another", **holder)
    assert read(Operation.UPDATE, lambda _: "another", **holder).instance_id == "another"


def test_an_id_that_is_not_known_yet_is_none_and_no_id_is_not() -> None:
    unknown = Unknown()  # type: ignore[no-untyped-call]
    assert read(told="cluster_id", outputs={"clusterId": unknown}).instance_id is None
    assert read(told=lambda _: None).instance_id == ""


def test_a_component_has_no_id() -> None:
    with pytest.raises(OperationError, match="orders can't be backed up: it is a component"):
        read(Operation.DELETE, resource_id="")

"""Look-ups in a unit test of a program: with mocks for the engine, and the local endpoint for the service."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

import pulumi
import pulumi_dcs
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks


class NoEngine(Mocks):
    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], None]:
        return {}, None


@pytest.fixture
def mocks() -> None:
    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(NoEngine(), project="shop", stack="test", preview=True)


@pulumi.runtime.test  # type: ignore[untyped-decorator]
def test_links_of_a_preview_are_an_unknown_secret(mocks: None) -> Any:
    from pulumi_dcs.engine.outputs import looked_up, unknown_secret

    async def check() -> None:
        found: pulumi.Output[Any] = looked_up(lambda *_: [], {"a": pulumi.Output.from_input(2)})
        links = pulumi.Output.secret(found).apply(lambda _: unknown_secret())
        assert await links.is_known() is False
        assert await links.is_secret() is True

    return pulumi.Output.from_input(check())


@pulumi.runtime.test  # type: ignore[untyped-decorator]
def test_a_look_up_gets_values_and_the_resources_that_they_come_from(mocks: None) -> Any:
    from pulumi_dcs.engine.outputs import looked_up

    found: list[tuple[Any, Any]] = []
    resource = pulumi.ComponentResource("shop:index:Thing", "thing")
    opts = pulumi.InvokeOutputOptions(depends_on=[resource])
    one = looked_up(lambda *given: found.append(given), {"a": [pulumi.Output.from_input(1)], "b": None}, opts)
    other = looked_up(lambda *given: found.append(given), {"a": 2}, pulumi.InvokeOutputOptions())

    def check(_: Any) -> None:
        assert sorted(found, key=lambda each: str(each[0])) == [
            ({"a": 2}, frozenset()),
            ({"a": [1], "b": None}, frozenset({resource})),
        ]

    return pulumi.Output.all(one, other).apply(check)


def test_every_public_name_is_there_and_no_other() -> None:
    assert dir(pulumi_dcs) == sorted(pulumi_dcs.__all__)
    assert all(getattr(pulumi_dcs, name).__name__ == name for name in pulumi_dcs.__all__)
    with pytest.raises(AttributeError, match="no attribute 'get_nothing'"):
        _ = pulumi_dcs.get_nothing


def test_every_argument_and_field_is_on_the_page() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "functions.md").read_text()
    functions = [getattr(pulumi_dcs, name) for name in pulumi_dcs.__all__ if name.startswith(("get_", "download_"))]
    arguments = {argument for function in functions for argument in inspect.signature(function).parameters}
    kinds = (pulumi_dcs.Instance, pulumi_dcs.Backup, pulumi_dcs.BackupLink)
    fields = {field.name for kind in kinds for field in dataclasses.fields(kind)}
    assert {name for name in arguments | fields if not re.search(rf"\b{name}\b", page)} == set()

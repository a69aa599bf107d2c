"""A stack whose program declares instances of the tests' own, and has them backed up before they change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from tests.endpoint import HA

from .stack import Stack

_INSTANCES: Final = '''\
"""Instances as any provider may manage them: the id is the instance's, its deletion deletes the instance."""
import os
import requests
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult


class Provider(ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        return CreateResult(props["which"], dict(props))

    def diff(self, id, olds, news):
        changed = [name for name in {*olds, *news} if name != "__provider" and olds.get(name) != news.get(name)]
        return DiffResult(changes=bool(changed), replaces=["which"] if "which" in changed else [])

    def update(self, id, olds, news):
        if os.path.exists("refuse"):
            raise RuntimeError("refused by the test")
        with open("changes", "a") as notes:
            notes.write(f"update {id}\\n")
        return UpdateResult(dict(news))

    def delete(self, id, props):
        with open("changes", "a") as notes:
            notes.write(f"delete {id}\\n")
        url = os.environ["DCS_ENDPOINT"]
        requests.delete(f"{url}/control/instances/{id}", timeout=10).raise_for_status()


class Instance(Resource):
    def __init__(self, name, opts=None, **props):
        super().__init__(Provider(), name, props, opts)
'''
ORDERS: Final = {"which": HA, "capacity": 4}


class Guarded:
    """A program with instances, and what has become of them."""

    def __init__(self, stack: Stack) -> None:
        self.stack: Final = stack
        (stack.folder / "instances.py").write_text(_INSTANCES.replace("\\n", "\\n"))

    def declare(self, arguments: str = '"update"', before: str = "", /, **instances: Mapping[str, Any]) -> None:
        """Write the program: instances by name, each with one ``backup_before`` of these arguments.

        Args:
            arguments: Python text.
            before: Python text that comes first.
        """
        lines = ["import datetime, pulumi", "from pulumi_dcs import backup_before", "from instances import Instance"]
        lines += [before, f"guard = backup_before({arguments})", "opts = pulumi.ResourceOptions(hooks=guard)"]
        for name, properties in instances.items():
            given = ", ".join(f"{key}={_text(value)}" for key, value in properties.items())
            lines.append(f"{name} = Instance({json.dumps(name)}, {given}, opts=opts)")
        self.stack.write("\n".join(lines))

    def changes(self) -> list[str]:
        """What was changed, in this order."""
        notes = self.stack.folder / "changes"
        return notes.read_text().splitlines() if notes.exists() else []


class Code(str):
    """Python text that stands for a value in a program."""

    __slots__ = ()


def _text(value: Any) -> str:
    return value if isinstance(value, Code) else repr(value)


TO_8: Final = {**ORDERS, "capacity": 8}
TO_16: Final = {**ORDERS, "capacity": 16}


def made(guarded: Guarded, arguments: str = '"update"', /, **instances: Mapping[str, Any]) -> None:
    """Have the instances created: by default orders, with a capacity of 4."""
    guarded.declare(arguments, **(instances or {"orders": ORDERS}))
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text

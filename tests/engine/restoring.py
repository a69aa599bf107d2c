"""Programs that restore, and what the state and the endpoint say of restores."""

from __future__ import annotations

from typing import Any

from tests.endpoint import LocalEndpoint

from .stack import Outcome, Stack
from .trouble import LONG, SHORT, killed_up

RESTORE_TYPE = "pulumi-python:dynamic/dcs:InstanceRestore"


def program_of(restores: dict[str, dict[str, Any]]) -> str:
    """A program with these restores; ``opts`` is Python text, and so is what begins with ``=``."""
    lines = ["import pulumi", "from pulumi_dcs import InstanceBackup, InstanceRestore", ""]
    for name, inputs in restores.items():
        given = [
            f"{key}={value.removeprefix('=') if key == 'opts' or str(value).startswith('=') else repr(value)}"
            for key, value in inputs.items()
            if value is not None
        ]
        lines.append(f"{name} = InstanceRestore({', '.join([repr(name), *given])})")
    return "\n".join(lines)


def declare(stack: Stack, **inputs: Any) -> None:
    """Write a program with one restore of these inputs."""
    stack.write(program_of({"rollback": inputs}))


def restores_in(stack: Stack) -> list[dict[str, Any]]:
    """The restores in the saved state, those that are about to be deleted among them."""
    return stack.resources(RESTORE_TYPE)


def the_restore(stack: Stack) -> dict[str, Any]:
    """The one restore in the saved state."""
    (found,) = restores_in(stack)
    return found


def steps(stack: Stack, *options: str) -> list[dict[str, Any]]:
    """The steps that a preview plans for restores."""
    return stack.preview_json(*options, type_=RESTORE_TYPE)


def applied(outcome: Outcome) -> Outcome:
    """What a command said that has to succeed."""
    assert outcome.ok, outcome.text
    return outcome


def posts(endpoint: LocalEndpoint) -> int:
    """How often the endpoint was asked to restore in place."""
    return endpoint.count("create_restore")


def killed_restore(stack: Stack, endpoint: LocalEndpoint) -> str:
    """Kill an ``up`` that has started a restore, and written that down; the restore, which succeeds afterwards."""
    before = {row["task_id"] for row in endpoint.restores()}
    endpoint.behave(restore_duration=LONG)
    sent, lists = posts(endpoint), endpoint.count("list_restores")
    killed_up(stack, lambda: posts(endpoint) > sent and endpoint.count("list_restores") > lists + 1)
    (left,) = {row["task_id"] for row in endpoint.restores()} - before
    endpoint.change_task("restores", left, duration=0.0)
    endpoint.behave(restore_duration=SHORT)
    return str(left)

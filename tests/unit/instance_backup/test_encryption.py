"""What counts as encrypted in the state where the outputs keep no note of it."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.engine.log import Log
from pulumi_dcs.engine.requests import DiffRequest
from pulumi_dcs.engine.stack_state import StackState, StackStateUnavailable, StateResource
from pulumi_dcs.engine.values import SECRET
from pulumi_dcs.instance_backup.encryption import with_note_of_encrypted
from pulumi_dcs.resources.names import SECRET_INPUTS
from pulumi_dcs.session import Session

URN = "urn:pulumi:dev::shop::t::b"
PATH = "triggers.password"


class States:
    """The saved state of one stack, or none that can be read."""

    def __init__(self, *resources: StateResource, is_readable: bool = True) -> None:
        self.resources = resources
        self.is_readable = is_readable
        self.reads = 0

    def read(self, urn: str, organization: str = "", *, not_before: float = 0.0) -> StackState:
        self.reads += 1
        if not self.is_readable:
            raise StackStateUnavailable("no such command")
        return StackState(self.resources, (), 0.0)


def saved(triggers: Any, resource_id: str = "i/b", *, is_old: bool = False) -> StateResource:
    return StateResource(URN, resource_id, {}, {"triggers": triggers}, is_pending_delete=is_old)


def noted(states: States, new_paths: list[str], old_inputs: Any = None, old_outputs: Any = None) -> Any:
    request = DiffRequest(
        URN,
        "i/b",
        old_inputs or {},
        {"triggers": {"password": "hunter2"}, **(old_outputs or {})},
        {"triggers": {"password": "hunter2"}, SECRET_INPUTS: new_paths},
    )
    session = Session({}, Log(), environment={}, stack_states=states)
    return with_note_of_encrypted(request, session).get(SECRET_INPUTS)


@pytest.mark.parametrize(
    ("triggers", "paths", "encrypted"),
    [
        ({"password": SECRET}, [PATH], [PATH]),
        ({"password": {"a": [1, SECRET]}}, [f"{PATH}.a[1]"], [f"{PATH}.a[1]"]),
        (SECRET, [PATH, "triggers[0]", "triggers"], [PATH, "triggers[0]", "triggers"]),
        ({"password": SECRET, "key": "plain"}, [PATH, "triggers.key"], [PATH]),
        ({"password": "plain"}, [PATH], None),
        ({"pass": SECRET}, [PATH], None),
    ],
)
def test_what_the_saved_state_has_encrypted_counts(triggers: Any, paths: list[str], encrypted: Any) -> None:
    assert noted(States(saved(triggers)), paths) == encrypted


@pytest.mark.parametrize(
    "states",
    [
        States(),
        States(saved({"password": SECRET}, "i/another")),
        States(saved({"password": SECRET}, is_old=True)),
        States(is_readable=False),
    ],
)
def test_else_nothing_does(states: States) -> None:
    assert noted(states, [PATH]) is None
    assert states.reads == 1


@pytest.mark.parametrize(
    ("paths", "old_inputs", "old_outputs", "found"),
    [
        ([PATH, "triggers.key"], None, {SECRET_INPUTS: [PATH]}, [PATH]),
        ([PATH, "triggers.key"], {SECRET_INPUTS: [PATH]}, None, [PATH]),
        ([], None, None, None),
    ],
    ids=["noted in the outputs", "noted in the inputs", "nothing is secret"],
)
def test_the_state_is_not_read_without_need(paths: list[str], old_inputs: Any, old_outputs: Any, found: Any) -> None:
    states = States(saved({"password": SECRET, "key": SECRET}))
    assert noted(states, paths, old_inputs, old_outputs) == found
    assert states.reads == 0

"""The stack's state, as an export of it says; one for all who ask."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pulumi_dcs.engine import workspace
from pulumi_dcs.engine.stack_state import PendingCreate, StackStates, StackStateUnavailable, StateResource
from pulumi_dcs.engine.values import ASSET_SIGNATURE, SECRET, SECRET_SIGNATURE, SIGNATURE

URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:InstanceBackup::backup"


def exported(*resources: dict[str, Any], pending: list[dict[str, Any]] | None = None) -> str:
    deployment = {"resources": list(resources), "pending_operations": pending or []}
    return json.dumps({"version": 3, "deployment": deployment})


def test_what_is_read() -> None:
    secret = {SIGNATURE: SECRET_SIGNATURE, "ciphertext": "v1:x"}
    asset = {SIGNATURE: ASSET_SIGNATURE, "hash": "abc"}
    text = exported(
        {"urn": "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev", "custom": False},
        {
            "urn": URN,
            "custom": True,
            "id": "i/b",
            "inputs": {"__provider": "p", "remark": secret, "triggers": {"n": 1.0, "a": asset}},
            "outputs": {"__provider": "p", "status": "succeed"},
            "delete": True,
            "retainOnDelete": True,
        },
        {"urn": URN, "custom": True, "id": "x", "external": True},
        pending=[
            {"type": "creating", "resource": {"urn": URN, "custom": True, "inputs": {"remark": secret}}},
            {"type": "deleting", "resource": {"urn": URN, "custom": True}},
        ],
    )
    state = StackStates(lambda _: text).read(URN)
    inputs = {"remark": SECRET, "triggers": {"n": 1, "a": "asset:sha256:abc"}}
    assert state.resources == (
        StateResource(URN, "i/b", inputs, {"status": "succeed"}, is_pending_delete=True, retains_on_delete=True),
        StateResource(URN, "x", {}, {}, is_external=True),
    )
    assert state.pending_creates == (PendingCreate(URN, {"remark": SECRET}),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"deployment": null}',
        '{"deployment": {"resources": [{"custom": true}]}}',
        exported({"urn": URN.replace("shop", "other"), "custom": True}),
    ],
)
def test_of_another_state_or_none_nothing_is_concluded(text: str) -> None:
    with pytest.raises(StackStateUnavailable):
        StackStates(lambda _: text).read(URN)


@pytest.mark.parametrize(("organization", "name"), [("", "dev"), ("acme", "acme/shop/dev")])
def test_the_stack_is_named_whichever_is_selected(organization: str, name: str) -> None:
    asked: list[str] = []

    def run(stack: str) -> str:
        asked.append(stack)
        return exported()

    StackStates(run).read(URN, organization)
    assert asked == [name]


@pytest.mark.parametrize("urn", ["", "x"])
def test_without_a_stack_there_is_no_state(urn: str) -> None:
    with pytest.raises(StackStateUnavailable):
        StackStates(lambda _: exported()).read(urn)


class Counted:
    """An export that takes until it is let go."""

    def __init__(self, *, fails: bool = False) -> None:
        self.count = 0
        self.fails = fails
        self.gate = threading.Event()

    def __call__(self, _stack: str) -> str:
        self.count += 1
        assert self.gate.wait(10)
        if self.fails:
            raise StackStateUnavailable("no")
        return exported()


def ask_at_once(states: StackStates, count: int, not_before: float, gate: threading.Event) -> list[Any]:
    found: list[Any] = []

    def ask() -> None:
        try:
            found.append(states.read(URN, not_before=not_before))
        except StackStateUnavailable as error:
            found.append(error.reason)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    gate.set()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize("fails", [False, True])
def test_many_share_one_export_and_its_failure(fails: bool) -> None:
    run = Counted(fails=fails)
    states = StackStates(run)
    found = ask_at_once(states, 130, float("-inf"), run.gate)
    assert run.count == 1
    assert len(found) == 130
    assert all(each == found[0] for each in found)
    assert (found[0] == "no") is fails


def test_one_from_before_is_renewed_once_for_all_who_need_a_newer_one() -> None:
    run = Counted()
    states = StackStates(run)
    run.gate.set()
    old = states.read(URN)
    assert states.read(URN) is old
    run.gate.clear()
    found = ask_at_once(states, 50, time.monotonic(), run.gate)
    assert run.count == 2
    assert {state.started_at for state in found} == {found[0].started_at}
    assert found[0].started_at > old.started_at


def test_one_that_is_under_way_but_was_started_before_is_not_enough() -> None:
    run = Counted()
    states = StackStates(run)
    first = threading.Thread(target=lambda: states.read(URN))
    first.start()
    while not run.count:
        time.sleep(0.01)
    ask_at_once(states, 5, time.monotonic(), run.gate)
    first.join()
    assert run.count == 2


def test_an_export_that_raises_something_else_leaves_nobody_waiting() -> None:
    def fail(_: str) -> str:
        raise RuntimeError

    states = StackStates(fail)
    with pytest.raises(RuntimeError):
        states.read(URN)
    with pytest.raises(StackStateUnavailable, match="cut short"):
        states.read(URN)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "echo 'error: no stack named x at postgres://u:s3cret@h/db found' >&2; exit 255",
            "no stack named x at <URL> found",
        ),
        ("exit 3", "it ended with 3"),
    ],
)
def test_why_it_failed(script: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "pulumi"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    monkeypatch.setattr(workspace, "engine_binary", lambda: str(command))
    with pytest.raises(StackStateUnavailable) as caught:
        StackStates().read(URN)
    assert reason in caught.value.reason
    assert "s3cret" not in caught.value.reason


class HalfWritten:
    """An export that meets a state which is just being written, this many times."""

    def __init__(self, times: int) -> None:
        self.count = 0
        self.delays: list[float] = []
        self._times = times

    def __call__(self, _stack: str) -> str:
        self.count += 1
        if self.count <= self._times:
            raise StackStateUnavailable("failed to load checkpoint: EOF", is_transient=True)
        return exported()


def test_a_state_that_is_just_being_written_is_read_again() -> None:
    run = HalfWritten(2)
    states = StackStates(run, run.delays.append)
    first = states.read(URN)
    assert states.read(URN, not_before=first.started_at) is first
    assert run.count == 3
    assert run.delays == sorted(run.delays)
    assert len(run.delays) == 2


def test_one_that_can_never_be_read_whole_is_an_error_for_all() -> None:
    run = HalfWritten(1000)
    states = StackStates(run, run.delays.append)
    for _ in range(2):
        with pytest.raises(StackStateUnavailable, match="failed to load checkpoint: EOF"):
            states.read(URN)
    assert run.count == 6

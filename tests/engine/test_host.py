"""What the stock host is taught, and that everything else works where one of it can't be."""

from __future__ import annotations

import re

import pytest
from pulumi_dcs.engine.host import Ability

from tests.endpoint import CLUSTER, HA, SINGLE, LocalEndpoint

from .stack import Stack
from .test_waiting import SHORT

LACKING = {
    Ability.CALLS: "host._served_request = lambda: None",
    Ability.DIAGNOSTICS: "host._served_request = lambda: None",
    Ability.PARTIAL_STATE: "host._served_request = lambda: None",
    Ability.DETAILED_DIFF: "host.Host._teach_handlers = lambda self: {}['gone']",
    Ability.CANCELLATION: "host.Host._teach_handlers = lambda self: {}['gone']",
    Ability.WORKERS: "host.Host._teach_workers = lambda self: self.gone",
    Ability.MESSAGES: "host.Host._teach_messages = lambda self: self.gone",
    Ability.ENGINE_WATCH: "host.Host._teach_engine_watch = lambda self: self.gone",
}
EVERYTHING = "host._is_dynamic_host = lambda: False; host._served_request = lambda: None; del host._grpc_server"


def take_away(stack: Stack, patch: str) -> None:
    """Let the host's process find less than there is."""
    (stack.folder / "sitecustomize.py").write_text(
        "import sys\nif 'pulumi.dynamic' in ' '.join(sys.orig_argv):\n"
        f"    from pulumi_dcs.engine import host\n    {patch}\n"
    )
    stack.environment["PYTHONPATH"] = str(stack.folder)


@pytest.mark.parametrize("patch", sorted({*LACKING.values(), EVERYTHING}))
def test_without_an_ability_the_stock_behaviour_is_left(stack: Stack, endpoint: LocalEndpoint, patch: str) -> None:
    take_away(stack, patch)
    stack.environment["DCS_DEBUG"] = "1"
    stack.declare(instance_id=HA, remark="one")
    assert stack.preview().ok
    outcome = stack.up()
    assert outcome.ok, outcome.text
    told = re.search(r"abilities: ([A-Z_, ]*)", outcome.text)
    lacking = {ability.name for ability, taken in LACKING.items() if taken == patch}
    if told is not None:
        assert set(told[1].split(", ")) == {ability.name for ability in Ability} - lacking - related(lacking)
    assert stack.up("--expect-no-changes").ok
    stack.declare(instance_id=HA, remark="two")
    outcome = stack.preview("--diff")
    assert re.search(r'~ remark *: "one" => "two"', outcome.text)
    assert stack.up().ok
    assert stack.backup_ids() == endpoint.backup_ids()
    assert len(endpoint.backups()) == 1
    assert stack.refresh("--expect-no-changes").ok
    stack.declare_all({"backup": {"instance_id": HA, "remark": "two"}, "other": {"instance_id": SINGLE}})
    outcome = stack.up()
    assert not outcome.ok
    assert f"DCS refused to back up instance {SINGLE}" in outcome.text
    assert "DCS.4086" in outcome.text
    stack.declare(instance_id=CLUSTER, remark="three", opts=SHORT)
    assert stack.up().ok
    assert stack.destroy().ok
    assert not endpoint.backups()


def related(lacking: set[str]) -> set[str]:
    """What goes with it: handlers are taught together."""
    handlers = {Ability.DETAILED_DIFF.name, Ability.CANCELLATION.name}
    return handlers if lacking & handlers else set()


def test_many_resources_without_the_view_of_calls_keep_apart(stack: Stack, endpoint: LocalEndpoint) -> None:
    take_away(stack, LACKING[Ability.CALLS])
    stack.config("dcs:mark", "true")
    stack.declare_all({f"b{number}": {"instance_id": HA, "remark": "same"} for number in range(3)})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert len(endpoint.backups()) == 3
    assert stack.backup_ids() == endpoint.backup_ids()

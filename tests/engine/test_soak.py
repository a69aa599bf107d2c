"""Random ``up``, ``refresh`` and ``destroy`` on the real engine, with faults; the invariants after every success."""

from __future__ import annotations

import os
import random
import re

from tests.endpoint import CLUSTER, HA, LocalEndpoint
from tests.unit.simulation import random_fault

from .stack import Stack

CYCLES = int(os.environ.get("DCS_SOAK_CYCLES", "6"))
SEED = int(os.environ.get("DCS_SOAK_SEED", "1"))
OPTIONS = "pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create='20s', update='20s', delete='20s'))"


def test_random_cycles(stack: Stack, endpoint: LocalEndpoint) -> None:
    source = random.Random(SEED)
    stack.seconds = 1800.0  # long runs have the lowest priority, beside others
    declared: dict[str, dict[str, object]] = {}
    for cycle in range(CYCLES):
        endpoint.behave(duration=source.choice((0.2, 1.0, 3.0)))
        command = source.choice(("up", "up", "up", "refresh", "destroy"))
        if command == "up":
            declared[source.choice("abc")] = {
                "instance_id": source.choice((HA, CLUSTER)),
                "remark": source.choice(("", "nightly")),
                "triggers": {"release": source.randrange(3)},
                "opts": OPTIONS,
            }
            stack.declare_all(declared)
        endpoint.control("DELETE", "/faults")
        endpoint.plan(*(random_fault(source).model_dump() for _ in range(source.randrange(4))))
        outcome = stack.pulumi(command, "--yes", "--skip-preview")
        where = f"cycle {cycle} of seed {SEED}: {command}\n{outcome.text}"
        held = [resource["id"] for resource in stack.resources()]
        assert len(held) == len(set(held)), where
        if outcome.ok and command == "up":
            # A create whose response was lost, and that is declared otherwise now, is named and never deleted.
            assert taken_over(outcome.text) <= stack.backup_ids(), where
            assert endpoint.backup_ids() - stack.backup_ids() == left_by(outcome.text), where
            assert stack.backup_ids() <= endpoint.backup_ids(), where
        elif outcome.ok:
            assert stack.backup_ids() <= endpoint.backup_ids(), where
        else:
            assert "error:" in outcome.diagnostics, where
            assert "Traceback" not in outcome.diagnostics, where
    endpoint.control("DELETE", "/faults")
    outcome = stack.up()
    assert outcome.ok, outcome.text
    left = left_by(outcome.text)
    assert endpoint.backup_ids() - stack.backup_ids() == left
    assert stack.destroy().ok
    assert endpoint.backup_ids() == left


def left_by(text: str) -> set[str]:
    """The backups that a run has named as left by an interrupted one, and has not taken over after that."""
    return set(re.findall(r"Orphan: backup ([0-9a-f-]{36}) of instance", text)) - taken_over(text)


def taken_over(text: str) -> set[str]:
    """The backups of an interrupted run that a run says it has taken over."""
    return set(re.findall(r"Goes on with backup (\S+) of an interrupted run", text))

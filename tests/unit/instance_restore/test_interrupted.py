"""A run that was killed while it restored: the next one restores no second time, whatever the service still lists."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pulumi_dcs.emulator.faults import Fault

from .scene import Scene

LATER = 3600.0
"""Seconds after which no request can still be under way."""


def _at_once(_: Scene) -> None:
    pass


def _later(scene: Scene) -> None:
    scene.service.clock.now += LATER


def _after_a_preview(scene: Scene) -> None:
    scene.service.clock.now += LATER
    scene.stack.preview()


@pytest.mark.parametrize("when", [_at_once, _later, _after_a_preview])
def test_a_request_that_has_left_no_record_is_not_sent_again(scene: Scene, when: Callable[[Scene], None]) -> None:
    scene.kill_after_post()
    scene.forget()
    when(scene)
    for retries in (0, 2, 0):
        scene.stack.retries = retries
        assert not scene.stack.up(scene.declared)
        assert scene.restores == 0
        assert "whether it has started one is not known" in scene.stack.errors[-1]
    scene.stack.clear_pending_creates()
    assert scene.stack.up(scene.declared)
    assert scene.restores == 1


def test_nothing_is_sent_on_another_machine_where_the_state_cant_be_read(scene: Scene) -> None:
    scene.kill_after_post()
    scene.forget()
    scene.stack.home = scene.folder / "two"
    scene.stack.is_readable = False
    assert not scene.stack.up(scene.declared)
    assert scene.restores == 0
    assert "the stack's saved state can't be read" in scene.stack.errors[-1]
    assert "()" not in scene.stack.errors[-1]


def test_a_lost_request_is_sent_again_by_the_run_after_the_one_that_has_said_so(scene: Scene) -> None:
    fault = {"operation": "create_restore", "drop": True, "carried_out": False}
    scene.service.world.faults.planned.append(Fault(**fault))
    scene.stack.retries = 2
    assert not scene.stack.up(scene.declared)
    assert scene.restores == 0
    _later(scene)
    scene.stack.retries = 0
    assert scene.stack.up(scene.declared)
    assert scene.restores == 1

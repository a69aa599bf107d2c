"""A run that was killed while it restored: the next one restores no second time, whatever the service still lists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pulumi_dcs.api.transport import Request
from pulumi_dcs.emulator.faults import Fault
from pulumi_dcs.emulator.tasks import TaskKind

from tests.endpoint import HA
from tests.unit.instance_restore.test_invariants import RestoreStack
from tests.unit.simulation import Killed, Service, VirtualClock

LATER = 3600.0
"""Seconds after which no request can still be under way."""


class Scene:
    """A stack with one restore, on one machine or another."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.service = Service(VirtualClock())
        self.service.serve(monkeypatch)
        self.store = self.service.world.store
        self.folder = folder
        self.stack = RestoreStack(self.service, folder / "one", "dev")
        backup = self.store.add_backup(HA, remark="", backup_format="rdb", duration=0.0)
        self.declared: dict[str, dict[str, Any]] = {
            "rollback": {"instance_id": HA, "backup_id": backup.backup_id},
        }

    @property
    def restores(self) -> int:
        return len(self.store.tasks.all(TaskKind.RESTORE))

    def forget(self) -> None:
        """The service forgets its records."""
        for task in self.store.tasks.all(TaskKind.RESTORE):
            self.store.tasks.remove(task.task_id)

    def kill_after_post(self) -> None:
        """Kill an ``up`` as soon as its request was carried out, before the response is there."""

        def kill(request: Request) -> None:
            if request.method == "POST":
                raise Killed

        self.service.after = kill
        with pytest.raises(Killed):
            self.stack.up(self.declared)
        self.service.after = lambda _: None
        assert self.restores == 1


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Scene:
    return Scene(monkeypatch, tmp_path)


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

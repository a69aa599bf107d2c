"""A stack with one restore, for tests of what its runs do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pulumi_dcs.api.transport import Request
from pulumi_dcs.emulator.tasks import TaskKind

from tests.endpoint import HA
from tests.unit.instance_restore.test_invariants import RestoreStack
from tests.unit.simulation import Killed, Service, VirtualClock


class Scene:
    """A stack with one restore, on one machine or another."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.service = Service(VirtualClock())
        self.service.serve(monkeypatch)
        self.store = self.service.world.store
        self.folder = folder
        self.stack = RestoreStack(self.service, folder / "one", "dev")
        self.declared: dict[str, dict[str, Any]] = {
            "rollback": {"instance_id": HA, "backup_id": self.add_backup(HA)},
        }

    def add_backup(self, instance_id: str) -> str:
        """A backup that has succeeded; its id."""
        return str(self.store.add_backup(instance_id, remark="", backup_format="rdb", duration=0.0).backup_id)

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

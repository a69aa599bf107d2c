"""One restore for one declaration: random schedules of faults, kills, retries, machines and records that disappear."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pulumi_dcs.api.transport import Request
from pulumi_dcs.emulator.faults import Fault
from pulumi_dcs.emulator.tasks import TaskKind
from pulumi_dcs.instance_restore.lifecycle import Lifecycle

from tests.endpoint import CLUSTER, HA
from tests.unit.simulation import LOST, REFUSED, Killed, Service, Stack, VirtualClock

SCHEDULES = int(os.environ.get("DCS_SOAK_EXAMPLES", "40"))
STEPS = 14
PLACES = {"in place": (TaskKind.RESTORE, "create_restore"), "import": (TaskKind.MIGRATION, "create_migration")}


class RestoreStack(Stack):
    """A stack that declares restores."""

    lifecycle = Lifecycle
    resource_type = "InstanceRestore"
    previewed = MappingProxyType({"instance_id": HA, "backup_id": "b"})


class Schedule:
    """One stack on two machines, and what happens to it.

    Attributes:
        made: the generation in which each restore came to be: what is declared until something else is.
        allowed: how many restores the user has asked for in each generation.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, place: str, seed: int) -> None:
        self.source = random.Random(seed)
        self.kind, self.post = PLACES[place]
        self.service = Service(VirtualClock())
        self.service.serve(monkeypatch)
        self.store = self.service.world.store
        self.homes = [folder / "one", folder / "two"]
        self.stack = RestoreStack(self.service, self.homes[0], "dev")
        self.generation = 0
        self.made: dict[str, int] = {}
        self.allowed: Counter[int] = Counter({0: 1})
        backed_up = HA if place == "in place" else CLUSTER
        self.given: dict[str, Any] = {
            "instance_id": HA,
            "backup_id": self.store.add_backup(backed_up, remark="", backup_format="rdb", duration=0.0).backup_id,
            **({"source_instance_id": CLUSTER, "target_password": "hush"} if place == "import" else {}),
        }
        if place == "import":
            self.store.change_instance(CLUSTER, {"engine_version": "5.0", "capacity": 1.0})
        self.service.world.behaviour.list_lag = self.source.choice((0.0, 0.0, 4.0))
        self.log: list[str] = []

    def step(self) -> None:
        """Something happens."""
        what = self.source.choices(
            ["up", "killed", "refresh", "another machine", "vanish", "declare", "clear", "wait", "destroy"],
            [8, 6, 2, 2, 2, 2, 1, 2, 1],
        )[0]
        self.log.append(what)
        getattr(self, what.replace(" ", "_"))()
        self.service.world.faults.planned.clear()
        self._note_made()

    def up(self) -> None:
        """With a fault or two, and an error hook that retries."""
        self._plan_faults()
        self.stack.retries = self.source.choice((0, 0, 2))
        self.stack.up(self._declared(), timeout=self.source.choice((None, None, 30.0)))
        self.stack.retries = 0

    def killed(self) -> None:
        """An up that is killed at some request, before or after it is carried out."""
        self._plan_faults()
        left = self.source.randrange(6)

        def kill(_: Request) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed

        side = self.source.choice(("before", "after"))
        setattr(self.service, side, kill)
        try:
            self.stack.up(self._declared())
        except Killed:
            self.log[-1] += f" {side}"
        finally:
            setattr(self.service, side, lambda _: None)
        self.service.clock.now += 1.0

    def refresh(self) -> None:
        self.stack.refresh()

    def another_machine(self) -> None:
        self.stack.home = self.source.choice(self.homes)

    def vanish(self) -> None:
        """The service forgets its records of what has ended."""
        for task in self.store.tasks.all(self.kind):
            if not task.is_running_at(self.store.now()):
                self.store.tasks.remove(task.task_id)

    def declare(self) -> None:
        self._begin_generation()
        self.given = {**self.given, "triggers": {"incident": self.generation}}

    def clear(self) -> None:
        """The user has read what the run found, and asks for a restore."""
        had = len(self.stack.saved.pending_creates)
        self.stack.clear_pending_creates()
        if had:
            self.allowed[self.generation] += 1

    def wait(self) -> None:
        self.service.clock.now += self.source.choice((5.0, 120.0))

    def destroy(self) -> None:
        before = len(self.store.tasks.all(self.kind))
        if self.stack.saved.resources:
            assert self.stack.destroy()
            self._begin_generation()
        assert len(self.store.tasks.all(self.kind)) == before

    def check(self) -> None:
        """Nothing was restored more often than somebody asked for it."""
        counts = Counter(self.made.values())
        for generation, count in counts.items():
            assert count <= self.allowed[generation], self.log
        for _, resource, _ in self.stack.saved.all():
            assert resource.backup_id in self.made, self.log
            assert "hush" not in str(resource.outputs), self.log

    def settle(self) -> None:
        """In the end, without any trouble, what is declared is there, or the run says what to do."""
        self.service.world.behaviour.restore_failure = self.service.world.behaviour.import_failure = ""
        self.service.clock.now += 600.0
        if not self.stack.up(self._declared()):
            assert any(
                each in self.stack.errors[-1]
                for each in ("adopt_restore_id", "change `triggers`", "is no longer listed", "disappeared")
            ), (self.log, self.stack.errors)
        self._note_made()

    def _declared(self) -> dict[str, dict[str, Any]]:
        return {"rollback": self.given}

    def _begin_generation(self) -> None:
        self.generation += 1
        self.allowed[self.generation] = 1

    def _note_made(self) -> None:
        for task in self.store.tasks.all(self.kind):
            if task.task_id not in self.made:
                self.made[task.task_id] = self.generation
                self.log.append(f"made {task.task_id[:4]} in {self.generation}")

    def _plan_faults(self) -> None:
        behaviour = self.service.world.behaviour
        behaviour.restore_failure = behaviour.import_failure = self.source.choice(("", "", "", "dcs.08.0007"))
        for _ in range(self.source.choice((0, 1, 2))):
            details: dict[str, Any] = dict(self.source.choice(LOST if self.source.random() < 0.7 else REFUSED))
            is_lost = details in LOST
            operation = self.source.choice((self.post, self.post, "list_restores", "list_migrations"))
            fault = Fault(
                operation=operation,
                times=self.source.choice((1, 1, 2, 4)),
                skip=self.source.choice((0, 0, 1)),
                carried_out=is_lost and self.source.random() < 0.6,
                **details,
            )
            self.log.append(f"{fault.operation} {fault.carried_out} {fault.drop or fault.status}")
            self.service.world.faults.planned.append(fault)


@pytest.mark.parametrize("place", PLACES)
def test_one_restore_for_one_declaration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str) -> None:
    totals: Counter[str] = Counter()
    for seed in range(SCHEDULES):
        schedule = Schedule(monkeypatch, tmp_path / str(seed), place, seed)
        for _ in range(STEPS):
            schedule.step()
            schedule.check()
        schedule.settle()
        schedule.check()
        totals.update(schedule.log)
        totals["made"] += len(schedule.made)
    # The schedules do what they are for.
    assert min(totals["killed before"], totals["killed after"], totals["vanish"], totals["made"]) > SCHEDULES / 8

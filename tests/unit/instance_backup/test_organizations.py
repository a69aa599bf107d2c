"""Two organisations with equal project and stack names at one state backend: what one has left is not the other's."""

from __future__ import annotations

from pathlib import Path

import pytest
from pulumi_dcs.api.transport import Request

from tests.endpoint import HA
from tests.unit.simulation import Killed, Service, Stack, VirtualClock

INPUTS = {"backup": {"instance_id": HA, "remark": "one"}}
pytestmark = pytest.mark.row("E4")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service(VirtualClock())
    made.serve(monkeypatch)
    return made


def organisations(service: Service, home: Path, **configuration: str) -> list[Stack]:
    stacks = []
    for organization in ("acme", "umbrella"):
        stack = Stack(service, home, "dev", configuration, backend="https://api.example")
        stack.organization = organization
        stacks.append(stack)
    return stacks


def killed_after_its_post(service: Service, stack: Stack) -> str:
    """Kill an ``up`` right after the service has heard its POST; the backup that it has left."""
    before = backup_ids(service)

    def kill(request: Request) -> None:
        if request.method == "POST":
            raise Killed

    service.after = kill
    with pytest.raises(Killed):
        stack.up(INPUTS)
    service.after = lambda _: None
    service.clock.now += 3600.0
    (left,) = backup_ids(service) - before
    return left


def backup_ids(service: Service) -> set[str]:
    return {backup.backup_id for backup in service.world.store.all_backups()}


@pytest.mark.parametrize("mark", ["true", "false"])
def test_what_one_has_left_is_neither_taken_over_nor_named(service: Service, tmp_path: Path, mark: str) -> None:
    acme, umbrella = organisations(service, tmp_path, **{"dcs:mark": mark})
    left = killed_after_its_post(service, acme)
    assert umbrella.up(INPUTS), umbrella.errors
    assert left not in "".join(umbrella.messages.lasting)
    assert left not in umbrella.backup_ids
    assert len(backup_ids(service)) == 2
    assert acme.up(INPUTS), acme.errors
    assert acme.backup_ids == [left]
    assert backup_ids(service) == {left, *umbrella.backup_ids}


def test_on_another_machine_neither(service: Service, tmp_path: Path) -> None:
    acme, umbrella = organisations(service, tmp_path / "one", **{"dcs:mark": "true"})
    left = killed_after_its_post(service, acme)
    acme.home = umbrella.home = tmp_path / "another"
    killed = killed_after_its_post(service, umbrella)
    umbrella.home = tmp_path / "third"
    assert umbrella.up(INPUTS), umbrella.errors
    assert umbrella.backup_ids == [killed]
    assert acme.up(INPUTS), acme.errors
    assert acme.backup_ids == [left]
    assert backup_ids(service) == {left, killed}


def test_both_killed_at_once_each_goes_on_with_its_own(service: Service, tmp_path: Path) -> None:
    acme, umbrella = organisations(service, tmp_path)
    left = [killed_after_its_post(service, stack) for stack in (acme, umbrella)]
    for stack in (umbrella, acme):
        assert stack.up(INPUTS), stack.errors
    assert [acme.backup_ids, umbrella.backup_ids] == [[left[0]], [left[1]]]
    assert backup_ids(service) == set(left)

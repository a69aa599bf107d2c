"""What a create makes sure of before it overwrites anything, though a preview may not have known any id."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.api.transport import Request
from pulumi_dcs.emulator.faults import Fault

from tests.endpoint import CLUSTER, HA

from .scene import Scene


def posts_of(scene: Scene) -> list[str]:
    """The requests that start something, from now on."""
    found: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            found.append(request.path)

    scene.service.before = note
    return found


@pytest.mark.parametrize("is_import", [False, True])
@pytest.mark.parametrize("what", ["another instance's", "deleted", "failed", "running"])
def test_nothing_is_sent_for_a_backup_that_cant_be_restored(scene: Scene, what: str, *, is_import: bool) -> None:
    given = scene.declared["rollback"]
    if is_import:
        given |= {"source_instance_id": CLUSTER, "backup_id": scene.add_backup(CLUSTER)}
    if what == "another instance's":
        given["backup_id"] = scene.add_backup(HA if is_import else CLUSTER)
        says = "has no such backup"
    elif what == "deleted":
        scene.store.remove_backup(given["backup_id"])
        says = "has no such backup"
    else:
        change: tuple[str, object] = ("failure", "dcs.08.0002") if what == "failed" else ("duration", 600.0)
        scene.store.change_backup(given["backup_id"], [change])
        says = "it can't be restored: its status is "
    posts = posts_of(scene)
    assert not scene.stack.up(scene.declared)
    assert not posts
    (error,) = scene.stack.errors
    assert error.startswith(f"Backup {given['backup_id']} can't be restored to instance {HA}.")
    assert says in error
    assert "started" in error
    assert not scene.stack.saved.resources


@pytest.mark.parametrize("fault", [{"status": 403, "body": "{}"}, {"status": 502}, {"missing_rows": -1}])
def test_where_the_backups_cant_be_listed_the_service_decides(scene: Scene, fault: dict[str, Any]) -> None:
    scene.service.world.faults.planned.append(Fault(operation="list_backups", times=-1, **fault))
    posts = posts_of(scene)
    assert scene.stack.up(scene.declared)
    assert len(posts) == 1


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_busy_code_with_a_500_is_no_proof_that_nothing_was_started(scene: Scene, *, carried_out: bool) -> None:
    body = '{"error_code": "DCS.4069", "error_msg": "another user"}'
    fault = Fault(operation="create_restore", status=500, body=body, carried_out=carried_out)
    scene.service.world.faults.planned.append(fault)
    posts = posts_of(scene)
    assert scene.stack.up(scene.declared)
    assert (len(posts), scene.restores) == (1 if carried_out else 2, 1)


def test_whatever_the_service_calls_a_restore_its_resource_can_be_deleted(scene: Scene) -> None:
    body = '{"restore_id": "../x"}'
    scene.service.world.faults.planned.append(Fault(operation="create_restore", status=200, body=body))
    scene.declared["rollback"]["wait"] = False
    assert scene.stack.up(scene.declared)
    assert scene.stack.up(scene.declared)
    assert scene.stack.refresh()
    assert scene.stack.destroy()


def test_a_killed_runs_restore_needs_its_backup_no_more(scene: Scene) -> None:
    scene.kill_after_post()
    scene.store.remove_backup(scene.declared["rollback"]["backup_id"])
    posts = posts_of(scene)
    assert scene.stack.up(scene.declared)
    assert not posts


def test_runs_that_make_nothing_read_no_state(scene: Scene) -> None:
    backup = scene.add_backup(CLUSTER)
    both = scene.declared | {"other": {"instance_id": CLUSTER, "backup_id": backup}}
    assert scene.stack.up(both)
    assert scene.stack.exports == 1
    assert scene.stack.up(both)  # makes sure that the state has what the first one made
    scene.stack.exports = 0
    assert scene.stack.up(both)
    assert scene.stack.exports == 0
    assert scene.restores == 2

"""A backup before an instance is deleted, whose files are saved: the service deletes the backup with the instance."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endpoint import CLUSTER, HA, PROXY, LocalEndpoint

from .guarded import ORDERS, Guarded, made
from .stack import Stack

SAVING = '"delete", save_to="saved"'


@pytest.fixture
def guarded(stack: Stack) -> Guarded:
    return Guarded(stack)


def saved(guarded: Guarded, name: str = "orders") -> list[Path]:
    """The files that were saved for an instance."""
    return sorted(
        each for each in (guarded.stack.folder / "saved").glob(f"{name}-*/*") if not each.name.startswith(".")
    )


@pytest.mark.row("B4")
def test_the_files_are_there_before_the_instance_goes(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded, SAVING, orders={"which": CLUSTER}, carts=ORDERS)
    guarded.declare(SAVING, carts=ORDERS)
    preview = guarded.stack.preview()
    assert preview.ok, preview.text
    assert "Takes a backup of instance orders before this delete and saves its files in " in preview.diagnostics
    assert not saved(guarded)
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert guarded.changes() == [f"delete {CLUSTER}"]
    files = saved(guarded)
    assert len(files) > 1
    assert f"Saved before this delete of orders: {len(files)} files of backup " in outcome.diagnostics
    operations = [row["operation"] for row in endpoint.requests()]
    assert operations.count("create_backup") == 1
    assert str(sum(each.stat().st_size for each in files)) in outcome.diagnostics


@pytest.mark.row("B4")
def test_files_that_do_not_come_keep_the_instance(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded, SAVING)
    guarded.declare(SAVING)
    endpoint.plan({"operation": "create_links", "status": 403, "body": '{"error_code": "DCS.2003"}', "times": -1})
    outcome = guarded.stack.up()
    assert not outcome.ok
    (backup,) = endpoint.backup_ids()
    assert "orders was not deleted: no delete without its backup" in outcome.diagnostics
    assert f"backup {backup} of instance {HA} is at the service" in outcome.diagnostics
    assert guarded.changes() == []
    endpoint.control("DELETE", "/faults")
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert guarded.changes() == [f"delete {HA}"]
    assert len(saved(guarded)) == 1
    assert endpoint.count("create_backup") == 1


@pytest.mark.row("B4")
def test_a_replacement_saves_the_old_instance(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded, SAVING)
    # Other arguments in the same run: the engine finds the hook by the name that the state has.
    other = '"delete", save_to="saved", remark="gone"'
    guarded.declare(other, orders={**ORDERS, "which": PROXY})
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert guarded.changes() == [f"delete {HA}"]
    assert len(saved(guarded)) == 1
    assert [row["instance_id"] for row in endpoint.requests("create_backup")] == [HA]


@pytest.mark.row("B4")
def test_the_hook_of_another_call_saves_no_other_instance(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded, f'"delete", save_to="saved", instance_id=lambda args: "{HA}"')
    # The first call is gone, and this one has its place, and with it the name that the state has.
    guarded.declare(f'"delete", save_to="saved", instance_id=lambda args: "{PROXY}"', carts={"which": PROXY})
    preview = guarded.stack.preview()
    assert not preview.ok
    outcome = guarded.stack.up()
    assert not outcome.ok
    assert "instance_id of backup_before was given tells an id that orders does not hold" in outcome.diagnostics
    assert guarded.changes() == []
    assert endpoint.requests() == []


@pytest.mark.row("B4")
def test_a_component_is_refused_in_the_preview(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    component = (
        "class Shop(pulumi.ComponentResource):\n"
        "    def __init__(self, opts):\n"
        '        super().__init__("shop:index:Shop", "shop", {}, opts)\n'
        f'        Instance("orders", which="{HA}", opts=pulumi.ResourceOptions(parent=self))\n'
    )
    guarded.declare(SAVING, component)
    text = (guarded.stack.folder / "__main__.py").read_text()
    guarded.stack.write(f"{text}\nShop(opts)")
    assert guarded.stack.up().ok
    guarded.declare(SAVING, component)
    outcome = guarded.stack.preview()
    assert not outcome.ok
    assert "shop can't be backed up: it is a component" in outcome.diagnostics


def test_an_instance_that_is_gone_already_is_to_be_refreshed(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded, SAVING)
    endpoint.remove_instance(HA)
    guarded.declare(SAVING)
    for outcome in (guarded.stack.preview(), guarded.stack.up()):
        assert not outcome.ok
        assert "What to do: if it was deleted elsewhere, run `pulumi refresh`" in outcome.diagnostics


@pytest.mark.row("B4")
def test_less_than_the_service_lists_keeps_the_instance(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded, SAVING)
    guarded.declare(SAVING)
    endpoint.plan({"operation": "download_file", "claimed_size": 10, "times": -1})
    outcome = guarded.stack.up()
    assert not outcome.ok
    (backup,) = endpoint.backups()
    assert f"have 10 bytes; the service lists it with {backup['size']}." in outcome.diagnostics
    assert "orders was not deleted" in outcome.diagnostics
    assert guarded.changes() == []


def test_a_backup_that_goes_meanwhile_is_not_said_to_be_there(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded, SAVING)
    guarded.declare(SAVING)
    endpoint.plan({"operation": "create_links", "status": 400, "body": '{"error_code": "DCS.4031"}', "times": -1})
    outcome = guarded.stack.up()
    assert not outcome.ok
    assert "had succeeded, and may be gone since" in outcome.diagnostics
    assert "is at the service" not in outcome.diagnostics
    assert guarded.changes() == []


def test_a_destroy_needs_the_program(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded, SAVING)
    outcome = guarded.stack.destroy()
    assert not outcome.ok
    assert "--run-program" in outcome.text
    assert guarded.changes() == []
    outcome = guarded.stack.destroy("--run-program")
    assert outcome.ok, outcome.text
    assert guarded.changes() == [f"delete {HA}"]
    assert len(saved(guarded)) == 1


def test_what_cannot_be_a_folder_is_said_in_the_preview(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded, SAVING)
    (guarded.stack.folder / "saved").write_text("a file")
    guarded.declare(SAVING)
    outcome = guarded.stack.preview()
    assert not outcome.ok
    assert "is not a folder" in outcome.diagnostics
    assert "Traceback" not in outcome.diagnostics
    assert endpoint.count("create_backup") == 0


def test_each_supported_sdk_has_what_it_needs(stack_of_each_sdk: Stack, endpoint: LocalEndpoint) -> None:
    guarded = Guarded(stack_of_each_sdk)
    both = 'guard = pulumi.ResourceHookBinding.merge(guard, backup_before("delete", save_to="saved"))'
    for capacity in (4, 8):
        guarded.declare(orders={**ORDERS, "capacity": capacity})
        text = (guarded.stack.folder / "__main__.py").read_text()
        guarded.stack.write(text.replace("opts = ", f"{both}\nopts = "))
        outcome = guarded.stack.up()
        assert outcome.ok, outcome.text
    outcome = guarded.stack.destroy("--run-program")
    assert outcome.ok, outcome.text
    assert guarded.changes() == [f"update {HA}", f"delete {HA}"]
    assert endpoint.count("create_backup") == 2
    assert len(saved(guarded)) == 1

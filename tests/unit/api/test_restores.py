"""The URLs of restores and imports, what their rows mean, and what of them no error shows."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.api.errors import DcsError, InstanceBusyError, ServiceError, UnexpectedResponse
from pulumi_dcs.api.migrations import Migrations, MigrationStatus, MigrationTask
from pulumi_dcs.api.restores import RestoreRecord, Restores, RestoreStatus

from tests.endpoint import PROJECT_ID

from .support import INSTANCE, Service, chain_text, client_at, response

ROOT = f"/v2/{PROJECT_ID}"
PASSWORD = "hush-hush 'pass\"word"


@pytest.fixture
def restores(service: Service) -> Restores:
    return Restores(client_at("http://127.0.0.1:1"))


@pytest.fixture
def migrations(service: Service) -> Migrations:
    return Migrations(client_at("http://127.0.0.1:1"))


def test_a_restore_is_started_and_listed(service: Service, restores: Restores) -> None:
    rows = [{"restore_id": "r", "status": "SUCCEED", "progress": "100.00", "error_code": {}}, {}]
    service.plan(response(200, {"restore_id": " r "}), response(200, {"restore_id": "s"}))
    service.plan(response(200, {"total_num": 2, "restore_record_response": rows}), response(204))
    assert restores.create(INSTANCE, "b", remark="why") == "r"
    assert restores.create(INSTANCE, "b") == "s"
    page, empty = restores.list_page(INSTANCE, limit=2), restores.list_page(INSTANCE)
    first, second, listed, _ = service.requests
    assert (first.method, first.path) == ("POST", f"{ROOT}/instances/{INSTANCE}/restores")
    assert (first.body, second.body) == ({"backup_id": "b", "remark": "why"}, {"backup_id": "b"})
    assert (listed.method, listed.query) == ("GET", (("limit", "2"), ("offset", "0")))
    assert (page.total, page.row_count, [each.id for each in page.records]) == (2, 2, ["r"])
    assert (empty.total, empty.row_count, empty.is_last) == (0, 0, True)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"restore_id": null}', b'{"restore_id": " "}', b"[]", b"<html>"])
def test_a_200_without_an_id_is_unexpected(service: Service, restores: Restores, body: bytes) -> None:
    service.plan(response(200, body))
    with pytest.raises(UnexpectedResponse, match="when asked to restore instance"):
        restores.create(INSTANCE, "b")


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"total_num": 3}', b'{"restore_record_response": {}}'])
def test_a_list_that_is_none_proves_nothing(service: Service, restores: Restores, body: bytes) -> None:
    service.plan(response(200, body))
    with pytest.raises(UnexpectedResponse):
        restores.list_page(INSTANCE)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("waiting", (True, True, False, False)),
        ("restoring", (False, True, False, False)),
        ("Succeed", (False, False, True, False)),
        ("failed", (False, False, False, True)),
        ("paused", (False, False, False, False)),
        ("", (False, False, False, False)),
    ],
)
def test_where_a_restore_stands(status: str, expected: tuple[bool, ...]) -> None:
    record = RestoreRecord.parse({"restore_id": "r", "status": status, "updated_at": "2026-11-24T02:00:00Z"})
    assert record is not None
    assert (record.is_waiting, record.is_running, record.has_succeeded, record.has_failed) == expected
    assert record.status_text == status
    assert bool(record.finished_at) == (expected[2] or expected[3])
    assert not record.is_gone
    assert RestoreStatus.of(status) is record.status


@pytest.mark.parametrize("row", [None, 1, [], "r", {}, {"restore_id": ""}, {"restore_id": None}, {"task_id": " "}])
def test_what_is_no_record_is_none(row: Any) -> None:
    assert RestoreRecord.parse(row) is None
    assert MigrationTask.parse(row) is None


def test_an_import_sends_what_the_page_says(service: Service, migrations: Migrations) -> None:
    service.plan(*[response(200, {"id": "t", "name": "n", "status": "MIGRATING", "error": ""})] * 2)
    assert migrations.import_backup(INSTANCE, "b", name="copy-1", description="why", password=PASSWORD) == "t"
    migrations.import_backup(INSTANCE, "b", name="copy-2")
    first, second = service.requests
    assert (first.method, first.path) == ("POST", f"{ROOT}/migration-task")
    assert first.body == {
        "task_name": "copy-1",
        "description": "why",
        "migration_type": "backupfile_import",
        "migration_method": "full_amount_migration",
        "backup_files": {"file_source": "backup_record", "backup_id": "b"},
        "target_instance": {"id": INSTANCE, "password": PASSWORD},
    }
    assert second.body is not None
    assert second.body["target_instance"] == {"id": INSTANCE}
    assert "hush" not in repr(service.requests)


@pytest.mark.parametrize("status", list(MigrationStatus))
def test_where_an_import_stands(status: MigrationStatus) -> None:
    """What nobody has documented is still running, until the time is up."""
    task = MigrationTask.parse({"task_id": "t", "status": status.value.lower()})
    assert task is not None
    ends_badly = {"FAILED", "MIGRATION_FAILED", "TERMINATED", "RELEASED", "DELETED"}
    assert (task.has_succeeded, task.has_failed) == (status.value == "SUCCESS", status.value in ends_badly)
    assert task.is_running == (not task.has_succeeded and not task.has_failed)
    assert MigrationStatus.of("SOMETHING_NEW") is MigrationStatus.UNKNOWN


def test_of_a_tasks_row_nothing_is_kept_but_what_is_named(service: Service, migrations: Migrations) -> None:
    row = {
        "task_id": "t",
        "task_name": "copy-1",
        "status": "FAILED",
        "target_instance_id": "i",
        "created_at": "2019/10/22 14:44:30",
        "error_message": "no\n such\tthing" + "x" * 300,
        "target_instance": {"id": "i", "password": PASSWORD},
        "source_instance": {"password": PASSWORD},
    }
    service.plan(response(200, {"count": 1, "migration_tasks": [row]}))
    page = migrations.list_page(INSTANCE)
    assert service.requests[0].path == f"{ROOT}/migration-tasks"
    assert "hush" not in repr(page)
    (task,) = page.records
    assert (task.id, task.name, task.target_instance_id) == ("t", "copy-1", "i")
    assert task.created is not None
    assert task.error_code.startswith("no such thing")
    assert len(task.error_code) == 200


@pytest.mark.parametrize("before", ["", "x" * 190, "x" * 199])
def test_a_failed_imports_words_show_no_password(service: Service, migrations: Migrations, before: str) -> None:
    service.plan(response(200, {"id": "t"}))
    migrations.import_backup(INSTANCE, "b", name="copy-1", password="hush  hush")
    row = {"task_id": "t", "status": "FAILED", "error_message": f"{before}hush  hush\x1b[2J is wrong"}
    service.plan(response(200, {"count": 1, "migration_tasks": [row]}))
    (task,) = migrations.list_page(INSTANCE).records
    assert "hus" not in task.error_code
    assert task.error_code.isprintable()


@pytest.mark.parametrize(
    "body",
    [
        {"id": "", "target_instance": {"password": PASSWORD}},
        {"error_code": "DCS.4000", "error_msg": f"bad {PASSWORD}"},
        {"error": {"code": "111400000", "message": PASSWORD}, "target": PASSWORD},
        PASSWORD.encode(),
        f"<html>{PASSWORD}</html>".encode(),
        b'{"password": "hush-hush',
    ],
    ids=lambda body: str(body)[:30],
)
@pytest.mark.parametrize("status", [200, 400, 403, 404, 500, 502])
def test_no_error_shows_the_password(service: Service, migrations: Migrations, status: int, body: Any) -> None:
    service.plan(response(status, body), response(status, body))
    errors = []
    for call in (
        lambda: migrations.import_backup(INSTANCE, "b", name="copy-1", password=PASSWORD),
        lambda: migrations.list_page(INSTANCE),
    ):
        with pytest.raises(DcsError) as caught:
            call()
        errors.append(caught.value)
    for error in errors:
        assert "hush" not in chain_text(error)
        assert isinstance(error, ServiceError)
        assert f"HTTP {status}" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        {"error_code": "DCS.4097", "error_msg": "restoring"},
        {"error": {"code": "111400097", "message": "restoring"}},
        {"code": "DCS.4097", "message": "restoring"},
    ],
)
def test_a_busy_target_is_recognised_in_every_shape(
    service: Service, migrations: Migrations, body: dict[str, Any]
) -> None:
    service.plan(response(400, body))
    with pytest.raises(InstanceBusyError):
        migrations.import_backup(INSTANCE, "b", name="copy-1", password=PASSWORD)

"""The backups' URLs, and what their rows and lists mean."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_dcs.api.backups import BackupFormat, BackupRecord, Backups, BackupStatus
from pulumi_dcs.api.errors import DcsError, UnexpectedResponse
from pulumi_dcs.api.pages import Page

from tests.endpoint import PROJECT_ID

from .support import INSTANCE, Service, client_at, response
from .test_error_response import anything

FIELDS = (
    *("backup_id", "period", "backup_name", "instance_id", "size", "backup_type", "created_at", "updated_at"),
    *("progress", "error_code", "remark", "status", "is_support_restore", "backup_format", "execution_at"),
)
ROOT = f"/v2/{PROJECT_ID}/instances/{INSTANCE}/backups"


@pytest.fixture
def backups(service: Service) -> Backups:
    return Backups(client_at("http://127.0.0.1:1"))


def test_create_sends_what_is_given(service: Service, backups: Backups) -> None:
    service.plan(response(200, {"backup_id": " b1 "}), response(200, {"backup_id": "b2"}))
    assert backups.create(INSTANCE, remark="r", backup_format=BackupFormat.AOF) == "b1"
    assert backups.create(INSTANCE) == "b2"
    first, second = service.requests
    assert (first.method, first.path, first.body) == ("POST", ROOT, {"remark": "r", "backup_format": "aof"})
    assert second.body == {}


@pytest.mark.parametrize("body", [b"", b"{}", b'{"backup_id": null}', b'{"backup_id": ""}', b"[]", b"<html>"])
def test_a_200_without_an_id_is_unexpected(service: Service, backups: Backups, body: bytes) -> None:
    service.plan(response(200, body))
    with pytest.raises(UnexpectedResponse, match="DCS gave no usable response when asked to back up instance"):
        backups.create(INSTANCE)


def test_a_page(service: Service, backups: Backups) -> None:
    service.plan(response(200, {"total_num": 3, "backup_record_response": [{"backup_id": "b"}, {}]}))
    page = backups.list_page(INSTANCE, limit=2, offset=0)
    assert service.requests[0].query == (("limit", "2"), ("offset", "0"))
    assert (page.total, page.row_count, [record.backup_id for record in page.records]) == (3, 2, ["b"])


@pytest.mark.parametrize("total", [None, "3", 3.0, True, -1, [], {}])
def test_a_missing_or_odd_total_is_none(service: Service, backups: Backups, total: Any) -> None:
    service.plan(response(200, {"total_num": total, "backup_record_response": [{"backup_id": "b"}]}))
    page = backups.list_page(INSTANCE)
    assert page.total is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"total_num": 1},
        {"total_num": False},
        {"total_num": 1, "backup_record_response": None},
        {"backup_record_response": {}},
        [],
        "x",
    ],
)
def test_what_is_no_list(service: Service, backups: Backups, body: Any) -> None:
    service.plan(response(200, body))
    with pytest.raises(UnexpectedResponse, match="list the backups of instance"):
        backups.list_page(INSTANCE)


def test_empty_lists(service: Service, backups: Backups) -> None:
    service.plan(response(204), response(200, {"total_num": 0}), response(204))
    for page in (backups.list_page(INSTANCE), backups.list_page(INSTANCE)):
        assert (page.total, page.row_count, page.is_last) == (0, 0, True)
    assert backups.list_page(INSTANCE, offset=1000).total is None, "nothing behind an offset proves nothing before it"


@pytest.mark.parametrize(
    ("total", "rows", "offset", "is_last"),
    [
        (2, 2, 0, True),
        (3, 3, 0, True),
        (4, 3, 0, False),
        (5, 2, 3, True),
        (1, 2, 0, True),
        (9, 2, 0, False),
        (9, 0, 3, True),
    ],
)
def test_the_last_page_is_known_by_the_total(total: int, rows: int, offset: int, *, is_last: bool) -> None:
    assert Page(total, (), rows, offset=offset, limit=3).is_last is is_last


@pytest.mark.parametrize(("rows", "is_last"), [(3, False), (2, True), (0, True)])
def test_without_a_total_a_page_that_is_not_full_is_the_last(rows: int, *, is_last: bool) -> None:
    assert Page(None, (), rows, limit=3).is_last is is_last


def test_delete(service: Service, backups: Backups) -> None:
    service.plan(response(204))
    backups.delete(INSTANCE, "b1")
    assert (service.requests[0].method, service.requests[0].path) == ("DELETE", f"{ROOT}/b1")


@pytest.mark.parametrize("backup_id", ["", ".", ".."])
def test_what_would_delete_something_else_is_not_sent(service: Service, backups: Backups, backup_id: str) -> None:
    with pytest.raises(DcsError, match="is not a valid id"):
        backups.delete(INSTANCE, backup_id)
    assert not service.requests


def test_an_id_stays_one_segment_of_the_path(service: Service, backups: Backups) -> None:
    service.plan(response(204))
    backups.delete(INSTANCE, "../x?y#z")
    assert service.requests[0].path == f"{ROOT}/..%2Fx%3Fy%23z"


@given(st.dictionaries(st.sampled_from(FIELDS), anything) | anything)
def test_any_row_is_a_record_or_none(row: Any) -> None:
    record = BackupRecord.parse(row)
    if record is None:
        return
    assert record.backup_id
    assert record.size is None or record.size >= 0
    assert record.percent is None or 0 <= record.percent <= 100
    assert record.created is None or record.created.tzinfo is not None
    assert record.status.value


def test_a_status_that_is_not_documented_is_kept_as_it_came() -> None:
    record = BackupRecord.parse({"backup_id": "b", "status": "Archived", "execution_at": "2019-05-10T08:31:21Z"})
    assert record is not None
    assert (record.status, record.status_text) == (BackupStatus.UNKNOWN, "Archived")
    assert not (record.status.is_final or record.status.is_running or record.status.is_gone)
    assert record.execution_at == "2019-05-10T08:31:21Z"

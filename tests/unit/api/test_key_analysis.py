"""The key analyses' URLs and bodies; never without a backup, and never a key's name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_dcs.api.errors import DcsError, ServiceError, UnexpectedResponse
from pulumi_dcs.api.key_analysis import AnalysisTask, KeyAnalyses, KeyAnalysis

from tests.endpoint import PROJECT_ID

from .support import INSTANCE, Service, client_at, response
from .test_error_response import anything

ROOT = f"/v2/{PROJECT_ID}/instances/{INSTANCE}/offline/key-analysis"
NAME = "session:anna@example.com"
SHOWN = {
    "id": "t1",
    "backup_id": "b1",
    "node_id": "n1",
    "finished_at": "2026-11-26T12:00:00.000Z",
    "total_num": 12,
    "total_bytes": 3456,
    "type_num": [{"type": "string", "num": 10}, {"type": "HASH", "num": "2"}, {"type": NAME, "num": 1}, None, {}],
    "type_bytes": [{"type": "string", "bytes": 3000}],
    "largest_keys": [{"key": NAME, "type": "string", "bytes": 4096}],
    "largest_key_prefixes": [{"key_prefix": NAME, "num": 3}],
}


@pytest.fixture
def analyses(service: Service) -> KeyAnalyses:
    return KeyAnalyses(client_at("http://127.0.0.1:1"))


def test_create_names_the_backup(service: Service, analyses: KeyAnalyses) -> None:
    service.plan(response(200, {"task_id": " t1 "}))
    assert analyses.create(INSTANCE, node_id="n1", backup_id="b1") == "t1"
    (sent,) = service.requests
    assert (sent.method, sent.path, sent.body) == ("POST", ROOT, {"node_id": "n1", "backup_id": "b1"})


@pytest.mark.parametrize("missing", ["backup_id", "node_id"])
@pytest.mark.parametrize("value", ["", " "])
def test_without_a_backup_nothing_is_sent(service: Service, analyses: KeyAnalyses, missing: str, value: str) -> None:
    with pytest.raises(DcsError, match=missing):
        analyses.create(INSTANCE, **{"node_id": "n1", "backup_id": "b1", missing: value})
    assert not service.requests


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"task_id": null}', b'{"task_id": ""}', b'{"task_id": "a/b"}', b"[]", b"<html>"]
)
def test_a_200_without_an_id_is_unexpected(service: Service, analyses: KeyAnalyses, body: bytes) -> None:
    service.plan(response(200, body))
    with pytest.raises(UnexpectedResponse):
        analyses.create(INSTANCE, node_id="n1", backup_id="b1")


def test_what_is_kept_of_a_result(service: Service, analyses: KeyAnalyses) -> None:
    service.plan(response(200, SHOWN))
    found = analyses.show(INSTANCE, "t1")
    assert (found.backup_id, found.node_id, found.key_count, found.key_bytes) == ("b1", "n1", 12, 3456)
    assert found.keys_by_type == {"string": 10, "hash": 2, "other": 1}
    assert "anna" not in repr(found)


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_no_error_shows_what_a_body_says_of_keys(service: Service, analyses: KeyAnalyses, status: int) -> None:
    body: Any = [SHOWN] if status == 200 else {**SHOWN, "detail": NAME}
    service.plan(response(status, body))
    with pytest.raises(ServiceError) as error:
        analyses.show(INSTANCE, "t1")
    assert "anna" not in f"{error.value} {error.value!r} {vars(error.value)}"


def test_the_list(service: Service, analyses: KeyAnalyses) -> None:
    rows = [{"id": "t1", "status": "Running"}, {"id": "t2", "status": "success"}, {"status": "failed"}]
    service.plan(response(200, {"total": 3, "records": rows}), response(204), response(200, {"total": 0}))
    page = analyses.list_page(INSTANCE, limit=5, offset=0)
    assert (page.total, page.row_count, [each.id for each in page.records]) == (3, 3, ["t1", "t2"])
    assert [(each.is_running, each.has_succeeded, each.has_failed) for each in page.records] == [
        (True, False, False),
        (False, True, False),
    ]
    assert analyses.list_page(INSTANCE).total == 0
    assert analyses.list_page(INSTANCE).is_last
    service.plan(response(200, {"total": 3}))
    with pytest.raises(UnexpectedResponse):
        analyses.list_page(INSTANCE)


@given(row=anything)
def test_any_row_and_any_result_can_be_read(row: Any) -> None:
    AnalysisTask.parse(row)
    if isinstance(row, dict):
        KeyAnalysis.parse(row, "t")


@given(st.dictionaries(st.sampled_from(sorted(SHOWN)), anything))
def test_any_value_in_a_result_can_be_read(body: dict[str, Any]) -> None:
    found = KeyAnalysis.parse(body, "t")
    assert found.key_count is None or found.key_count >= 0
    assert all(number >= 0 for number in found.keys_by_type.values())

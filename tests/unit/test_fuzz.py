"""Whatever the service sends, reading it ends in an answer or in one of our errors."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.api.error_response import clock_skew, error_from, service_time
from pulumi_dcs.api.parsing import BackupRecord, Instance, parse_time
from pulumi_dcs.api.transport import Answer, Request

from tests.endpoint import ACCESS_KEY, SECRET_KEY

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    *("backup_id", "period", "backup_name", "instance_id", "size", "backup_type", "created_at", "updated_at"),
    *("progress", "error_code", "remark", "status", "is_support_restore", "backup_format", "execution_at"),
)
rows = st.dictionaries(st.sampled_from(FIELDS), anything)
errors = st.dictionaries(st.sampled_from(("error_code", "error_msg", "error", "code", "message", "msg")), anything)
header_texts = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=80)


@given(rows | anything)
def test_any_row_is_a_record_or_none(row: Any) -> None:
    record = BackupRecord.parse(row)
    if record is None:
        return
    assert record.backup_id
    assert record.size is None or record.size >= 0
    assert record.percent is None or 0 <= record.percent <= 100
    assert record.created is None or record.created.tzinfo is not None
    assert record.status.value


@given(anything)
def test_any_body_is_an_instance(body: Any) -> None:
    assert Instance.parse(body, "i").instance_id == "i"


@given(st.text())
def test_any_text_is_a_time_or_none(text: str) -> None:
    parse_time(text)


@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=400) | errors.map(lambda value: json.dumps(value).encode()),
    headers=st.dictionaries(
        st.sampled_from(("X-Request-Id", "Retry-After", "Date", "Location", "Content-Type")), header_texts
    ),
    complete=st.booleans(),
)
def test_any_answer_is_one_readable_error(status: int, body: bytes, headers: dict[str, str], *, complete: bool) -> None:
    planted = body + SECRET_KEY.encode()
    answer = Answer(status, headers, planted, complete)
    request = Request("POST", "/v2/p/instances/i/backups")
    error = error_from(answer, request, attempt="x", region="r", clock=SystemClock(), secrets=(ACCESS_KEY, SECRET_KEY))
    text = str(error)
    assert SECRET_KEY not in text
    assert len(text) < 3000
    assert error.advice
    assert all(character.isprintable() or character == "\n" for character in text), text
    assert error.retry_after is None or error.retry_after >= 0
    service_time(answer)
    clock_skew(answer, SystemClock())


@given(
    before=st.integers(0, 800),
    part=st.sampled_from(["error_msg", "error_code", "error", "text", "<p>"]),
    header=st.sampled_from(["X-Request-Id", "Location"]),
)
def test_a_secret_at_the_edge_of_a_cut_does_not_show_its_beginning(before: int, part: str, header: str) -> None:
    planted = "x" * before + SECRET_KEY
    body = part + planted if part in ("text", "<p>") else json.dumps({part: planted})
    answer = Answer(400, {header: planted}, body.encode(), True)
    request = Request("POST", "/v2/p/instances/i/backups")
    text = str(error_from(answer, request, attempt="x", region="", clock=SystemClock(), secrets=(SECRET_KEY,)))
    assert SECRET_KEY[:4] not in text

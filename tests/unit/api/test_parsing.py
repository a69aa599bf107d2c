"""Single values, of any type."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_dcs.api.parsing import boolean, decimal, parse_time, text, whole_number, word

values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)


@given(values)
def test_any_value_is_read_or_passed_over(value: Any) -> None:
    assert isinstance(text(value), str)
    assert word(value) == word(value).strip()
    number = whole_number(value)
    assert number is None or 0 <= number < 2**63
    fraction = decimal(value)
    assert fraction is None or fraction >= 0
    assert boolean(value) in (True, False, None)


@given(st.text())
def test_any_text_is_a_time_or_none(value: str) -> None:
    parse_time(value)


@pytest.mark.parametrize(
    "value", ["2019-05-10T08:31:16.166Z", "2019-05-10T08:31:16Z", "2019-05-10 08:31:16", "2019/05/10 08:31:16"]
)
def test_the_service_s_shapes_of_times(value: str) -> None:
    moment = parse_time(value)
    assert moment is not None
    assert moment.replace(microsecond=0) == datetime(2019, 5, 10, 8, 31, 16, tzinfo=timezone.utc)


def test_odd_types_of_the_service_s_samples() -> None:
    assert (text(0), word(" x "), text(True), text({})) == ("0", "x", "", "")
    assert (whole_number("126"), whole_number(126.0), whole_number("-1"), whole_number(True)) == (126, 126, None, None)
    assert (decimal(".125"), decimal("nan"), decimal("1e999")) == (0.125, None, None)
    assert (boolean("TRUE"), boolean("false"), boolean("yes")) == (True, False, None)

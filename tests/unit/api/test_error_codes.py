"""What the codes mean."""

from __future__ import annotations

import pytest
from pulumi_dcs.api import error_codes
from pulumi_dcs.api.error_codes import ADVICE, BUSY, advice_for, canonical, is_busy

DOCUMENTED_BUSY = (
    *("DCS.4017", "DCS.4026", "DCS.4049", "DCS.4096", "DCS.4097", "DCS.4104", "DCS.4108", "DCS.4111", "DCS.4113"),
    *("DCS.4114", "DCS.4115", "DCS.4116", "DCS.4117", "DCS.4118", "DCS.4120", "DCS.4121", "DCS.4231", "DCS.4975"),
    *("CBC.99003651", "DCS.4069"),
)


def test_the_documented_busy_codes() -> None:
    assert set(BUSY) == set(DOCUMENTED_BUSY)
    assert BUSY["DCS.4120"] == "being frozen"
    assert "keys" in BUSY["DCS.4231"]


def test_a_busy_code_counts_with_the_status_that_it_is_documented_with() -> None:
    assert is_busy(400, "DCS.4096")
    assert not is_busy(500, "DCS.4096")
    assert is_busy(500, "DCS.4069")
    assert not is_busy(400, "DCS.4107"), "an unpaid order is not worth waiting for"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("111400086", "DCS.4086"),
        ("111400096", "DCS.4096"),
        ("DCS.4086", "DCS.4086"),
        ("111400186", "111400186"),
        ("1114000861", "1114000861"),
        ("", ""),
    ],
)
def test_numeric_twins(sent: str, code: str) -> None:
    assert canonical(sent) == code


def test_every_code_that_is_not_worth_waiting_for_has_its_advice() -> None:
    for code in ("DCS.4107", "DCS.4119", "DCS.3022", "DCS.4061", "DCS.4087", "DCS.4001", "DCS.2003", "DCS.2007"):
        assert code in ADVICE
    for code in ("DCS.3002", "DCS.3003", *error_codes.RECORD_KEEPING_FAILED):
        assert code in ADVICE
    assert not set(ADVICE) & set(BUSY)


def test_advice_knows_nothing_of_who_calls() -> None:
    texts = [*ADVICE.values(), *(advice_for(status, code) for status in range(100, 600) for code in ("", *BUSY))]
    for text in texts:
        assert text
        assert not any(word in text for word in ("pulumi", "dcs:", "DCS_", "--parallel", "instance_id", "project_id"))

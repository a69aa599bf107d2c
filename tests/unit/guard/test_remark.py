"""The remark of a backup before a change fits the service's limit, whatever the names."""

from __future__ import annotations

import pytest
from pulumi_dcs.guard.remark import RemarkTemplate, change_mark, with_mark

HASH = "0123456789abcdef" * 4


def test_placeholders_are_filled_in() -> None:
    assert RemarkTemplate("before {operation} of {name}").fill_in("update", "orders") == "before update of orders"
    assert RemarkTemplate("{{{name}}}").fill_in("update", "orders") == "{orders}"
    assert RemarkTemplate("").fill_in("update", "orders") == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{what}", "{what}: there are only {operation} and {name}"),
        ("{}", "{}: there are only"),
        ("{name!r}", "{name!r}: there are only"),
        ("{name:>9}", "{name:>9}: there are only"),
        ("{name.urn}", "{name.urn}: there are only"),
        ("{", "single brace"),
        ("a}", "single brace"),
        ("x" * 108, "remark has 108 characters without its placeholders: at most 107 are possible"),
    ],
)
def test_what_can_be_no_remark_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        RemarkTemplate(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "text", ["x" * 107, "before {operation} of {name}", "{name}{name}", "x" * 100 + "{name}", "{name}"]
)
@pytest.mark.parametrize("name", ["orders", "n" * 90, "n" * 300, "é" * 200])
def test_a_remark_with_its_mark_is_never_too_long(text: str, name: str) -> None:
    filled = RemarkTemplate(text).fill_in("update", name)
    sent = with_mark(filled, change_mark(HASH))
    assert len(sent) <= 128
    assert sent.endswith(" ~change:0123456789ab")


def test_a_long_name_is_cut_at_its_end_and_the_rest_stays() -> None:
    filled = RemarkTemplate("before {operation} of {name}, by us").fill_in("update", "n" * 200)
    assert filled.startswith("before update of nnn")
    assert filled.endswith("nnn.., by us")
    assert len(filled) == 107


def test_an_empty_remark_is_the_mark_alone() -> None:
    assert with_mark("", change_mark(HASH)) == "~change:0123456789ab"

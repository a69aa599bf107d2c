"""Patterns: Python's regular expressions, of the whole remark, in a time that no pattern can exceed."""

from __future__ import annotations

import pytest
from pulumi_dcs.backup_retention import pattern
from pulumi_dcs.backup_retention.pattern import PatternTooSlowError, matcher, problem


@pytest.mark.parametrize("expression", ["nightly .*", "(nightly|weekly) [0-9]{4}-[0-9]{2}(-[0-9]+)?"])
def test_the_whole_remark_has_to_match(expression: str) -> None:
    remarks = ["nightly 2026-11", "nightly 2026-11-24", "a nightly 2026-11", "nightly 2026-11\n", ""]
    matches = matcher(expression, remarks)
    assert [each for each in remarks if matches(each)] == ["nightly 2026-11", "nightly 2026-11-24"]


def test_a_remark_of_anything_is_matched_in_the_other_process_as_well() -> None:
    remarks = ["größe 1", "größe \ud800", "größe \n", 'größe "']
    for expression in ("größe .", "(größe ){1,2}."):
        matches = matcher(expression, remarks)
        assert [matches(each) for each in remarks] == [True, True, False, True]


@pytest.mark.parametrize(
    "expression", ["(a+)+b", "(a|aa)+b", "(.*)*b", "a*a*a*a*a*a*a*a*a*a*b", r"(a?){40}a{40}b", "(|a)" * 40 + "b"]
)
def test_a_pattern_that_takes_for_ever_ends_in_time(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern, "_TIMEOUT", 0.5)
    with pytest.raises(PatternTooSlowError) as raised:
        matcher(expression, ["a" * 128])
    assert expression not in str(raised.value)


@pytest.mark.parametrize("expression", ["a*a*b", "[a-z]+ .*", r"\d\d (x|y)"])
def test_a_simple_pattern_starts_no_process(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern, "_limited", None)
    assert not matcher(expression, ["a" * 128])("a" * 128)


def test_a_remark_that_is_longer_than_the_service_allows_does_not_match() -> None:
    assert not matcher(".+", ["x" * 600])("x" * 600)


@pytest.mark.parametrize("expression", [".*", "a?", "(a|)", "()", "(a*)*", "\\b|^", "x{0,3}"])
def test_a_pattern_must_not_match_the_empty_remark(expression: str) -> None:
    assert problem(expression).startswith("it matches the empty remark")


@pytest.mark.parametrize("expression", ["(", "[", "*", "a{1,99999999999999999999}", "(?P<x>a)(?P<x>b)", "(?a)(?u)x"])
def test_what_is_no_expression_is_refused(expression: str) -> None:
    assert problem(expression).startswith("it is not a regular expression, ")


def test_a_pattern_has_a_limit() -> None:
    assert problem("x" * 256) == ""
    assert problem("x" * 257) == "it has 257 characters; shorten it to at most 256."

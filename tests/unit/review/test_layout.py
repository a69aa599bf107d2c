"""What a part of the report has room for."""

from __future__ import annotations

from pulumi_dcs.review.layout import fitted


def test_what_does_not_fit_is_counted() -> None:
    lines = ["a" * 9, "b" * 30, "c" * 9, "d" * 9]
    assert fitted(lines, 20, "{} more") == ["a" * 9, "c" * 9, "2 more"]
    assert fitted(lines, 19, "{} more") == ["a" * 9, "3 more"]
    assert fitted(lines, 61, "{} more") == lines
    assert fitted([], 0, "{} more") == []

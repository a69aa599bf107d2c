"""Errors are complete when they are raised, and stay as they are."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest
from pulumi_dcs.api import errors
from pulumi_dcs.api.errors import ConnectionFailed, DcsError, ServiceError, ThrottledError

ERRORS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, DcsError)]


def test_the_text_is_summary_facts_and_advice() -> None:
    assert str(DcsError("It failed.", facts=["one", "two"], advice="try.")) == (
        "It failed.\n  one\n  two\n  What to do: try."
    )
    assert str(DcsError("It failed.")) == "It failed."


def test_nothing_of_it_can_be_changed() -> None:
    error = ThrottledError("x", http_status=429, retry_after=1.0)
    for name in ("summary", "facts", "advice", "http_status", "retry_after"):
        with pytest.raises(AttributeError):
            setattr(error, name, "other")
    error.__cause__ = ValueError()
    if hasattr(error, "add_note"):
        error.add_note("Python's own notes are left alone")


def test_a_copy_can_tell_more() -> None:
    error = ServiceError("x", http_status=400, error_code="DCS.1", facts=["a"], advice="old.")
    more = error.with_facts("b", advice="new.")
    assert (type(more), more.http_status, more.facts, more.advice) == (ServiceError, 400, ("a", "b"), "new.")
    assert error.facts == ("a",)
    assert error.with_facts("b").advice == "old."


def test_they_can_be_copied_and_sent_to_another_process() -> None:
    error = ConnectionFailed("x", sent=True, is_transient=False, facts=["a"])
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (str(other), other.sent, other.is_transient) == (str(error), True, False)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = []
    parents: list[str] = []
    for line in (inspect.getdoc(errors) or "").splitlines():
        name = line.strip(" │├└─").partition(" ")[0]
        if name in {kind.__name__ for kind in ERRORS}:
            depth = (len(line) - len(line.lstrip(" │├└─")) - 4) // 4
            parents[depth:] = [name]
            drawn.append((name, parents[depth - 1] if depth else "Exception"))
    assert sorted(drawn) == sorted((kind.__name__, kind.__bases__[0].__name__) for kind in ERRORS)

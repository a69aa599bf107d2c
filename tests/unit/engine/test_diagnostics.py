"""What the user sees of an error."""

from __future__ import annotations

from pulumi_dcs.engine.diagnostics import text_of
from pulumi_dcs.engine.errors import DiagnosticError, ResourceInitFailedError


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except Exception as caught:
        return caught


def test_an_expected_error_is_its_message() -> None:
    assert text_of(raised(DiagnosticError("what\n  fact")), "Create", debug=False) == "what\n  fact"
    assert text_of(ResourceInitFailedError("half", id="i", properties={}), "Create", debug=False) == "half"


def test_a_bug_names_its_place_and_no_value() -> None:
    text = text_of(raised(KeyError("s3cret"), ValueError("s3cret too")), "Create", debug=False)
    assert text.startswith("internal error of pulumi-dcs in create: KeyError at engine/test_diagnostics.py:")
    assert "s3cret" not in text
    assert "report" in text


def test_debugging_shows_frames_and_no_value() -> None:
    secret = "s3" + "cret"
    text = text_of(raised(DiagnosticError("what"), raised(ValueError(secret))), "Create", debug=True)
    assert text.startswith("what\n")
    assert text.count("Traceback") == 2
    assert "builtins.ValueError" in text
    assert secret not in text


def test_an_error_that_was_never_raised_and_text_that_is_no_unicode() -> None:
    assert "an unknown place" in text_of(ValueError(), "Create", debug=False)
    assert text_of(DiagnosticError("\ud800"), "Create", debug=False) == "?"


def test_a_terminal_is_told_nothing_but_text() -> None:
    assert text_of(DiagnosticError("a\x1b[2J\r\x9b\n\tb"), "Create", debug=False) == "a [2J  \n\tb"

"""Writes the report as Markdown, for a comment: what matters first, and never more than a forge takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ..engine.urn import resource_name
from .diff import diff_block
from .events import Diagnostic, Violation
from .headline import headline
from .inert import code, inert, message
from .layout import fitted, folded
from .report import Outcome, Report
from .sentence import counted, date_in_words
from .table import table

MAX_LENGTH: Final = 64_500
"""Characters. GitHub takes 65,536, and the marker that a comment is found by comes on top."""
_WARNINGS: Final = 12_000
_RESTORES: Final = 4_000
_GUARDS: Final = 4_000
_UNKNOWN: Final = 4_000
_POLICIES: Final = 8_000
_ERRORS: Final = 8_000
"""Characters for each part. What is left belongs to the diff."""
_MAX_NAME: Final = 100
"""Characters of a name before a reason, so that one of each always fits."""
_NEXT: Final[Mapping[Outcome, str]] = {
    Outcome.PREVIEWED: "To apply it, merge the request: the apply is held to this plan. To preview it again, run "
    "this job again or push to the request.",
    Outcome.PREVIEW_FAILED: "Nothing can be applied from this preview. Mend the cause and push to the request, or run "
    "this job again.",
    Outcome.STALE: "The stack or the program is no longer what was reviewed. Run the preview of the request again or "
    "open a new request, have it reviewed, and apply that.",
    Outcome.NO_PLAN: "Open a request, so that there is a plan to review; or let the apply make its own plan "
    "(`WITHOUT_PLAN=preview`).",
    Outcome.CANCELLED: "What was started is in the state. Run the preview and the apply again: a backup that is "
    "still running is waited for, and none is taken twice.",
    Outcome.INTERRUPTED: "Run the job again.",
    Outcome.APPLY_FAILED: "What was done is in the state. Mend the cause and run the preview and the apply again: they "
    "go on from there.",
    Outcome.DRIFT: "`pulumi refresh` takes what the service has into the state, and the next `pulumi up` makes what is "
    "missing.",
}
"""What to do next."""


def markdown(report: Report) -> str:
    """The whole report, at most ``MAX_LENGTH`` characters long."""
    parts = [
        _headline(report),
        _errors(report.errors),
        _warnings(report),
        table(report),
        _restores(report),
        _guards(report.guards),
        _unknown(report),
    ]
    parts += [_policies(report.violations)]
    end = _end(report)
    above = "\n\n".join(part for part in parts if part)
    room = MAX_LENGTH - len(above) - len(end) - 200
    diff = diff_block(report.diff, room) if report.diff.strip() else ""
    output = folded("The engine's own output" if report.outcome.is_record else "The full diff", diff) if diff else ""
    return "\n\n".join(part for part in (above, output, end) if part) + "\n"


def _headline(report: Report) -> str:
    commit = f", commit {code(report.commit[:7])}" if report.commit else ""
    others = ""
    if report.other_changes and not report.outcome.is_drift:
        verb = "changed" if report.outcome.is_record else "will be changed"
        others = f"; {counted(report.other_changes, 'other resource')} {verb}"
    return f"### {headline(report)}\n\nStack {code(report.stack)}{commit}{others}."


def _errors(errors: Sequence[Diagnostic]) -> str:
    lines = [f"- {_of(each.urn)}{message(each.message)}" for each in errors]
    return _section("Errors", lines, _ERRORS)


def _warnings(report: Report) -> str:
    lines = [f"> - {inert(each.sentence)}" for each in report.concerns]
    if not lines:
        return ""
    return "> [!WARNING]\n" + "\n".join(fitted(lines, _WARNINGS, "> - … and {} more, in report.json"))


def _restores(report: Report) -> str:
    lines = [f"- {inert(each.sentence(is_record=report.outcome.is_record))}" for each in report.restores]
    return _section("Restores", lines, _RESTORES)


def _guards(guards: Sequence[Diagnostic]) -> str:
    return _section(
        "Backups before a change", [f"- {_of(each.urn)}{message(each.message)}" for each in guards], _GUARDS
    )


def _unknown(report: Report) -> str:
    lines = [
        f"- {code(what, _MAX_NAME)}: {message(why)}" if what else f"- {message(why)}" for what, why in report.unknown
    ]
    return _section("What could not be found out", lines, _UNKNOWN)


def _policies(violations: Sequence[Violation]) -> str:
    ordered = sorted(violations, key=lambda each: not each.is_mandatory)
    lines = [
        f"- **{'mandatory' if each.is_mandatory else 'advisory'}** {code(each.policy)}: "
        f"{_of(each.urn)}{message(each.message)}"
        for each in ordered
    ]
    return _section("Policies", lines, _POLICIES)


def _end(report: Report) -> str:
    how = _NEXT.get(report.outcome, "")
    link = (
        f"[This run]({report.run_url})" if report.run_url.startswith("https://") and " " not in report.run_url else ""
    )
    facts = " · ".join(filter(None, [code(report.versions), date_in_words(report.made_at), link]))
    return "\n\n".join(filter(None, [how, f"<sub>{facts}</sub>"]))


def _of(urn: str) -> str:
    return f"{code(resource_name(urn))}: " if urn else ""


def _section(title: str, lines: list[str], budget: int) -> str:
    return f"**{title}**\n\n" + "\n".join(fitted(lines, budget, "- … and {} more, in report.json")) if lines else ""

"""The report in one sentence."""

from __future__ import annotations

from ..api.clock import in_words
from .report import Outcome, Report
from .sentence import counted


def headline(report: Report) -> str:
    """What will happen, or has happened; without stack and commit."""
    text = _text(report)
    return text[0].upper() + text[1:]


def _text(report: Report) -> str:
    taken = counted(report.taken, "backup") if report.taken else "no backup"
    deleted = str(report.deleted) if report.deleted else "none"
    restored = str(report.restored) if report.restored else "none"
    also_restored = f", {restored} restored" if report.restored else ""
    match report.outcome:
        case Outcome.PREVIEWED:
            return f"{taken} will be taken, {deleted} deleted, {restored} restored{_about(report)}"
        case Outcome.PREVIEW_FAILED:
            return f"Merging this would fail{_failures(report)}"
        case Outcome.APPLIED:
            return f"{taken} taken, {deleted} deleted, {restored} restored, in {in_words(report.seconds)}"
        case Outcome.APPLY_FAILED:
            return f"The apply failed{_failures(report)}; {taken} taken, {deleted} deleted{also_restored}"
        case Outcome.STALE:
            return f"The plan is stale, so the apply stopped; {taken} taken, {deleted} deleted{also_restored}"
        case Outcome.NO_PLAN:
            return "There is no reviewed plan, so nothing was done"
        case Outcome.CANCELLED:
            return f"Cancelled before it was finished; {taken} taken, {deleted} deleted{also_restored}"
        case Outcome.INTERRUPTED:
            return "Cancelled before anything was changed"
        case Outcome.NO_DRIFT:
            return "No drift: the service has what the state says"
        case Outcome.DRIFT:
            return f"Drift: {_drifted(report)} not as the state says"
        case Outcome.DRIFT_UNKNOWN:
            return f"Whether there is drift could not be found out{_failures(report)}"


def _about(report: Report) -> str:
    return f"; about {in_words(report.estimate)}" if report.estimate is not None else ""


def _failures(report: Report) -> str:
    mandatory = {each.policy for each in report.violations if each.is_mandatory}
    if mandatory:
        return f": {counted(len(mandatory), 'mandatory policy', 'mandatory policies')} violated"
    return f": {counted(len(report.errors), 'error')}" if report.errors else ""


def _drifted(report: Report) -> str:
    counts = [(len(report.rows), "backup"), (report.other_changes, "other resource")]
    found = [counted(number, noun) for number, noun in counts if number]
    if not found:
        return "something is"
    return f"{' and '.join(found)} {'is' if sum(number for number, _ in counts) == 1 else 'are'}"

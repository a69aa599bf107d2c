"""What a preview says beside the diff: which backups go, which stay, and why what could not be found out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from ..api.backups import BackupRecord
from ..api.words import size_in_words
from ..engine.urn import resource_name
from ..resources.mark import without_mark
from .decision import Decision, Kept, Reason
from .properties import Inputs
from .survey import Survey

_INDENT: Final = "\n    "


def deletions(inputs: Inputs, found: Survey, *, is_secret: bool) -> str:
    """Of a run that deletes backups: each of them, and what stays.

    Args:
        is_secret: whether the pattern, and with it the remarks that match it, are not shown.
    """
    gone = found.decision.deleted
    head = f"Deletes {counted(len(gone))} of instance {inputs.instance_id}{_pattern(inputs, is_secret=is_secret)}:"
    return "\n".join(
        [
            head + "".join(f"{_INDENT}{describe(each, is_secret=is_secret)}" for each in gone),
            f"  {kept(found, is_secret=is_secret)}",
        ]
    )


def nothing_to_delete(inputs: Inputs, found: Survey) -> str:
    """Of a retention that is new or says something else than before, and deletes nothing yet.

    Without remarks: where nothing goes, the state is not read, which tells whether they are secrets.
    """
    return f"Deletes no backup of instance {inputs.instance_id} now.\n  {kept(found, is_secret=True)}"


def kept(found: Survey, *, is_secret: bool) -> str:
    """What stays of the backups that match: how many, which are the newest, and what stays for another reason."""
    decision = found.decision
    newest = [each.record for each in decision.kept if each.reason is Reason.NEWEST]
    parts = [f"{resource_name(each.urn)!r}, which this run takes first" for each in found.foreseen]
    if len(newest) > 2:
        parts.append(f"{len(newest)} from {describe(newest[-1], is_secret=is_secret)} to {newest[0].backup_id}")
    else:
        parts += [describe(each, is_secret=is_secret) for each in newest]
    parts += [_exception(each, is_secret=is_secret) for each in decision.kept if each.reason is not Reason.NEWEST]
    if not parts:
        return "No backup matches."
    return f"Keeps {counted(len(decision.kept) + len(found.foreseen))}: " + "; ".join(parts) + "."


def not_asked(inputs_not_known: Sequence[str]) -> str:
    """Of a preview that could not find out which backups go.

    Args:
        inputs_not_known: the inputs that are to blame; empty where the service could not be asked.
    """
    if inputs_not_known:
        verb = "is" if len(inputs_not_known) == 1 else "are"
        why = f"{' and '.join(inputs_not_known)} {verb} not known before the `up`"
    else:
        why = "it could not ask the service"
    return (
        f"This preview can't list the backups that go: {why}.\n"
        "  What it does not list is not deleted by a plan or an `up` that follows from it."
    )


def too_many(inputs: Inputs, decision: Decision, *, is_secret: bool) -> str:
    """Why a run deletes nothing, because it would delete too many; to follow the name of the limit."""
    rows = "".join(f"{_INDENT}{describe(each, is_secret=is_secret)}" for each in decision.deleted)
    return (
        f"{counted(len(decision.deleted))} of instance {inputs.instance_id} would go, and one run may delete "
        f"{inputs.max_deletions}. Nothing is deleted.{rows}\n"
        f"  Set max_deletions to {len(decision.deleted)} if they are to go, or correct keep and remark."
    )


def describe(record: BackupRecord, *, is_secret: bool) -> str:
    """One backup: id, date, size and remark."""
    created = record.created
    facts = [f"{created:%Y-%m-%d %H:%M:%S} UTC" if created is not None else "date not known"]
    facts += [size_in_words(record.size)] if record.size is not None else []
    facts += [] if is_secret else [repr(without_mark(record.remark))]
    return f"{record.backup_id} ({', '.join(facts)})"


def counted(number: int) -> str:
    """``1 backup``, ``2 backups``."""
    return f"{number} backup{'' if number == 1 else 's'}"


def names(backup_ids: Collection[str]) -> str:
    """``backup b1``, ``backups b1, b2``."""
    return f"backup{'' if len(backup_ids) == 1 else 's'} {', '.join(backup_ids)}"


def _exception(each: Kept, *, is_secret: bool) -> str:
    return f"{describe(each.record, is_secret=is_secret)}, since {each.why}"


def _pattern(inputs: Inputs, *, is_secret: bool) -> str:
    shown = "the declared pattern" if is_secret else repr(inputs.remark)
    return f", older than the newest {inputs.keep} whose remark matches {shown}"

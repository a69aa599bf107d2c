"""What a reviewer must not miss: backups that go, instances that can't be backed up, what killed runs have left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ..api.backups import BackupRecord
from ..api.error_codes import BACKUP_FAILURES
from ..api.instances import Instance
from ..backup_retention.names import RESOURCE_TYPE as RETENTION_TYPE
from ..backup_verification.names import RESOURCE_TYPE as VERIFICATION_TYPE
from ..instance_backup.names import RESOURCE_TYPE
from ..instance_restore.names import RESOURCE_TYPE as RESTORE_TYPE
from ..operations.record_cache import Snapshot
from ..resources.limit import MAX_BACKUPS
from .changes import Change, Kind
from .events import Diagnostic, EventLog, Violation
from .rows import Row, by_location, newest_first
from .sentence import Data, Sentence, counted, date_and_size, date_in_words, listed

_OURS: Final = (RESOURCE_TYPE, RETENTION_TYPE, RESTORE_TYPE, VERIFICATION_TYPE)
_ORPHAN: Final = "Orphan:"
"""How the provider's warning about an orphan begins (``recovery.orphans``)."""


_RESTORES: Final = ("Overwrites ", "Imports ")
"""How the provider's warnings about data that is overwritten begin (``instance_restore.preview``)."""


class Topic(Enum):
    """What a concern is about, most serious first."""

    PLAN = "plan"
    RESTORE = "restore"
    DELETION = "deletion"
    PUSHED_OUT = "pushed out"
    INSTANCE = "instance"
    FAILED_BACKUP = "failed backup"
    POLICY = "policy"
    ORPHAN = "orphan"
    NOT_KEPT = "not kept"
    DIAGNOSTIC = "diagnostic"


@dataclass(frozen=True)
class Concern:
    """One thing that a reviewer has to know."""

    topic: Topic
    sentence: Sentence


def concerns_of(rows: list[Row], log: EventLog) -> list[Concern]:
    """Everything there is to warn of before the changes are made."""
    found = [
        *(Concern(Topic.DELETION, each) for each in _deletions(rows)),
        *(Concern(Topic.PUSHED_OUT, each) for each in _pushed_out(rows)),
        *(Concern(Topic.INSTANCE, each) for each in _instances(rows)),
        *(Concern(Topic.FAILED_BACKUP, each) for each in _failed_backups(rows)),
        *(Concern(Topic.NOT_KEPT, each) for each in _not_kept(rows)),
        *concerns_said(log),
    ]
    order = list(Topic)
    return sorted(found, key=lambda each: order.index(each.topic))


def concerns_said(log: EventLog) -> list[Concern]:
    """What the policies and the provider themselves have warned of."""
    return [*_policies(log.violations), *_diagnostics(log.diagnostics)]


def _deletions(rows: list[Row]) -> Iterator[Sentence]:
    lost = _last_ones(rows)
    for row in rows:
        gone = row.change.goes
        if gone is None:
            continue
        which: Sentence = ("Backup ", Data(gone.backup_id), *_of_instance(row), date_and_size(gone.created, gone.size))
        if gone.remark:
            which = (*which, ", ", Data(gone.remark), ",")
        yield (*which, *_when(row.change), *((": ", *lost[id(row)]) if id(row) in lost else ()), ".")


def _last_ones(rows: list[Row]) -> dict[int, Sentence]:
    """Why a deletion leaves an instance with nothing, by row."""
    found: dict[int, Sentence] = {}
    for same in by_location(rows).values():
        snapshot = _all_backups(same)
        if snapshot is None:
            continue
        good = {record.backup_id for record in snapshot.records.values() if record.has_succeeded}
        going = [row for row in same if row.change.goes is not None and row.change.goes.backup_id in good]
        takes = any(row.change.kind.takes_one and not row.change.is_deleted_first for row in same)
        if not going or takes or good - {row.change.goes.backup_id for row in going if row.change.goes is not None}:
            continue
        name = Data(same[0].instance_name)
        what = "the only succeeded one of " if len(good) == 1 else f"one of the {len(good)}, all succeeded ones of "
        found.update({id(row): (what, name) for row in going})
    return found


def _when(change: Change) -> Sentence:
    if change.kind is Kind.DELETE:
        return (" is deleted",)
    if change.kind is Kind.DELETE_OLD:
        return (" is deleted by the retention ", Data(change.name))
    if change.is_deleted_first:
        return (
            " is deleted first (delete_before_replace); until the new one has succeeded, there is none in its place",
        )
    if change.kind is Kind.ADOPT:
        return (" is deleted once the other one has been taken over",)
    return (" is deleted once the new one has succeeded",)


def _pushed_out(rows: list[Row]) -> Iterator[Sentence]:
    for same in by_location(rows).values():
        snapshot = _all_backups(same)
        taken = sum(row.change.kind.takes_one for row in same)
        if snapshot is None or not taken:
            continue
        living = newest_first(snapshot)
        going = {row.change.goes.backup_id for row in same if row.change.goes is not None}
        gone_first = {row.change.goes.backup_id for row in same if row.change.goes and row.change.is_deleted_first}
        left = [record for record in living if record.backup_id not in gone_first]
        too_many = len(left) + taken - MAX_BACKUPS
        if too_many <= 0:
            continue
        pushed = [record for record in left[-too_many:] if record.backup_id not in going]
        if pushed:
            yield (
                Data(same[0].instance_name),
                f" has {counted(len(living), 'backup')}, and the service keeps {MAX_BACKUPS}: it pushes out ",
                *listed(f"{record.backup_id} ({record.backup_type or 'manual'})" for record in reversed(pushed)),
                ".",
            )


def _instances(rows: list[Row]) -> Iterator[Sentence]:
    for same in by_location(row for row in rows if row.change.kind.takes_one).values():
        instance = same[0].instance
        trouble = _trouble(instance) if instance is not None else ""
        if trouble:
            yield (Data(same[0].instance_name), f" {trouble}")


def _trouble(instance: Instance) -> str:
    if instance.is_single_node:
        return "is a single-node instance, which has no backups."
    if instance.status and instance.status != "RUNNING":
        return f"is not running: its status is {_word(instance.status)}. The backup waits for it."
    if instance.task:
        return f"is busy ({_word(instance.task)}). The backup waits until it is free."
    return ""


def _failed_backups(rows: list[Row]) -> Iterator[Sentence]:
    for same in by_location(rows).values():
        snapshot = _all_backups(same)
        last = next((each for each in newest_first(snapshot) if not each.is_running), None) if snapshot else None
        if last is not None and last.has_failed:
            yield ("The last backup of ", Data(same[0].instance_name), " failed", *_failure(last), ".")


def _failure(record: BackupRecord) -> Sentence:
    when: Sentence = (f" ({date_in_words(record.created)})",) if record.created is not None else ()
    why = BACKUP_FAILURES.get(record.error_code.lower(), "")
    code: Sentence = (": ", Data(record.error_code), f", {why}" if why else "") if record.error_code else ()
    return (*when, *code)


def _not_kept(rows: list[Row]) -> Iterator[Sentence]:
    names = [
        row.change.name
        for row in rows
        if row.change.kind in (Kind.TAKE, Kind.REPLACE, Kind.ADOPT)
        and not (row.change.is_protected or row.change.is_retained)
    ]
    if names:
        verb = "is" if len(names) == 1 else "are"
        yield (*listed(names), f" {verb} neither protected nor retained on delete.")


def _policies(violations: Iterable[Violation]) -> Iterator[Concern]:
    mandatory = list(dict.fromkeys(each.policy for each in violations if each.is_mandatory))
    if mandatory:
        verb = "is" if len(mandatory) == 1 else "are"
        what = counted(len(mandatory), "mandatory policy", "mandatory policies")
        yield Concern(Topic.POLICY, (f"{what} {verb} violated: ", *listed(mandatory), "."))


def _diagnostics(diagnostics: Iterable[Diagnostic]) -> Iterator[Concern]:
    for each in diagnostics:
        is_ours = any(name in each.urn for name in _OURS)
        if each.severity == "warning" and (is_ours or each.message.startswith(_ORPHAN)):
            topic = Topic.ORPHAN if each.message.startswith(_ORPHAN) else Topic.DIAGNOSTIC
            if RESTORE_TYPE in each.urn and each.message.startswith(_RESTORES):
                topic = Topic.RESTORE
            yield Concern(topic, (Data(each.message),))


def _all_backups(same: Iterable[Row]) -> Snapshot[BackupRecord] | None:
    """The instance's backups, if any of its rows knows them all."""
    return next((row.all_backups for row in same if row.all_backups is not None), None)


def _of_instance(row: Row) -> Sentence:
    return (" of ", Data(row.instance_name)) if row.instance_name else ()


def _word(text: str) -> str:
    """A status or task as the service names it, if it looks like one."""
    return text if text.replace("_", "").isalnum() and text.isascii() else "one that is not documented"

"""Decides which backups of an instance go: the one rule of the preview and of the ``up``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from ..api.backups import BackupRecord
from ..resources.mark import without_mark

MANUAL: Final = "manual"
"""The backup_type of backups made on request; any other, and none at all, is left alone."""


class Reason(Enum):
    """Why a backup that matches stays, to follow "since"."""

    NEWEST = "it is one of the newest"
    NAMED = "keep_ids names it"
    NEEDED = "it is needed"
    NOT_DATED = "its date can't be read"


@dataclass(frozen=True)
class Kept:
    """A backup that matches and stays.

    Attributes:
        detail: for ``NEEDED``: by whom, in words.
    """

    record: BackupRecord
    reason: Reason
    detail: str = ""

    @property
    def why(self) -> str:
        """The reason in words, to follow "since"."""
        return self.detail or self.reason.value


@dataclass(frozen=True)
class Decision:
    """What becomes of the backups that match.

    Attributes:
        deleted: those that go, the oldest first.
        kept: those that stay, the newest first.
    """

    deleted: tuple[BackupRecord, ...] = ()
    kept: tuple[Kept, ...] = ()

    @property
    def deleted_ids(self) -> tuple[str, ...]:
        """The ids of those that go, the oldest first."""
        return tuple(record.backup_id for record in self.deleted)

    def reason_to_keep(self, backup_id: str) -> Kept | None:
        """Why that one stays; None where it does not, or does not match."""
        return next((kept for kept in self.kept if kept.record.backup_id == backup_id), None)


def is_eligible(record: BackupRecord, matches: Callable[[str], bool]) -> bool:
    """Whether the retention is about that backup: made on request, succeeded, usable, and its whole remark matches."""
    return (
        record.backup_type.lower() == MANUAL
        and record.has_succeeded
        and record.is_usable is not False
        and matches(without_mark(record.remark))
    )


def decide(
    records: Iterable[BackupRecord],
    *,
    keep: int,
    matches: Callable[[str], bool],
    keep_ids: Collection[str] = (),
    needed: Mapping[str, str] | None = None,
    leaving: Collection[str] = (),
    foreseen: int = 0,
) -> Decision:
    """Decide it; the same for the same backups, in whatever order they are listed.

    Since at least one is kept, the newest backup of the instance that succeeded never goes, whatever the pattern.

    Args:
        records: every backup of the instance.
        keep: how many of the newest stay; at least 1.
        matches: whether a remark, without its mark, matches.
        keep_ids: backups that stay whatever their age; in capitals or not.
        needed: likewise, with who needs each, in words.
        leaving: backups that somebody else deletes in the same run: they are not counted among those that stay.
        foreseen: how many newer ones that match the same run takes before the deletion.
    """
    named = {each.lower() for each in keep_ids}
    eligible = [each for each in records if each.backup_id not in leaving and is_eligible(each, matches)]
    dated = sorted(((each.created, each.backup_id, each) for each in eligible if each.created is not None), key=_order)
    newest_first = [record for _, _, record in reversed(dated)]
    newest = {record.backup_id for record in newest_first[: max(0, keep - foreseen)]}
    deleted: list[BackupRecord] = []
    kept: list[Kept] = []
    for record in newest_first:
        backup_id = record.backup_id
        if backup_id in newest:
            kept.append(Kept(record, Reason.NEWEST))
        elif backup_id.lower() in named:
            kept.append(Kept(record, Reason.NAMED))
        elif needed is not None and backup_id in needed:
            kept.append(Kept(record, Reason.NEEDED, needed[backup_id]))
        else:
            deleted.append(record)
    kept += [Kept(record, Reason.NOT_DATED) for record in eligible if record.created is None]
    return Decision(tuple(reversed(deleted)), tuple(kept))


def _order(row: tuple[datetime, str, BackupRecord]) -> tuple[datetime, str]:
    return row[0], row[1]

"""Applies the rule to an instance's list: the same way in a preview, in an ``up`` and in a refresh."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass

from ..api.backups import BackupRecord
from ..operations.record_cache import Snapshot
from ..resources.mark import without_mark
from ..resources.run_backups import RunBackup
from ..session import Session
from .decision import Decision, decide
from .needs import needs_of
from .pattern import matcher
from .properties import Inputs


@dataclass(frozen=True)
class Survey:
    """What was decided, and what it counted on.

    Attributes:
        foreseen: the backups that this run is about to take, and that count as the newest.
    """

    decision: Decision
    foreseen: tuple[RunBackup, ...] = ()


def survey(
    session: Session,
    urn: str,
    inputs: Inputs,
    snapshot: Snapshot[BackupRecord],
    run_backups: Collection[RunBackup],
    *,
    is_preview: bool,
    not_before: float,
) -> Survey:
    """Decide what goes.

    The state is read only if anything might go.

    Args:
        snapshot: a complete list of the instance's backups.
        run_backups: those of the instance that the program has declared before. In an ``up``, the list has those that
            were taken; in a preview they are foreseen.
        not_before: a state that was read before (monotonic) is read again.

    Raises:
        StateUnreadableError: the state can't be read.
        PatternTooSlowError: the pattern can't be matched in time.
    """
    records = list(snapshot.records.values())
    declared = [each for each in run_backups if is_preview and each.is_new and each.is_awaited]
    remarks = [without_mark(each.remark) for each in records] + [each.remark or "" for each in declared]
    matches = matcher(inputs.remark, remarks)
    foreseen = tuple(each for each in declared if each.remark is None or matches(each.remark))

    decided = functools.partial(
        decide, records, keep=inputs.keep, matches=matches, keep_ids=inputs.keep_ids, foreseen=len(foreseen)
    )
    first = decided()
    if not first.deleted:
        return Survey(first, foreseen)
    everything = {record.backup_id for record in records}
    needs = needs_of(
        session, urn, inputs.instance_id, everything, run_backups, is_preview=is_preview, not_before=not_before
    )
    return Survey(decided(needed=needs.by_id, leaving=needs.leaving), foreseen)

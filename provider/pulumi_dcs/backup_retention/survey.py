"""Applies the rule to an instance's list: the same way in a preview, in an ``up`` and in a refresh."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..api.backups import BackupRecord
from ..operations.record_cache import Snapshot
from ..resources.mark import without_mark
from ..resources.run_backups import RunBackup, RunBackups
from ..session import Session
from .decision import Decision, Reason, decide
from .needs import needs_of, read_state
from .pattern import matcher
from .properties import Inputs
from .siblings import Siblings


@dataclass(frozen=True)
class Survey:
    """What was decided, and what it counted on.

    Attributes:
        foreseen: the backups that this run is about to take, and that count as the newest.
        is_secret: whether a backup of the instance has a secret remark, so that older ones may have had it as well.
    """

    decision: Decision
    foreseen: tuple[RunBackup, ...] = ()
    is_secret: bool = False


def survey(
    session: Session,
    urn: str,
    properties: Mapping[str, Any],
    snapshot: Snapshot[BackupRecord],
    *,
    is_preview: bool,
) -> Survey:
    """Decide what goes.

    The state is read only if anything might go.

    Args:
        properties: the retention's inputs.
        snapshot: a complete list of the instance's backups.
        is_preview: whether the backups that the program has declared before are still to be taken; else the list has
            them.

    Raises:
        StateUnreadableError: the state can't be read.
        PatternTooSlowError: the pattern can't be matched in time.
    """
    inputs, records, of_this_run = Inputs.of(properties), list(snapshot.records.values()), session.shared(RunBackups)
    run_backups = of_this_run.of(properties)
    declared = [each for each in run_backups if is_preview and each.is_new and each.is_awaited]
    remarks = {without_mark(each.remark) for each in records} | {each.remark or "" for each in declared}

    def foreseen_by(matches: Callable[[str], bool]) -> tuple[RunBackup, ...]:
        return tuple(each for each in declared if each.remark is None or matches(each.remark))

    matches = matcher(inputs.remark, remarks)
    foreseen = foreseen_by(matches)
    decided = functools.partial(
        decide, records, keep=inputs.keep, matches=matches, keep_ids=inputs.keep_ids, foreseen=len(foreseen)
    )
    first = decided()
    if not first.deleted:
        return Survey(first, foreseen)
    # Only as of the list: what the state holds later is newer than that.
    state = read_state(session, urn, inputs.instance_id, not_before=snapshot.started_at)
    needs = needs_of(
        session,
        state,
        urn=urn,
        instance_id=inputs.instance_id,
        backup_ids=snapshot.records,
        run_backups=run_backups,
        needed=of_this_run.needed,
        is_preview=is_preview,
    )
    needs.leaving |= of_this_run.deleted
    for sibling in session.shared(Siblings).of(urn, properties, state.resources):
        for backup_id in sibling.keep_ids:
            needs.by_id.setdefault(backup_id, f"{sibling.name!r} names it")
        others = matcher(sibling.remark, remarks) if sibling.remark is not None else bool
        theirs = decide(
            records, keep=sibling.keep, matches=others, leaving=needs.leaving, foreseen=len(foreseen_by(others))
        )
        for kept in theirs.kept:
            if kept.reason is Reason.NEWEST:
                needs.by_id.setdefault(kept.record.backup_id, f"{sibling.name!r} counts it among its newest")
    is_secret = needs.has_secret_remarks or any(each.is_secret for each in run_backups)
    return Survey(decided(needed=needs.by_id, leaving=needs.leaving), foreseen, is_secret)

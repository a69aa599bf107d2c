"""Keeps a new backup from pushing out one that somebody relies on: the service keeps 24 of an instance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Final

from ..api.backups import BackupRecord
from ..engine.urn import resource_name
from ..operations.errors import OperationError
from ..operations.operation import Operation
from ..operations.record_cache import Snapshot
from .backups import is_ours

MAX_BACKUPS: Final = 24
"""Backups that the service keeps of an instance, automatic and manual ones together."""
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


class LimitReachedError(OperationError):
    """A new backup would push out one that a resource holds or that was to be kept."""


def check_limit(
    snapshot: Snapshot[BackupRecord],
    operation: Operation,
    instance_id: str,
    *,
    holders: Callable[[], Mapping[str, str]],
    was_ours: Callable[[str], bool],
    goes_anyway: Callable[[str], bool] = lambda _: False,
) -> None:
    """Make sure that nothing is lost by one backup more.

    Args:
        holders: the backups that the stack's state holds, with their URNs; asked only at the limit.
        was_ours: whether a backup was once made by this package, as far as this machine knows.
        goes_anyway: whether a backup is deleted anyway once the new one is there; asked only at the limit.

    Raises:
        LimitReachedError: the one that would go is held by a resource, or was to be kept.
    """
    living = [record for record in snapshot.records.values() if not record.is_gone]
    if len(living) < MAX_BACKUPS:
        return
    oldest = min(living, key=lambda record: record.created or _LONG_AGO)
    if goes_anyway(oldest.id):
        return
    holder = holders().get(oldest.id)
    if holder is not None:
        whose = f"which {resource_name(holder)!r} holds"
    elif is_ours(oldest) or was_ours(oldest.id):
        whose = "which an InstanceBackup made and left at the service"
    else:
        operation.warn(
            f"Instance {instance_id} has {len(living)} backups: the service pushes out the oldest, backup {oldest.id}."
        )
        return
    raise LimitReachedError(
        f"No backup of instance {instance_id} was started: it has {len(living)} backups, and the service would push "
        f"out the oldest, backup {oldest.id}, {whose}.",
        advice=f"delete a backup of this instance that is no longer needed; at most {MAX_BACKUPS} are kept.",
    )

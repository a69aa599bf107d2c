"""What becomes of a backup that is replaced: the engine goes by the option that its saved state has."""

from __future__ import annotations

from enum import Enum

from ..recovery.evidence import record_id_of
from ..session import Session


class Fate(Enum):
    """What becomes of a backup that is replaced."""

    DELETED = "deleted"
    KEPT = "kept"
    GONE = "gone"
    UNKNOWN = "unknown"


def fate_of(session: Session, urn: str, backup_id: str) -> Fate:
    """What becomes of a backup that a stack's state holds, once it is replaced.

    The option can come from a component or a transform, and the resource may have had another name: so nothing but that
    state knows.
    """
    for held in session.in_state(urn):
        if record_id_of(held.id) == backup_id and not held.is_pending_delete and not held.is_external:
            if held.retains_on_delete:
                return Fate.KEPT
            return Fate.GONE if held.is_deleted else Fate.DELETED
    return Fate.UNKNOWN

"""What other resources of the same run are told of a backup that the program declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.unknowns import has_unknowns
from ..resources.run_backups import RunBackup, location_of


def run_backup(urn: str, inputs: Mapping[str, Any], *, is_new: bool, is_secret: bool) -> RunBackup:
    """The backup with these checked inputs.

    Args:
        is_new: whether this run takes it.
        is_secret: whether its remark is a secret.
    """
    remark = inputs.get("remark", "")
    return RunBackup(
        urn,
        location_of(inputs),
        None if has_unknowns(remark) else str(remark),
        is_new=is_new,
        is_awaited=inputs.get("wait") is not False,
        adopted_id=str(inputs.get("adopt_backup_id") or ""),
        is_secret=is_secret,
    )

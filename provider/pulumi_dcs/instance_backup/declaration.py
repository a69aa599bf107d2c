"""What other resources of the same run are told of a backup that the program declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.requests import top_level_names
from ..engine.unknowns import has_unknowns
from ..resources.names import SECRET_INPUTS
from ..resources.run_backups import RunBackup, location_of
from .properties import inputs_hash


def run_backup(urn: str, inputs: Mapping[str, Any], *, is_new: bool, is_secret: bool) -> RunBackup:
    """The backup with these checked inputs.

    Args:
        is_new: whether this run takes it.
        is_secret: whether its remark is a secret.
    """
    remark, secrets = inputs.get("remark", ""), top_level_names(inputs.get(SECRET_INPUTS) or ())
    return RunBackup(
        urn,
        location_of(inputs),
        None if has_unknowns(remark) else str(remark),
        is_new=is_new,
        is_awaited=inputs.get("wait") is not False,
        adopted_id=str(inputs.get("adopt_backup_id") or ""),
        is_secret=is_secret,
        inputs_hash=inputs_hash({name: value for name, value in inputs.items() if name not in secrets}),
    )

"""The resource's properties: its inputs, what it tells of the backups that go, and what a change of inputs means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..api.backups import BackupRecord
from ..engine.requests import PropertyDiffKind
from ..engine.unknowns import has_unknowns
from ..resources.inputs import canonical_json, kind_of_change, secret_updates
from ..resources.mark import without_mark
from ..resources.names import ENDPOINT, SECRET_INPUTS
from .names import DEFAULT_MAX_DELETIONS, DELETED_IDS, DELETES, SURPLUS
from .names import INPUTS as INPUT_NAMES

UNSETTLED: Final = "__unsettled"
"""The hidden input by which a refresh tells the next check that there is something to delete."""
COUNTED: Final = "__counted"
"""The hidden input that tells which declared backups the last run that came to its end has counted: so a run that was
killed, or could not ask the service, is not taken for one that has nothing to do. In a preview it is not known: a plan
must not hold an ``up`` to it."""
_REPLACING: Final = ("instance_id", "region", "project_id")
_UPDATING: Final = ("keep", "remark", "keep_ids", "max_deletions", "triggers")
_DEFAULTS: Final[Mapping[str, Any]] = {"keep_ids": [], "max_deletions": DEFAULT_MAX_DELETIONS, "triggers": {}}
DECIDING: Final = ("instance_id", "region", "project_id", "keep", "remark", "keep_ids", "max_deletions")
"""The inputs that have to be known to decide anything."""


@dataclass(frozen=True)
class Inputs:
    """What the user declared, checked, every value known and of the right type."""

    instance_id: str
    keep: int
    remark: str
    keep_ids: tuple[str, ...] = ()
    max_deletions: int = DEFAULT_MAX_DELETIONS
    deletes: tuple[str, ...] = ()
    """The backups that ``check`` has found to be deleted, the oldest first."""

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Inputs:
        """Read checked properties, in which everything is known that decides."""
        limit = properties.get("max_deletions")
        return cls(
            instance_id=str(properties["instance_id"]),
            keep=int(properties["keep"]),
            remark=str(properties["remark"]),
            keep_ids=tuple(properties.get("keep_ids") or ()),
            max_deletions=DEFAULT_MAX_DELETIONS if limit is None else int(limit),
            deletes=listed_ids(properties),
        )


def canonical_inputs(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as they are kept: nothing but inputs, and nothing that says nothing."""
    kept = {name: properties[name] for name in INPUT_NAMES if properties.get(name) is not None}
    if properties.get(SECRET_INPUTS):
        kept[SECRET_INPUTS] = list(properties[SECRET_INPUTS])
    return kept


def listed_ids(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the backups that these inputs say go."""
    rows = properties.get(DELETES)
    if not isinstance(rows, (list, tuple)):
        return ()
    return tuple(str(row["backup_id"]) for row in rows if isinstance(row, Mapping) and row.get("backup_id"))


def listed(records: Iterable[BackupRecord], *, is_secret: bool) -> list[dict[str, Any]]:
    """The backups that go, as an input.

    Args:
        is_secret: whether the pattern is a secret; then the remarks that match it are not shown either.
    """
    rows = []
    for record in records:
        row: dict[str, Any] = {"backup_id": record.backup_id, "created_at": record.created_at}
        if record.size is not None:
            row["size"] = record.size
        if not is_secret:
            row["remark"] = without_mark(record.remark)
        rows.append(row)
    return rows


def outputs(inputs: Mapping[str, Any], *, deleted_ids: Iterable[str], surplus: int, endpoint: str) -> dict[str, Any]:
    """All that is kept of a retention. What was to be deleted is no output: once it is done, there is nothing to go."""
    kept = canonical_inputs(inputs)
    if endpoint:
        kept[ENDPOINT] = endpoint
    return {**kept, SURPLUS: surplus, DELETED_IDS: list(deleted_ids)}


def replacements(old_inputs: Mapping[str, Any], new_inputs: Mapping[str, Any]) -> dict[str, PropertyDiffKind]:
    """Which inputs make it the retention of another instance."""
    return {
        name: PropertyDiffKind.UPDATE_REPLACE if old_inputs.get(name) is not None else PropertyDiffKind.ADD_REPLACE
        for name in _REPLACING
        if canonical_json(old_inputs.get(name)) != canonical_json(new_inputs.get(name))
    }


def updates(
    old_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any], new_inputs: Mapping[str, Any]
) -> dict[str, PropertyDiffKind]:
    """What an update changes: inputs that say something else, a value that has become secret."""
    changes = {}
    for name in changed(old_inputs, new_inputs):
        before, declared = old_inputs.get(name), new_inputs.get(name)
        changes[name] = kind_of_change(before, declared)
    return changes | secret_updates(old_outputs, new_inputs)


def changed(old_inputs: Mapping[str, Any], new_inputs: Mapping[str, Any]) -> list[str]:
    """Those inputs, but for the ones that name the instance, that say something else than before."""
    return [name for name in _UPDATING if _said(old_inputs, name) != _said(new_inputs, name)]


def not_known(inputs: Mapping[str, Any]) -> list[str]:
    """The inputs that decide and are not known yet."""
    return [name for name in DECIDING if has_unknowns(inputs.get(name))]


def _said(inputs: Mapping[str, Any], name: str) -> str:
    value = inputs.get(name)
    return canonical_json(_DEFAULTS.get(name) if value is None else value)

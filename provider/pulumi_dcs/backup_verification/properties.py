"""The resource's properties: its inputs, its outputs made from what was counted, and what calls for another count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..api.backups import BackupRecord
from ..engine.requests import PropertyDiffKind
from ..engine.unknowns import has_unknowns
from ..operations.errors import OperationError
from ..resources.inputs import canonical_json, newly_secret
from ..resources.names import ENDPOINT, SECRET_INPUTS
from .counts import Counts
from .names import INPUTS as INPUT_NAMES
from .names import TASKS

DEFAULT_MINIMUM: Final = 1
"""Keys. A backup without any is most often one that was taken after the data was lost."""
_REPLACING: Final = ("instance_id", "backup_id", "triggers", "region", "project_id")


@dataclass(frozen=True)
class Inputs:
    """What the user declared, checked, every value of the right type; None for what was not given."""

    instance_id: str
    backup_id: str = ""
    minimum_keys: int = DEFAULT_MINIMUM
    triggers: Mapping[str, Any] | None = None
    region: str | None = None
    project_id: str | None = None

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Inputs:
        """Read checked properties; what is not known yet counts as not given."""
        known = {
            name: properties[name]
            for name in INPUT_NAMES
            if properties.get(name) is not None and not has_unknowns(properties[name])
        }
        return cls(**{"instance_id": "", **known})


class TooFewKeysError(OperationError):
    """A backup can be read, but holds fewer keys than it has to."""


def check_enough(key_count: int, by_type: Mapping[str, int], inputs: Inputs) -> None:
    """Make sure that the backup holds enough keys.

    Raises:
        TooFewKeysError: it does not.
    """
    if key_count >= inputs.minimum_keys:
        return
    types = ", ".join(f"{number} of type {name}" for name, number in sorted(by_type.items()))
    raise TooFewKeysError(
        f"Backup {inputs.backup_id} of instance {inputs.instance_id} can be read, but it holds "
        f"{key_count or 'no'} key{'s' * (key_count != 1)}: minimum_keys is {inputs.minimum_keys}.",
        facts=[types] if types else [],
        advice="find out whether the instance held its data when the backup was taken; rely on an older backup until "
        "then. If so few keys are right, lower minimum_keys.",
    )


def canonical_inputs(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as they are kept: nothing but inputs, and nothing that says nothing."""
    kept = {name: properties[name] for name in INPUT_NAMES if properties.get(name) is not None}
    if kept.get("triggers") == {}:
        del kept["triggers"]
    if properties.get(SECRET_INPUTS):
        kept[SECRET_INPUTS] = list(properties[SECRET_INPUTS])
    return kept


def outputs(inputs: Mapping[str, Any], counts: Counts, backup: BackupRecord, endpoint: str) -> dict[str, Any]:
    """All that is kept of a verification: its inputs, what was counted, and of which backup."""
    kept = {
        **inputs,
        "key_count": counts.keys,
        "key_bytes": counts.bytes,
        "keys_by_type": dict(counts.by_type),
        "verified_at": counts.finished_at,
        "backup_created_at": backup.created_at,
        "backup_size": backup.size,
        ENDPOINT: endpoint,
    }
    return {name: value for name, value in kept.items() if value is not None and value != ""}


def unfinished(inputs: Mapping[str, Any], tasks: Mapping[str, str], endpoint: str) -> dict[str, Any]:
    """What is kept of a verification that was cut short."""
    return {**inputs, TASKS: dict(tasks), ENDPOINT: endpoint}


def is_finished(properties: Mapping[str, Any]) -> bool:
    """Whether the keys have been counted."""
    return "key_count" in properties


def tasks_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """The service's tasks of a verification that was cut short."""
    tasks = properties.get(TASKS)
    return {str(node): str(task) for node, task in tasks.items()} if isinstance(tasks, Mapping) else {}


def outputs_with(new_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs after an update that counts nothing."""
    kept = {name: value for name, value in old_outputs.items() if name not in {*INPUT_NAMES, SECRET_INPUTS}}
    return {**canonical_inputs(new_inputs), **kept}


def replacements(old_inputs: Mapping[str, Any], new_inputs: Mapping[str, Any]) -> dict[str, PropertyDiffKind]:
    """Which inputs call for another verification, and how each changed."""
    return {
        name: kind
        for name in _REPLACING
        if (kind := _change(old_inputs.get(name), new_inputs.get(name), replaces=True)) is not None
    }


def updates(
    old_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any], new_inputs: Mapping[str, Any]
) -> dict[str, PropertyDiffKind]:
    """Which inputs changed without calling for another verification, where that is worth showing."""
    changes = {}
    before, declared = old_inputs.get("minimum_keys"), new_inputs.get("minimum_keys")
    is_changed = has_unknowns(declared) or Inputs.of(old_inputs).minimum_keys != Inputs.of(new_inputs).minimum_keys
    kind = _change(before, declared)
    if is_changed and kind is not None:
        changes["minimum_keys"] = kind
    if newly_secret(old_outputs, new_inputs):
        # Not by its own name: the engine would show the value that was no secret before.
        changes[SECRET_INPUTS] = PropertyDiffKind.UPDATE
    return changes


def _change(before: Any, declared: Any, *, replaces: bool = False) -> PropertyDiffKind | None:
    """How a property changed; None where it did not."""
    if canonical_json(declared) == canonical_json(before):
        return None
    if before is None:
        return PropertyDiffKind.ADD_REPLACE if replaces else PropertyDiffKind.ADD
    if declared is None:
        return PropertyDiffKind.DELETE_REPLACE if replaces else PropertyDiffKind.DELETE
    return PropertyDiffKind.UPDATE_REPLACE if replaces else PropertyDiffKind.UPDATE

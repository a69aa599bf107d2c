"""The resource's properties: its inputs, its outputs made from a backup record, and what calls for a new backup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..api.backup_format import BackupFormat
from ..api.backups import BackupRecord, BackupStatus
from ..api.parsing import percent_of
from ..engine.requests import PropertyDiffKind
from ..engine.unknowns import has_unknowns
from ..resources.inputs import canonical_json, hash_of, kind_of_change, secret_updates, wait_updates
from ..resources.mark import is_same_remark, without_mark
from ..resources.names import ENDPOINT, SECRET_INPUTS
from .names import INPUTS as INPUT_NAMES
from .names import OUTPUTS


@dataclass(frozen=True)
class Inputs:
    """What the user declared, checked, every value of the right type; None for what was not given."""

    instance_id: str
    remark: str | None = None
    backup_format: BackupFormat | None = None
    triggers: Mapping[str, Any] | None = None
    region: str | None = None
    project_id: str | None = None
    wait: bool = True
    adopt_backup_id: str | None = None
    retain_on_delete: bool = False
    """The resource's option of that name, kept because Pulumi tells policies nothing of it."""

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Inputs:
        """Read checked properties; what is not known yet counts as not given."""
        known = {
            name: properties[name]
            for name in INPUT_NAMES
            if properties.get(name) is not None and not has_unknowns(properties[name])
        }
        if "backup_format" in known:
            known["backup_format"] = BackupFormat(known["backup_format"])
        return cls(**{"instance_id": "", **known})


_REPLACING: Final = ("instance_id", "region", "project_id", "remark", "backup_format", "triggers")
_RECORD_NAMES: Final = tuple(name for name in OUTPUTS if name not in {"backup_id", "status", ENDPOINT})
"""The outputs that are the record's own, by its names."""


def canonical_inputs(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as they are kept: nothing but inputs, and nothing that says nothing."""
    kept = {name: properties[name] for name in INPUT_NAMES if properties.get(name) is not None}
    if kept.get("remark") == "":
        del kept["remark"]
    if isinstance(kept.get("adopt_backup_id"), str):
        kept["adopt_backup_id"] = kept["adopt_backup_id"].strip()
    if properties.get(SECRET_INPUTS):
        kept[SECRET_INPUTS] = list(properties[SECRET_INPUTS])
    return kept


def outputs(
    inputs: Mapping[str, Any], backup_id: str, record: BackupRecord | None, endpoint: str = ""
) -> dict[str, Any]:
    """All that is kept of a backup: its inputs, where it is, and its record as far as there is one."""
    kept = dict(inputs)
    kept["backup_id"] = backup_id
    kept.setdefault("backup_format", BackupFormat.RDB.value)
    if endpoint:
        kept[ENDPOINT] = endpoint
    if record is None:
        kept["status"] = BackupStatus.WAITING.value
        return kept
    kept["status"] = record.status_text or record.status.value
    kept.update({name: getattr(record, name) for name in _RECORD_NAMES})
    remark = without_mark(record.remark)
    if remark or "remark" in kept:
        kept["remark"] = remark
    if record.backup_format:
        kept["backup_format"] = record.backup_format
    return {name: value for name, value in kept.items() if value is not None and value != ""}


def drifted_inputs(
    old_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any], record: BackupRecord
) -> dict[str, Any]:
    """The inputs as they would have to be declared for the backup as it is now.

    What the service makes of a text when it takes it is no drift: only what has changed at the service since is.
    """
    inputs = dict(old_inputs)
    remark = without_mark(record.remark)
    if "remark" in inputs and not any(
        is_same_remark(remark, str(known.get("remark") or "")) for known in (old_outputs, old_inputs)
    ):
        inputs["remark"] = remark
    if "backup_format" in inputs and record.backup_format:
        inputs["backup_format"] = record.backup_format
    return inputs


def replacements(
    old_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any], new_inputs: Mapping[str, Any]
) -> dict[str, PropertyDiffKind]:
    """Which inputs call for a new backup, and how each changed.

    Inputs are compared with inputs. Only what was left out before and is named now is compared with what the backup
    has: naming what is so anyway is no change.

    Args:
        old_inputs: what was declared last time.
        old_outputs: what is known of the backup.
        new_inputs: what is declared now, checked.
    """
    is_adopted = old_outputs.get("adopt_backup_id") is not None
    changes = {}
    for name in _REPLACING:
        declared, before, actual = new_inputs.get(name), old_inputs.get(name), old_outputs.get(name)
        if declared is None:
            # An adopted backup is what it is: leaving a property out accepts whatever it has.
            is_changed = before is not None and not is_adopted and not _is_default(name, before)
        elif before is None:
            is_changed = not _is_as_it_is(name, declared, actual)
        else:
            is_changed = canonical_json(declared) != canonical_json(before)
        if is_changed:
            shown = before if before is not None else actual
            changes[name] = kind_of_change(shown, declared, replaces=True)
    return changes


def updates(
    old_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any], new_inputs: Mapping[str, Any]
) -> dict[str, PropertyDiffKind]:
    """Which inputs changed without calling for a new backup, where that is worth showing."""
    return wait_updates(old_inputs, new_inputs) | secret_updates(old_outputs, new_inputs)


def inputs_hash(inputs: Mapping[str, Any]) -> str:
    """A short text that tells these inputs from others that would make another backup."""
    return hash_of(inputs, _REPLACING)


def replacing_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Those among the inputs that call for a new backup when they change."""
    return {name: inputs[name] for name in _REPLACING if inputs.get(name) is not None}


def status_of(properties: Mapping[str, Any]) -> BackupStatus:
    """The status that the state has."""
    return BackupStatus.of(str(properties.get("status") or ""))


def is_settled(properties: Mapping[str, Any]) -> bool:
    """Whether the backup's status, as the state has it, will not change by waiting."""
    status = status_of(properties)
    return status.is_final or (status is BackupStatus.UNKNOWN and percent_of(properties.get("progress")) == 100)


def outputs_with(new_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs after an update that changes nothing at the service."""
    made_by_service = {"remark", "backup_format"}
    kept = {name: value for name, value in old_outputs.items() if name not in {*INPUT_NAMES, SECRET_INPUTS}}
    kept |= {name: old_outputs[name] for name in made_by_service if name in old_outputs}
    return {**canonical_inputs(new_inputs), **kept}


def _is_as_it_is(name: str, declared: Any, actual: Any) -> bool:
    if actual is None:
        return _is_default(name, declared)
    if name == "remark" and isinstance(declared, str):
        return is_same_remark(declared, str(actual))
    return canonical_json(declared) == canonical_json(actual)


def _is_default(name: str, value: Any) -> bool:
    return (name == "backup_format" and value == BackupFormat.RDB.value) or (name == "triggers" and value == {})

"""The resource's properties: its inputs, its outputs made from a record, and what calls for another restore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from ..api.backups import BackupRecord
from ..api.migrations import MigrationStatus
from ..api.restores import RestoreStatus
from ..engine.requests import PropertyDiffKind
from ..engine.unknowns import has_unknowns
from ..resources.inputs import canonical_json, hash_of, kind_of_change, secret_updates, wait_updates
from ..resources.names import ENDPOINT, SECRET_INPUTS
from .names import INPUTS as INPUT_NAMES
from .names import TARGET_PASSWORD
from .service import RestoreLike

GONE: Final = "gone"
"""The status, in our own word, of a restore whose record the service no longer lists, so that its end is not known."""
_REPLACING: Final = (
    "instance_id",
    "backup_id",
    "source_instance_id",
    TARGET_PASSWORD,
    "remark",
    "triggers",
    "region",
    "project_id",
)
_HASHED: Final = tuple(name for name in _REPLACING if name != TARGET_PASSWORD)
"""A hash on disk would let a weak password be guessed."""


@dataclass(frozen=True)
class Inputs:
    """What the user declared, checked, every value of the right type; None for what was not given."""

    instance_id: str
    backup_id: str = ""
    source_instance_id: str | None = None
    target_password: str | None = None
    remark: str | None = None
    triggers: Mapping[str, Any] | None = None
    region: str | None = None
    project_id: str | None = None
    wait: bool = True
    adopt_restore_id: str | None = None

    @property
    def is_import(self) -> bool:
        """Whether the backup is another instance's."""
        return self.source_instance_id not in (None, self.instance_id)

    @property
    def backed_up_id(self) -> str:
        """The instance that the backup is of."""
        return self.source_instance_id or self.instance_id

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Inputs:
        """Read checked properties; what is not known yet counts as not given."""
        known = {
            name: properties[name]
            for name in INPUT_NAMES
            if properties.get(name) is not None and not has_unknowns(properties[name])
        }
        return cls(**{"instance_id": "", **known})


class Phase(Enum):
    """Where a restore stands, whatever it is called at the service. What nobody has documented is running."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    GONE = "gone"


def phase_of(properties: Mapping[str, Any]) -> Phase:
    """Where the restore stands, as the state has it."""
    text = str(properties.get("status") or "")
    if text == GONE:
        return Phase.GONE
    if Inputs.of(properties).is_import:
        task = MigrationStatus.of(text)
        if task is MigrationStatus.SUCCESS:
            return Phase.SUCCEEDED
        return Phase.FAILED if task.has_failed else Phase.RUNNING
    status = RestoreStatus.of(text)
    if status is RestoreStatus.SUCCEED:
        return Phase.SUCCEEDED
    return Phase.FAILED if status is RestoreStatus.FAILED else Phase.RUNNING


def canonical_inputs(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as they are kept: nothing but inputs, and nothing that says nothing."""
    kept = {name: properties[name] for name in INPUT_NAMES if properties.get(name) is not None}
    for name, nothing in (("remark", ""), (TARGET_PASSWORD, ""), ("triggers", {})):
        if kept.get(name) == nothing:
            kept.pop(name, None)
    source = kept.get("source_instance_id")
    if source == kept.get("instance_id") and not has_unknowns(source):
        kept.pop("source_instance_id", None)
    if isinstance(kept.get("adopt_restore_id"), str):
        kept["adopt_restore_id"] = kept["adopt_restore_id"].strip()
    if properties.get(SECRET_INPUTS):
        kept[SECRET_INPUTS] = list(properties[SECRET_INPUTS])
    return kept


def outputs(
    inputs: Mapping[str, Any],
    restore_id: str,
    record: RestoreLike | None,
    endpoint: str = "",
    backup: BackupRecord | None = None,
) -> dict[str, Any]:
    """All that is kept of a restore: its inputs but the password, where it is, and its record as far as there is one.

    Args:
        backup: what it was restored from, if it could be found.
    """
    kept = {name: value for name, value in inputs.items() if name != TARGET_PASSWORD}
    kept["restore_id"] = restore_id
    kept[ENDPOINT] = endpoint
    is_import = Inputs.of(inputs).is_import
    kept["status"] = MigrationStatus.MIGRATING.value if is_import else RestoreStatus.WAITING.value
    if record is not None:
        kept |= {
            "status": record.status_text,
            "progress": record.progress,
            "error_code": record.error_code,
            "started_at": record.created_at,
            "finished_at": record.finished_at,
            "backup_name": record.backup_name,
        }
    if backup is not None:
        kept["backup_name"] = kept.get("backup_name") or backup.backup_name
        kept |= {"backup_created_at": backup.created_at, "backup_size": backup.size}
    return {name: value for name, value in kept.items() if value is not None and value != ""}


def outputs_with(new_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The outputs after something that has changed nothing at the service, with these in place of what they were."""
    kept = {name: value for name, value in old_outputs.items() if name not in {*INPUT_NAMES, SECRET_INPUTS}}
    declared = {name: value for name, value in canonical_inputs(new_inputs).items() if name != TARGET_PASSWORD}
    return {**declared, **kept, **changes}


def replacements(old_inputs: Mapping[str, Any], new_inputs: Mapping[str, Any]) -> dict[str, PropertyDiffKind]:
    """Which inputs call for another restore, and how each changed.

    Args:
        old_inputs: what was declared last time. Where the engine does not say, its outputs, which have no password:
            then that proves no change.
        new_inputs: what is declared now, checked.
    """
    has_no_password = "restore_id" in old_inputs
    changes = {}
    for name in _REPLACING:
        declared, before = new_inputs.get(name), old_inputs.get(name)
        if (name == TARGET_PASSWORD and has_no_password) or canonical_json(declared) == canonical_json(before):
            continue
        changes[name] = kind_of_change(before, declared, replaces=True)
    return changes


def updates(
    old_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any], new_inputs: Mapping[str, Any]
) -> dict[str, PropertyDiffKind]:
    """Which inputs changed without calling for another restore, where that is worth showing."""
    return wait_updates(old_inputs, new_inputs) | secret_updates(old_outputs, new_inputs)


def inputs_hash(inputs: Mapping[str, Any]) -> str:
    """A short text that tells these inputs from others that would be another restore."""
    return hash_of(inputs, _HASHED)


def replacing_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Those among the inputs that call for another restore when they change."""
    return {name: inputs[name] for name in _REPLACING if inputs.get(name) is not None}

"""The resource's properties: its inputs, checked; its outputs, made from a backup record; what replaces it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from pulumi.output import Unknown
from pulumi.runtime.rpc import UNKNOWN

from ..api.parsing import BackupFormat, BackupRecord, BackupStatus
from ..config.settings import is_region
from ..engine.host import PropertyChange

LONGEST_REMARK: Final = 128
DRY_RUN: Final = "__dryRun"
"""Set by the resource in previews, where a provider can't otherwise tell; check takes it out again."""
ORGANIZATION: Final = "__organization"
"""Set by the resource where the stack belongs to one, for the same reason; check takes it out again."""

MARK: Final = re.compile(r" ?~dcs:[0-9a-f]{12}$")
"""What is added to a remark where ``dcs:mark`` is on."""
MARK_LENGTH: Final = len(" ~dcs:0123456789ab")

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_ID_RULE: Final = "letters, digits, - and _"


@dataclass(frozen=True)
class Inputs:
    """What the user declared, every value of the right type; None for what was not given."""

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
        """Read checked properties."""
        known: dict[str, Any] = {name: properties[name] for name in INPUT_NAMES if properties.get(name) is not None}
        if "backup_format" in known:
            known["backup_format"] = BackupFormat(known["backup_format"])
        return cls(**known)


INPUT_NAMES: Final = tuple(field.name for field in fields(Inputs))
OUTPUT_NAMES: Final = (
    "backup_id",
    "backup_name",
    "backup_type",
    "status",
    "progress",
    "size",
    "created_at",
    "updated_at",
    "error_code",
    "is_support_restore",
)
_REPLACING: Final = ("instance_id", "region", "project_id", "remark", "backup_format", "triggers")


@dataclass(frozen=True)
class Failure:
    """An input that can't be used.

    The engine shows it as ``property remark value {…} has a problem: <reason>``.
    """

    property: str
    reason: str


def check(properties: Mapping[str, Any], *, is_marked: bool = False) -> Iterator[Failure]:
    """Everything that is wrong with the inputs by themselves. Unknown values pass.

    Args:
        is_marked: whether the remark has to leave room for a mark.
    """
    remark = properties.get("remark")
    if is_marked and isinstance(remark, str) and LONGEST_REMARK - MARK_LENGTH < len(remark) <= LONGEST_REMARK:
        most = LONGEST_REMARK - MARK_LENGTH
        yield Failure("remark", f"it has {len(remark)} characters; with dcs:mark on, shorten it to at most {most}.")
    for name, rule in _RULES.items():
        value = properties.get(name)
        if value is None:
            if name == "instance_id":
                yield Failure(name, "it is missing; give the id of the DCS instance to back up.")
        elif not has_unknowns(value) and (reason := rule(value)):
            yield Failure(name, reason)


def normalised(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as they are kept: nothing but inputs, nothing that says nothing."""
    kept = {name: properties[name] for name in INPUT_NAMES if properties.get(name) is not None}
    if kept.get("remark") == "":
        del kept["remark"]
    if isinstance(kept.get("adopt_backup_id"), str):
        kept["adopt_backup_id"] = kept["adopt_backup_id"].strip()
    return kept


def outputs(inputs: Mapping[str, Any], backup_id: str, record: BackupRecord | None) -> dict[str, Any]:
    """All that is kept of a backup: its inputs, and its record as far as there is one."""
    kept = dict(inputs)
    kept["backup_id"] = backup_id
    kept.setdefault("backup_format", BackupFormat.RDB.value)
    if record is None:
        kept["status"] = BackupStatus.WAITING.value
        return kept
    for name in OUTPUT_NAMES[1:]:
        value = getattr(record, name)
        kept[name] = value.value if isinstance(value, BackupStatus) else value
    remark = MARK.sub("", record.remark)
    if remark or "remark" in kept:
        kept["remark"] = remark
    if record.backup_format:
        kept["backup_format"] = record.backup_format
    return {name: value for name, value in kept.items() if value is not None and value != ""}


def replacements(
    old_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any], news: Mapping[str, Any]
) -> dict[str, PropertyChange]:
    """Which inputs call for a new backup, and how each changed.

    Args:
        old_inputs: what was declared last time.
        old_outputs: what is known of the backup; it counts where the user names a value.
        news: what is declared now, checked.
    """
    is_adopted = old_outputs.get("adopt_backup_id") is not None
    changes = {}
    for name in _REPLACING:
        declared, before = news.get(name), old_inputs.get(name)
        if declared is None:
            # An adopted backup is what it is: leaving a property out accepts whatever it has.
            changed = before is not None and not is_adopted and not _is_default(name, before)
        else:
            actual = old_outputs.get(name)
            changed = declared != actual and not (actual is None and _is_default(name, declared))
        if changed:
            shown = before if before is not None else old_outputs.get(name)
            changes[name] = (
                PropertyChange.ADD_REPLACE
                if shown is None
                else PropertyChange.DELETE_REPLACE
                if declared is None
                else PropertyChange.UPDATE_REPLACE
            )
    return changes


def plain(value: Any) -> Any:
    """The value with everything that is not known yet written as the text that the engine knows for it.

    The host hands unknown values to check and diff as objects, and takes them back as that text only.
    """
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def digest(inputs: Mapping[str, Any]) -> str:
    """A short text that tells these inputs from others that would make another backup."""
    told = json.dumps({name: inputs.get(name) for name in _REPLACING}, sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def mark(urn: str, inputs: Mapping[str, Any], organization: str = "") -> str:
    """The mark of the backup of this resource (its URN names the stack, but not whose it is) with these inputs."""
    whose = f"{organization}|{urn}" if organization else urn
    return f"~dcs:{hashlib.sha256(f'{whose}|{digest(inputs)}'.encode()).hexdigest()[:12]}"


def has_unknowns(value: Any) -> bool:
    """Whether any part of the plain value is not known yet, as in previews."""
    if isinstance(value, Mapping):
        return any(map(has_unknowns, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(has_unknowns, value))
    return bool(value == UNKNOWN)


def _is_default(name: str, value: Any) -> bool:
    return (name == "backup_format" and value == BackupFormat.RDB.value) or (name == "triggers" and value == {})


def _id(value: Any) -> str:
    if isinstance(value, str) and _ID.fullmatch(value):
        return ""
    return f"it is no id; give it as the DCS console shows it ({_ID_RULE})."


def _remark(value: Any) -> str:
    if not isinstance(value, str):
        return f"it must be a text of at most {LONGEST_REMARK} characters."
    if len(value) > LONGEST_REMARK:
        return f"it has {len(value)} characters; shorten it to at most {LONGEST_REMARK}."
    return ""


def _backup_format(value: Any) -> str:
    is_known = value in [each.value for each in BackupFormat]
    return "" if is_known else 'there is no such format; give "rdb" (the default) or "aof".'


def _triggers(value: Any) -> str:
    if isinstance(value, Mapping):
        return ""
    return 'it must be a dictionary, such as {"release": "2026.11"}; any change in it takes a new backup.'


def _region(value: Any) -> str:
    if isinstance(value, str) and is_region(value):
        return ""
    return 'it is no region; give a region\'s id, such as "cn-north-4".'


def _wait(value: Any) -> str:
    return "" if isinstance(value, bool) else "it must be True (the default) or False."


_RULES: Final[Mapping[str, Callable[[Any], str]]] = {
    "instance_id": _id,
    "remark": _remark,
    "backup_format": _backup_format,
    "triggers": _triggers,
    "region": _region,
    "project_id": _id,
    "wait": _wait,
    "adopt_backup_id": _id,
    "retain_on_delete": _wait,
}

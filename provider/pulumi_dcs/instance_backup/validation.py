"""What check finds wrong with the inputs by themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..api.backup_format import BackupFormat
from ..config.location import is_region
from ..engine.unknowns import has_unknowns
from ..engine.values import AssetHash
from .identity import RESOURCE_ID_RULE, is_id
from .mark import MARK_LENGTH, has_mark

MAX_REMARK_LENGTH: Final = 128
"""Characters that the service allows (DCS.4098)."""
_MAX_SHOWN: Final = 80
"""Characters of a value that a message shows."""


@dataclass(frozen=True)
class Failure:
    """An input that can't be used: its name, and why, to follow a colon."""

    property: str
    reason: str


def check(properties: Mapping[str, Any], *, is_marked: bool = False) -> Iterator[Failure]:
    """Everything that is wrong with the inputs by themselves. Unknown values pass.

    Args:
        is_marked: whether the remark has to leave room for a mark.
    """
    for name, rule in _RULES.items():
        value = properties.get(name)
        if value is None:
            if name == "instance_id":
                yield Failure(name, "it is missing; give the id of the DCS instance to back up.")
        elif not has_unknowns(value) and (reason := rule(value)):
            yield Failure(name, reason)
    remark = properties.get("remark")
    limit = MAX_REMARK_LENGTH - MARK_LENGTH
    if is_marked and isinstance(remark, str) and limit < len(remark) <= MAX_REMARK_LENGTH:
        yield Failure("remark", f"it has {len(remark)} characters; with dcs:mark on, shorten it to at most {limit}.")


def message(failure: Failure, properties: Mapping[str, Any], secret_inputs: Collection[str]) -> str:
    """The failure as the user reads it: with the value, unless that is a secret."""
    value = properties.get(failure.property)
    if value is None or has_unknowns(value):
        return f"{failure.property}: {failure.reason}"
    if failure.property in secret_inputs:
        return f"{failure.property}: {failure.reason} (Its value is a secret and not shown.)"
    shown = repr(value)
    shown = shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"
    return f"{failure.property} is {shown}: {failure.reason}"


def _id(value: Any) -> str:
    return "" if is_id(value) else f"it is not a valid id; give it as the DCS console shows it ({RESOURCE_ID_RULE})."


def _remark(value: Any) -> str:
    if not isinstance(value, str):
        return f"it must be a text of at most {MAX_REMARK_LENGTH} characters."
    if len(value) > MAX_REMARK_LENGTH:
        return f"it has {len(value)} characters; shorten it to at most {MAX_REMARK_LENGTH}."
    if has_mark(value):
        return "it ends like the mark that dcs:mark adds (~dcs: and 12 hexadecimal digits); leave that out."
    return ""


def _backup_format(value: Any) -> str:
    is_known = value in [each.value for each in BackupFormat]
    return "" if is_known else 'there is no such format; give "rdb" (the default) or "aof".'


def _triggers(value: Any) -> str:
    if not isinstance(value, Mapping):
        return 'it must be a dictionary, such as {"release": "2026.11"}; any change in it takes a new backup.'
    return _unkeepable(value)


def _unkeepable(value: Any) -> str:
    """What is wrong with the first part of the value that the state can't keep; empty if nothing is."""
    if isinstance(value, AssetHash) and value.problem:
        return f"the {value.kind} in it can't be used, {value.problem}; give its hash or version instead."
    if isinstance(value, float) and not math.isfinite(value):
        return "it holds a number that JSON can't express (NaN or infinity); give it as a text."
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return next(filter(None, map(_unkeepable, parts)), "")


def _region(value: Any) -> str:
    is_valid = isinstance(value, str) and is_region(value)
    return "" if is_valid else 'it is not a valid region; give a region\'s id, such as "cn-north-4".'


def _boolean(value: Any) -> str:
    return "" if isinstance(value, bool) else "it must be True or False."


_RULES: Final[Mapping[str, Callable[[Any], str]]] = {
    "instance_id": _id,
    "remark": _remark,
    "backup_format": _backup_format,
    "triggers": _triggers,
    "region": _region,
    "project_id": _id,
    "wait": _boolean,
    "adopt_backup_id": _id,
    "retain_on_delete": _boolean,
}

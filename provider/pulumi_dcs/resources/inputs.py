"""What resources do with their inputs: compare, hash, and note which have become secret."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from ..engine.requests import PropertyDiffKind, top_level_names
from ..engine.unknowns import has_unknowns
from ..engine.values import AssetHash
from .names import SECRET_INPUTS
from .refusals import Rule


def canonical_json(value: Any) -> str:
    """The value as JSON that is the same for equal values, and different for 1 and True."""
    return json.dumps(value, sort_keys=True, default=str)


def hash_of(inputs: Mapping[str, Any], names: Iterable[str]) -> str:
    """A short text that tells these inputs, as far as they are named, from others."""
    told = json.dumps({name: _as_sent(inputs.get(name)) for name in names}, sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def newly_secret(old_outputs: Mapping[str, Any], new_inputs: Mapping[str, Any]) -> list[str]:
    """The inputs that hold a value which has become a secret.

    It is still in the outputs in plain text, until they are written again.
    """
    encrypted = old_outputs.get(SECRET_INPUTS) or ()
    names = top_level_names(path for path in new_inputs.get(SECRET_INPUTS) or () if path not in encrypted)
    return [name for name in names if old_outputs.get(name) is not None]


def kind_of_change(before: Any, declared: Any, *, replaces: bool = False) -> PropertyDiffKind:
    """How a property that changed is shown: added, deleted or updated.

    Args:
        before, declared: what was there and what is declared now; None for nothing.
        replaces: whether the change calls for a replacement.
    """
    if before is None:
        return PropertyDiffKind.ADD_REPLACE if replaces else PropertyDiffKind.ADD
    if declared is None:
        return PropertyDiffKind.DELETE_REPLACE if replaces else PropertyDiffKind.DELETE
    return PropertyDiffKind.UPDATE_REPLACE if replaces else PropertyDiffKind.UPDATE


def wait_updates(old_inputs: Mapping[str, Any], new_inputs: Mapping[str, Any]) -> dict[str, PropertyDiffKind]:
    """Whether the input ``wait`` says something else than before; left out, it is True."""
    before, declared = old_inputs.get("wait"), new_inputs.get("wait")
    if has_unknowns(declared) or (before in (None, True)) == (declared in (None, True)):
        return {}
    return {"wait": kind_of_change(before, declared)}


def secret_updates(old_outputs: Mapping[str, Any], new_inputs: Mapping[str, Any]) -> dict[str, PropertyDiffKind]:
    """The change where a value has become a secret.

    Not by its own name: the engine would show the value that was no secret before.
    """
    return {SECRET_INPUTS: PropertyDiffKind.UPDATE} if newly_secret(old_outputs, new_inputs) else {}


def triggers_rule(what: str) -> Rule:
    """The rule for the input ``triggers``.

    Args:
        what: what any change in it does, to follow "any change in it": ``takes a new backup``.
    """

    def rule(value: Any) -> str:
        if not isinstance(value, Mapping):
            return f'it must be a dictionary, such as {{"release": "2026.11"}}; any change in it {what}.'
        return _unkeepable(value)

    return rule


def _unkeepable(value: Any) -> str:
    """What is wrong with the first part of the value that the state can't keep; empty if nothing is."""
    if isinstance(value, AssetHash) and value.problem:
        return f"the {value.kind} in it can't be used, {value.problem}; give its hash or version instead."
    if isinstance(value, float) and not math.isfinite(value):
        return "it holds a number that JSON can't express (NaN or infinity); give it as a text."
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return next(filter(None, map(_unkeepable, parts)), "")


def _as_sent(value: Any) -> Any:
    """The value with floating-point numbers only, as the wire has them.

    Version 0.1 hashed them so: its journals and marks are to be found, and today's by it.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, Mapping):
        return {name: _as_sent(part) for name, part in value.items()}
    return [_as_sent(part) for part in value] if isinstance(value, (list, tuple)) else value

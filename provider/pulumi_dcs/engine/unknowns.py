"""Values that are not known yet, as in previews."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pulumi.runtime.rpc import UNKNOWN as _UNKNOWN

UNKNOWN: Final[str] = _UNKNOWN
"""The text that stands for a value that is not known yet, on the wire and in requests."""


def has_unknowns(value: Any) -> bool:
    """Whether any part of the value is not known yet."""
    if isinstance(value, Mapping):
        return any(map(has_unknowns, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(has_unknowns, value))
    return isinstance(value, str) and value == UNKNOWN


def replace_unknowns(value: Any, replacement: Any = None) -> Any:
    """The value with something else in place of each part that is not known yet."""
    if isinstance(value, Mapping):
        return {name: replace_unknowns(part, replacement) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [replace_unknowns(part, replacement) for part in value]
    return replacement if isinstance(value, str) and value == UNKNOWN else value

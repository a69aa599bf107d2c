"""Turns properties as the engine sends and keeps them into plain values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import struct_pb2

from .requests import ADDED_PROPERTIES
from .unknowns import UNKNOWN
from .values import (
    ARCHIVE_SIGNATURE,
    ASSET_SIGNATURE,
    OUTPUT_SIGNATURE,
    RESOURCE_SIGNATURE,
    SECRET,
    SIGNATURE,
    asset_of,
    without_assets,
)

_UNKNOWNS: Final = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a truth value
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # a list
        "030794c1-ac77-496b-92df-f27374a8bd58",  # an asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # an archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    }
)
"""What the engine writes for unknown values whose type it knows; Python programs make only the first."""
_EXACT: Final = 2.0**53
"""The wire has only floating-point numbers; up to here they hold every whole number."""


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The properties of a message, hidden ones included; assets and archives are ``AssetHash``."""
    return {name: plain for name, value in struct.fields.items() if (plain := _from_value(value)) is not None}


def from_json(value: Any) -> Any:
    """A value out of an exported state; secrets are ``SECRET``, assets and archives are ``AssetHash``."""
    if isinstance(value, Mapping):
        parts = {name: plain for name, part in value.items() if (plain := from_json(part)) is not None}
        return _special(parts) if SIGNATURE in parts else parts
    if isinstance(value, list):
        return [from_json(part) for part in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # The engine writes a large number with all its digits: only as on the wire it is equal to itself.
        return _number(float(value))
    if isinstance(value, str) and value in _UNKNOWNS:
        return UNKNOWN
    return value


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """A message's properties; assets and archives are written as their hash."""
    plain = {name: value for name, value in without_assets(properties).items() if value is not None}
    struct = struct_pb2.Struct()
    try:
        struct.update(plain)
    except (ValueError, TypeError):
        # A resource that was made must not be lost for a value that can't be kept as it is.
        struct.Clear()
        struct.update(_acceptable(plain))
    return struct


def visible(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties without what the SDK and this package add to them, such as ``__provider``."""
    return {name: value for name, value in properties.items() if name not in ADDED_PROPERTIES}


def _from_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text in _UNKNOWNS else text
    if kind == "struct_value":
        parts = from_struct(value.struct_value)
        return _special(parts) if SIGNATURE in parts else parts
    if kind == "list_value":
        return [_from_value(part) for part in value.list_value.values]
    if kind == "bool_value":
        return value.bool_value
    if kind == "number_value":
        return _number(value.number_value)
    return None


def _acceptable(value: Any) -> Any:
    """The value with anything that is not JSON, and text that is not Unicode, written as text that is."""
    if isinstance(value, Mapping):
        return {_acceptable(str(name)): _acceptable(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_acceptable(part) for part in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value).encode(errors="replace").decode()


def _number(value: float) -> float:
    """A whole number as ``int``, as in JSON: ``1`` and ``1.0`` are one value."""
    return int(value) if value.is_integer() and abs(value) <= _EXACT else value


def _special(parts: Mapping[str, Any]) -> Any:
    """What an object with a signature stands for."""
    signature = parts[SIGNATURE]
    if signature in {ASSET_SIGNATURE, ARCHIVE_SIGNATURE}:
        return asset_of(signature, parts)
    if signature == RESOURCE_SIGNATURE:
        # An empty id is one that is not known yet.
        return (parts["id"] or UNKNOWN) if "id" in parts else parts.get("urn")
    if signature == OUTPUT_SIGNATURE:
        return parts.get("value", UNKNOWN)
    # A secret: in the state it is encrypted, on the wire it never comes as one, since the host accepts none.
    return parts.get("value", SECRET)

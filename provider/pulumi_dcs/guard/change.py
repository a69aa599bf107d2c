"""What a hook is called for: which change of which resource, and the hash that only this change has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from pulumi import AssetArchive, FileArchive, FileAsset, RemoteArchive, RemoteAsset
from pulumi.output import Unknown

_FILES: Final = (FileAsset, RemoteAsset, FileArchive, RemoteArchive)


class Operation(str, Enum):
    """What is about to happen to the instance."""

    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Value:
    """A property's value as the hook was given it.

    Attributes:
        text: the canonical text of the value; one that is not known yet is equal to no other.
        is_secret: whether its text must appear nowhere, not even in a hash.
        is_known: whether all of it is known here: not of one that comes later, and not of a file's content.
    """

    text: str
    is_secret: bool = False
    is_known: bool = True


Values = Mapping[str, Value]


@dataclass(frozen=True)
class Change:
    """One change of one resource.

    Attributes:
        name: the resource's name in the program.
        instance_id: the instance behind it; None where it is not known yet.
        old, new: the inputs by name, without the engine's own; ``new`` is empty for a delete.
        known_names: the names of all properties that the resource is known to have.
        has_secret_id: whether the instance's id is a secret that no message may show.
    """

    operation: Operation
    urn: str
    name: str
    instance_id: str | None
    old: Values
    new: Values
    known_names: frozenset[str] = frozenset()
    has_secret_id: bool = False

    @property
    def changed(self) -> list[str]:
        """The inputs that differ, or may differ as far as is known."""
        names = sorted(self.old.keys() | self.new.keys())
        return [name for name in names if not self._is_same(name)]

    @property
    def is_known(self) -> bool:
        """Whether all that changes is known: else there is no hash of it."""
        return all(map(self._is_known, self.changed))

    def change_hash(self, organization: str = "") -> str:
        """A text that only this change has.

        Of a secret only the property's name goes in: so short a hash would let anybody who can read the remark try
        values until one fits. The old values go in so that the way back is another change.
        """
        parts: list[object] = [organization, self.urn, self.operation.value, self.instance_id]
        if self.operation is Operation.UPDATE:
            parts += [[name, self._shown(self.old, name), self._shown(self.new, name)] for name in self.changed]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Those of these inputs that perhaps change: their value is not known yet."""
        return [name for name in names if not self._is_known(name)]

    def of_interest(self, names: Iterable[str]) -> list[str]:
        """Those of the changed inputs that these names mean, in snake_case or camelCase."""
        wanted = {plain(name) for name in names}
        return [name for name in self.changed if plain(name) in wanted]

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of the names that the resource has not, as far as its properties tell."""
        there = {plain(name) for name in self.known_names}
        return [name for name in names if plain(name) not in there]

    def _is_same(self, name: str) -> bool:
        return self._text(self.old, name) == self._text(self.new, name) and self._is_known(name)

    def _is_known(self, name: str) -> bool:
        return all(values[name].is_known for values in (self.old, self.new) if name in values)

    def _shown(self, values: Values, name: str) -> str | None:
        # A value that is a secret on one side only is the same secret before or after.
        is_secret = any(side[name].is_secret for side in (self.old, self.new) if name in side)
        return "" if is_secret else self._text(values, name)

    @staticmethod
    def _text(values: Values, name: str) -> str | None:
        return values[name].text if name in values else None


def plain(name: str) -> str:
    """The name without what tells snake_case from camelCase."""
    return name.replace("_", "").lower()


def canonical(value: Any) -> str:
    """A text that is the same for equal values."""
    return json.dumps(value, sort_keys=True, default=_described)


def has_unknown(value: Any) -> bool:
    """Whether any part of a value is not known yet, or is a file's content, which hooks are never given."""
    if isinstance(value, AssetArchive):
        return has_unknown(value.assets)
    if isinstance(value, Mapping):
        return any(map(has_unknown, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(has_unknown, value))
    return isinstance(value, (Unknown, *_FILES))


def _described(value: Any) -> object:
    """What JSON can't hold: assets, archives, references to resources."""
    parts = {name: part for name, part in getattr(value, "__dict__", {}).items() if isinstance(part, (str, dict))}
    return [type(value).__name__, {name: part for name, part in parts.items() if not name.startswith("_")}]

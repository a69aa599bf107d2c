"""The requests of the engine and their responses as plain values, named as in ``pulumi.provider.experimental``.

All mappings hold plain JSON values: no objects of Pulumi's SDK, whole numbers as ``int``, nothing for ``null``. A value
that is not known yet is ``unknowns.UNKNOWN``. What the SDK and this package add to a resource (``__provider``,
``__program``) is not among them; a provider may keep hidden properties (``__…``) of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol

PROVIDER: Final = "__provider"
"""The property that holds the pickled provider; ``PROVIDER_KEY`` in the SDK."""
PROGRAM: Final = "__program"
"""The hidden input by which a resource's constructor hands the facts about its program to ``check``."""
_DRY_RUN_BEFORE: Final = "__dryRun"
_ORGANIZATION_BEFORE: Final = "__organization"
"""The hidden inputs of version 0.1, whose programs may be run beside a newer host in another environment."""
ADDED_PROPERTIES: Final = frozenset({PROVIDER, PROGRAM, _DRY_RUN_BEFORE, _ORGANIZATION_BEFORE})
"""What stands among a resource's properties on the wire, but in no request."""


@dataclass(frozen=True)
class ProgramFacts:
    """What only the program knows of a resource, and the engine does not tell a dynamic provider.

    Attributes:
        dry_run: whether the program runs for a preview.
        organization: the stack's; empty where the state backend has none.
        secret_paths: where the inputs hold secrets (``triggers.token``): all that lies below is part of them.
        delete_before_replace: the resource's option as it was given; it may still come from the engine otherwise.
        replace_on_changes: the resource's option as it was given.
    """

    dry_run: bool = False
    organization: str = ""
    secret_paths: tuple[str, ...] = ()
    delete_before_replace: bool | None = None
    replace_on_changes: tuple[str, ...] = ()

    @property
    def secret_inputs(self) -> tuple[str, ...]:
        """The top-level inputs whose value holds a secret at any depth."""
        return tuple(top_level_names(self.secret_paths))

    def replaces_on(self, changes: Iterable[str]) -> bool:
        """Whether the option has the engine replace the resource for one of these changed properties."""
        wanted = set(top_level_names(self.replace_on_changes))
        return any("*" in wanted or name in wanted for name in top_level_names(changes))

    def as_input(self) -> dict[str, Any]:
        """The value of the hidden input."""
        return {
            "dryRun": self.dry_run,
            "organization": self.organization,
            "secretPaths": list(self.secret_paths),
            "deleteBeforeReplace": self.delete_before_replace,
            "replaceOnChanges": list(self.replace_on_changes),
        }

    @classmethod
    def of_inputs(cls, inputs: Mapping[str, Any]) -> ProgramFacts:
        """The facts among a resource's inputs, hidden ones included."""
        told = inputs.get(PROGRAM)
        if not isinstance(told, Mapping):
            return cls(
                dry_run=inputs.get(_DRY_RUN_BEFORE) is True, organization=_text(inputs.get(_ORGANIZATION_BEFORE))
            )
        delete_first = told.get("deleteBeforeReplace")
        return cls(
            dry_run=told.get("dryRun") is True,
            organization=_text(told.get("organization")),
            secret_paths=_texts(told.get("secretPaths")),
            delete_before_replace=delete_first if isinstance(delete_first, bool) else None,
            replace_on_changes=_texts(told.get("replaceOnChanges")),
        )


@dataclass(frozen=True)
class CheckRequest:
    """Are these inputs valid?

    Attributes:
        old_inputs: what was checked last time; empty for a new resource.
        new_inputs: what the program declares; an asset or archive is an ``AssetHash``.
    """

    urn: str
    old_inputs: Mapping[str, Any]
    new_inputs: Mapping[str, Any]
    program: ProgramFacts


@dataclass(frozen=True)
class CheckFailure:
    """An input that can't be used.

    Attributes:
        property: the input; if it is empty, the engine does not print the input's value.
    """

    property: str
    reason: str


@dataclass(frozen=True)
class CheckResponse:
    """The inputs to keep. An ``AssetHash`` that is still among them is kept as its text."""

    inputs: Mapping[str, Any]
    failures: tuple[CheckFailure, ...] = ()


class PropertyDiffKind(Enum):
    """How a property changed, as ``pulumirpc.PropertyDiff.Kind`` has it."""

    ADD = "ADD"
    ADD_REPLACE = "ADD_REPLACE"
    DELETE = "DELETE"
    DELETE_REPLACE = "DELETE_REPLACE"
    UPDATE = "UPDATE"
    UPDATE_REPLACE = "UPDATE_REPLACE"

    @property
    def replaces(self) -> bool:
        """Whether the change calls for a replacement."""
        return self.value.endswith("_REPLACE")


@dataclass(frozen=True)
class DiffRequest:
    """What would an update change?

    Attributes:
        old_inputs: what was checked last time; the old outputs where the engine does not say.
        program: None where this process has not checked the resource.
        has_old_assets: whether the state holds assets or archives as such, as version 0.1 wrote them. The SDK can't
            read them back; only an update writes their hashes in their place.
    """

    urn: str
    id: str
    old_inputs: Mapping[str, Any]
    old_outputs: Mapping[str, Any]
    new_inputs: Mapping[str, Any]
    program: ProgramFacts | None = None
    has_old_assets: bool = False


@dataclass(frozen=True)
class DiffResponse:
    """What an update would change.

    Attributes:
        changes: by property path (``a.b[0]``), what is shown of the change.
        has_changes: whether there is anything to do, even where no property is to be shown.
        outputs: those among the changes that are outputs.
        delete_before_replace: whether a replacement has to delete the old resource first, because old and new one can
            have the same id.
    """

    changes: Mapping[str, PropertyDiffKind] = field(default_factory=dict)
    has_changes: bool = False
    outputs: frozenset[str] = frozenset()
    delete_before_replace: bool = False


@dataclass(frozen=True)
class CreateRequest:
    """Create the resource.

    Attributes:
        properties: the checked inputs.
        timeout: the user's custom timeout in seconds; None where there is none.
    """

    urn: str
    properties: Mapping[str, Any]
    timeout: float | None = None
    preview: bool = False
    program: ProgramFacts | None = None


@dataclass(frozen=True)
class CreateResponse:
    """The new resource's id and outputs."""

    id: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class ReadRequest:
    """What has become of the resource?

    Attributes:
        properties: its old outputs.
        inputs: its old inputs.
        is_get: whether the program reads a resource that is managed elsewhere: both are what it gave to find it by,
            and nothing is known that only the resource itself has.
    """

    urn: str
    id: str
    properties: Mapping[str, Any]
    inputs: Mapping[str, Any]
    timeout: float | None = None
    program: ProgramFacts | None = None
    is_get: bool = False


@dataclass(frozen=True)
class ReadResponse:
    """What has become of the resource.

    Attributes:
        id: empty if the resource no longer exists.
        inputs: None to leave them as they are.
    """

    id: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class UpdateRequest:
    """Update the resource in place."""

    urn: str
    id: str
    old_inputs: Mapping[str, Any]
    old_outputs: Mapping[str, Any]
    new_inputs: Mapping[str, Any]
    timeout: float | None = None
    preview: bool = False
    program: ProgramFacts | None = None


@dataclass(frozen=True)
class UpdateResponse:
    """The updated resource's outputs."""

    properties: Mapping[str, Any]


@dataclass(frozen=True)
class DeleteRequest:
    """Delete the resource."""

    urn: str
    id: str
    properties: Mapping[str, Any]
    old_inputs: Mapping[str, Any]
    timeout: float | None = None
    program: ProgramFacts | None = None


class Provider(Protocol):
    """What carries out the requests for one kind of resource, on many threads at once.

    Each operation returns its response, or raises ``DiagnosticError`` or ``ResourceInitFailedError``. Anything else
    that is raised counts as a bug.
    """

    @property
    def is_debugging(self) -> bool:
        """Whether diagnostics show where they come from."""

    def check(self, request: CheckRequest) -> CheckResponse: ...

    def diff(self, request: DiffRequest) -> DiffResponse: ...

    def create(self, request: CreateRequest) -> CreateResponse: ...

    def read(self, request: ReadRequest) -> ReadResponse: ...

    def update(self, request: UpdateRequest) -> UpdateResponse: ...

    def delete(self, request: DeleteRequest) -> None: ...


def top_level_names(paths: Iterable[str]) -> list[str]:
    """The top-level properties of the paths, each once."""
    return list(dict.fromkeys(path.partition(".")[0].partition("[")[0] for path in paths))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(part for part in value if isinstance(part, str)) if isinstance(value, list) else ()

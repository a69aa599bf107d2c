"""How an operation ends that did not succeed: as the exceptions that the adapter turns into diagnostics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class DiagnosticError(Exception):
    """The operation failed, and the resource is as it was.

    Attributes:
        message: what the engine shows, exactly.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ResourceInitFailedError(Exception):
    """The operation failed, and the resource stays in the state; the next ``pulumi up`` calls ``update``.

    Attributes:
        message: what the engine shows, exactly.
        id: the resource's id.
        properties: the outputs to keep; its inputs are kept as they were checked.
    """

    def __init__(self, message: str, *, id: str, properties: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.message = message
        self.id = id
        self.properties = properties

"""Ends an operation by the diagnostic that an error of this package is; anything else that is raised is a bug."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from ..api.errors import DcsError
from ..engine.errors import DiagnosticError
from .advice import in_pulumis_terms

L = TypeVar("L")
P = ParamSpec("P")
T = TypeVar("T")


def diagnosed(method: Callable[Concatenate[L, P], T]) -> Callable[Concatenate[L, P], T]:
    """Let the errors of this package end the operation of a lifecycle as the diagnostics they are."""

    @functools.wraps(method)
    def wrapper(self: L, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(self, *args, **kwargs)
        except DcsError as error:
            raise DiagnosticError(in_pulumis_terms(error)) from error

    return wrapper

"""Inputs that can't be used: the rules that resources share, and how a refusal is said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..config.location import is_region
from ..engine.requests import CheckFailure
from ..engine.unknowns import has_unknowns
from .identity import ID_RULE, is_id

_MAX_SHOWN: Final = 80
"""Characters of a value that a message shows: enough to recognise it."""

Rule = Callable[[Any], str]
"""Says what is wrong with a value; empty for nothing."""


@dataclass(frozen=True)
class Failure:
    """An input that can't be used: its name, and why, to follow a colon."""

    property: str
    reason: str


def apply(
    rules: Mapping[str, Rule], properties: Mapping[str, Any], *, required: Mapping[str, str]
) -> Iterator[Failure]:
    """Everything that is wrong with the inputs, each by itself. Unknown values pass.

    Args:
        required: the inputs that have to be there, and what to do where one is missing.
    """
    for name, rule in rules.items():
        value = properties.get(name)
        if value is None:
            if name in required:
                yield Failure(name, f"it is missing; {required[name]}")
        elif not has_unknowns(value) and (reason := rule(value)):
            yield Failure(name, reason)


def refuse(
    failures: Iterable[Failure], properties: Mapping[str, Any], secret_inputs: Collection[str]
) -> tuple[CheckFailure, ...]:
    """The failures as the engine is told.

    Without the properties' names: with one, the engine would print the property's value, secret or not.
    """
    return tuple(CheckFailure("", message(each, properties, secret_inputs)) for each in failures)


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


def id_rule(value: Any) -> str:
    """An id as the service gives them."""
    return "" if is_id(value) else f"it is not a valid id; give it as the DCS console shows it ({ID_RULE})."


def region_rule(value: Any) -> str:
    """A region's id."""
    is_valid = isinstance(value, str) and is_region(value)
    return "" if is_valid else 'it is not a valid region; give a region\'s id, such as "cn-north-4".'


def boolean_rule(value: Any) -> str:
    """True or False."""
    return "" if isinstance(value, bool) else "it must be True or False."

"""Reads what a hook is given: the change, the instance's id, and inputs that may be outputs of other resources."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi

from ..operations.errors import OperationError
from .change import Change, Value, Values, canonical, has_unknown, plain
from .guard import Guard

if TYPE_CHECKING:
    from pulumi import ResourceHookArgs


async def change_of(args: ResourceHookArgs, guard: Guard) -> Change:
    """The change that a hook is called for.

    Raises:
        OperationError: the instance's id can't be told.
    """
    old, new = await _values(args.old_inputs), await _values(args.new_inputs)
    names = {*(args.old_outputs or {}), *(args.old_inputs or {}), *(args.new_inputs or {})}
    instance_id = await _instance_id(args, guard)
    return Change(guard.operation, args.urn, args.name, instance_id, old, new, frozenset(names))


async def text_of(name: str, given: pulumi.Input[str] | None, timeout: float, *, may_be_unknown: bool) -> str | None:
    """The text that an argument was given, "" for none; None where it is not known yet, and may be.

    Raises:
        OperationError: it is no text, or gets no value.
    """
    if given is None:
        return ""
    try:
        value = await asyncio.wait_for(_resolved(given), timeout)
    except asyncio.TimeoutError:
        raise OperationError(
            f"{name} of backup_before did not get a value in time.",
            advice="give it a value that does not depend on what is about to be changed.",
        ) from None
    if value is None and may_be_unknown:
        return None
    if not isinstance(value, str) or not value:
        raise OperationError(f"{name} of backup_before is not a text.", advice="give it as the console shows it.")
    return value


async def _instance_id(args: ResourceHookArgs, guard: Guard) -> str:
    told = guard.instance_id
    if told is None:
        return args.id
    if isinstance(told, str):
        found = [
            values[name]
            for values in (args.old_outputs or {}, args.old_inputs or {})
            for name in values
            if plain(name) == plain(told)
        ]
        if not found:
            raise OperationError(
                f"instance_id of backup_before names the property {told!r}, which {args.name} does not have.",
                advice="name a property that holds the instance's id, or give a function of the hook's arguments.",
            )
        return str(await _resolved(found[0]) or "")
    try:
        result = told(args)
        return str(await _resolved(await result if inspect.isawaitable(result) else result) or "")
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        raise OperationError(
            f"The function that instance_id of backup_before was given raised {type(error).__name__}.",
            facts=[f"{where.filename}, line {where.lineno}"],
            advice="let it return the instance's id for the arguments that hooks get.",
        ) from error


async def _values(properties: Mapping[str, Any] | None) -> Values:
    """The properties, without the engine's own."""
    return {name: await _value(value) for name, value in (properties or {}).items() if not name.startswith("__")}


async def _value(given: Any) -> Value:
    is_secret = isinstance(given, pulumi.Output)
    value = await given.future(with_unknowns=True) if is_secret else given
    return Value(canonical(value), is_secret=is_secret, is_known=not has_unknown(value))


async def _resolved(given: Any) -> Any:
    """The value of an input; None for none, or for one that is not known yet."""
    if given is None:
        return None
    return await pulumi.Output.from_input(given).future()

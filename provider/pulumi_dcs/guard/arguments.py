"""Reads what a hook is given: the change, the instance's id, and inputs that may be outputs of other resources."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Awaitable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.output import Unknown

from ..operations.errors import OperationError
from .change import Change, Operation, Value, Values, canonical, has_unknown, plain
from .guard import Guard

if TYPE_CHECKING:
    from pulumi import ResourceHookArgs


async def change_of(args: ResourceHookArgs, guard: Guard, timeout: float) -> Change:
    """The change that a hook is called for.

    Args:
        timeout: for how many seconds to wait for the instance's id.

    Raises:
        OperationError: the instance's id can't be told.
    """
    if guard.operation is Operation.DELETE and not args.id:
        raise OperationError(
            f"{args.name} can't be backed up: it is a component, and Pulumi has its parts deleted before it.",
            advice="give backup_before to the instance itself, and run `pulumi up` once before the instance goes.",
        )
    outputs = await _values(args.old_outputs)
    # What only comes back as a secret (``additional_secret_outputs``) is one.
    secrets = {name for name, value in outputs.items() if value.is_secret}
    old, new = await _values(args.old_inputs, secrets), await _values(args.new_inputs, secrets)
    instance_id = await _instance_id(args, guard, timeout)
    values = [*outputs.values(), *old.values(), *new.values()]
    if callable(guard.instance_id) and guard.operation is Operation.DELETE and instance_id:
        _check_holds(args, instance_id, values)
    # The engine shows a resource's own id.
    has_secret_id = instance_id != args.id and any(
        value.is_secret and value.text == canonical(instance_id) for value in values
    )
    names = frozenset({*(args.old_outputs or {}), *(args.old_inputs or {}), *(args.new_inputs or {})})
    return Change(guard.operation, args.urn, args.name, instance_id, old, new, names, has_secret_id=has_secret_id)


async def text_of(name: str, given: pulumi.Input[str] | None, timeout: float, *, may_be_unknown: bool) -> str | None:
    """The text that an argument was given, "" for none; None where it is not known yet, and may be.

    Raises:
        OperationError: it is no text, or gets no value.
    """
    if given is None:
        return ""
    value = await _resolved(name, given, timeout)
    if value is None and may_be_unknown:
        return None
    if not isinstance(value, str) or not value:
        raise OperationError(f"{name} of backup_before is not a text.", advice="give it as the console shows it.")
    return value


async def _instance_id(args: ResourceHookArgs, guard: Guard, timeout: float) -> str | None:
    """The instance's id, or what was told in place of one; None for one that is not known yet."""
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
        return _as_id(await _resolved("instance_id", found[0], timeout, with_unknowns=True))
    try:
        result = told(args)
        result = await _in_time("instance_id", result, timeout) if inspect.isawaitable(result) else result
        instance_id = _as_id(await _resolved("instance_id", result, timeout, with_unknowns=True))
    except OperationError:
        raise
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        raise OperationError(
            f"The function that instance_id of backup_before was given raised {type(error).__name__}.",
            facts=[f"{where.filename}, line {where.lineno}"],
            advice="let it return the instance's id for the arguments that hooks get.",
        ) from error
    return instance_id


def _as_id(value: Any) -> str | None:
    return None if isinstance(value, Unknown) else str(value or "")


def _check_holds(args: ResourceHookArgs, instance_id: str, values: Iterable[Value]) -> None:
    """Make sure that the id is the resource's own or part of it, or in one of its properties.

    Raises:
        OperationError: it may be another instance's.
    """
    if any(instance_id in text for text in [args.id, *(value.text for value in values)]):
        return
    raise OperationError(
        f"The function that instance_id of backup_before was given tells an id that {args.name} does not hold.",
        facts=[
            "before a delete, Pulumi calls the hook that has the name in the state: this one may have been made for "
            "another instance"
        ],
        advice="let it tell the id from the hook's arguments.",
    )


async def _values(properties: Mapping[str, Any] | None, secrets: Collection[str] = ()) -> Values:
    """The properties, without the engine's own.

    Args:
        secrets: the names of those that are secrets, whatever the properties say.
    """
    given = {name: value for name, value in (properties or {}).items() if not name.startswith("__")}
    return {name: await _value(value, is_secret=name in secrets) for name, value in given.items()}


async def _value(given: Any, *, is_secret: bool) -> Value:
    is_output = isinstance(given, pulumi.Output)
    value = await given.future(with_unknowns=True) if is_output else given
    return Value(canonical(value), is_secret=is_secret or is_output, is_known=not has_unknown(value))


async def _resolved(name: str, given: Any, timeout: float, *, with_unknowns: bool = False) -> Any:
    """The value of an input.

    Args:
        name: the argument that it belongs to.
        with_unknowns: whether one that is not known yet is told as such, and not as None.

    Raises:
        OperationError: it gets no value in time.
    """
    if given is None:
        return None
    return await _in_time(name, pulumi.Output.from_input(given).future(with_unknowns=with_unknowns), timeout)


async def _in_time(name: str, value: Awaitable[Any], timeout: float) -> Any:
    """Wait for a value, but not for ever: for one that comes of the resource itself, Pulumi waits for this hook.

    Raises:
        OperationError: it does not come in time.
    """
    try:
        # Not to be cancelled: that would cancel an output for the rest of the program as well.
        return await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(value)), timeout)
    except asyncio.TimeoutError:
        raise OperationError(
            f"{name} of backup_before did not get a value in time.",
            advice="give it a value that does not depend on what is about to be changed.",
        ) from None

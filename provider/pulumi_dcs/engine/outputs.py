"""Outputs whose values are looked up in threads, after the inputs that they depend on."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar, cast

import pulumi
from pulumi.runtime.settings import get_monitor

T = TypeVar("T")

Dependencies = frozenset[pulumi.Resource]
"""The resources after which something has to be looked up."""

_SIDE_BY_SIDE: Final = 16
"""Look-ups at the same time: enough to hide the service's response time, and far below its connections per client."""

_gates: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]] = weakref.WeakKeyDictionary()


def is_in_program() -> bool:
    """Whether outputs can be made here: they need the event loop that a program's main thread has."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Unit tests with `set_mocks` declare before their loop runs.
        return get_monitor() is not None and _has_loop()
    return True


def _has_loop() -> bool:
    with warnings.catch_warnings():
        # Python 3.12 and 3.13 warn where 3.14 refuses to make one.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            asyncio.get_event_loop()
        except RuntimeError:
            return False
    return True


def looked_up(
    look_up: Callable[[Mapping[str, Any], Dependencies], T],
    arguments: Mapping[str, Any],
    opts: pulumi.InvokeOutputOptions | None = None,
) -> pulumi.Output[T]:
    """What a look-up returns, as soon as all its arguments are known. It runs in a thread.

    Args:
        look_up: gets the arguments' values, and the resources that they come from.
        arguments: inputs by name.
        opts: with ``depends_on``, resources that have to be there before.

    Raises:
        pulumi.RunError: no outputs can be made here.
    """
    if not is_in_program():
        raise pulumi.RunError(
            "An output can't be made here: that takes a Pulumi program, and its main thread.\n"
            "  What to do: call the function of the same name without _output."
        )
    waited_for = [_existence(each) for each in _depends_on(opts)]
    everything: pulumi.Output[dict[str, Any]] = pulumi.Output.all(
        arguments=dict(arguments), waited_for=pulumi.Output.all(*waited_for) if waited_for else None
    )

    async def run(values: Mapping[str, Any]) -> T:
        resources = await everything.resources()
        return await in_thread(lambda: look_up(values["arguments"], frozenset(resources)))

    return everything.apply(run)


def unknown_secret() -> pulumi.Output[Any]:
    """A secret whose value is known only after the preview."""
    return pulumi.Output(set(), _done(None), _done(False), _done(True))


async def in_thread(call: Callable[[], T]) -> T:
    """Make a blocking call without blocking the event loop; at the program's end nobody waits for it."""
    loop = asyncio.get_running_loop()
    gate = _gates.setdefault(loop, asyncio.Semaphore(_SIDE_BY_SIDE))
    async with gate:
        future: asyncio.Future[T] = loop.create_future()

        def deliver(result: T | None, failure: BaseException | None) -> None:
            if future.done():
                return
            if failure is not None:
                future.set_exception(failure)
            else:
                future.set_result(cast("T", result))

        def work() -> None:
            result, failure = None, None
            try:
                result = call()
            except BaseException as error:
                failure = error
            # A loop that is closed has no use for the outcome: the program has ended meanwhile.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(deliver, result, failure)

        # Not the loop's executor: its threads are joined at exit, however long a retry still sleeps.
        threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True).start()
        return await future


def _depends_on(opts: pulumi.InvokeOutputOptions | None) -> Sequence[Any]:
    given: Any = opts.depends_on if opts is not None else None
    if given is None:
        return ()
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _existence(resource: Any) -> pulumi.Output[Any]:
    """Known once the resource exists."""
    if isinstance(resource, pulumi.Output):
        return resource.apply(_existence_of_each)
    return _existence_of_each(resource)


def _existence_of_each(given: Any) -> pulumi.Output[Any]:
    if isinstance(given, (list, tuple)):
        return pulumi.Output.all(*map(_existence, given))
    found: pulumi.Output[Any] = given.id if isinstance(given, pulumi.CustomResource) else given.urn
    return found


def _done(value: T) -> asyncio.Future[T]:
    future: asyncio.Future[T] = asyncio.get_event_loop().create_future()
    future.set_result(value)
    return future

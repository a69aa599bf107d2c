"""Registers a dynamic resource from its constructor, in place of ``pulumi.dynamic.Resource.__init__``."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from types import FrameType, FunctionType
from typing import Any, Final, TypeVar

import pulumi
from pulumi.dynamic import Resource, ResourceProvider

from .requests import PROGRAM, ProgramFacts

_NO_ORGANIZATION: Final = "organization"
"""What Pulumi says where the state backend has none."""
_RUNNERS: Final = frozenset({"asyncio", "pulumi", "runpy"})
"""The packages whose frames lie between a program and what runs it."""
_FRAMES_OF_THE_SDK: Final = 5
"""How many lie between a resource's constructor and where the SDK looks at the stack: ``register``, the constructors of
CustomResource and Resource, ``register_resource`` or ``read_resource``, ``_get_stack_trace``; so since SDK 3.153."""
_DEFAULT_TYPE_NAME: Final = "dynamic:Resource"
"""``_resource_type_name`` of a dynamic resource's class that was given no name (since SDK 3.60)."""

F = TypeVar("F", bound=Callable[..., Any])


def register(
    resource: Resource,
    provider: ResourceProvider,
    name: str,
    properties: Mapping[str, Any],
    opts: pulumi.ResourceOptions | None = None,
) -> None:
    """Register a resource with the engine, or read it where the options have an id. Call it from the constructor.

    It does what the SDK's own constructor does, and four things more:

    - The facts about the program that the engine does not tell a provider travel along (``ProgramFacts``).
    - The stack trace in the state has the program's own frames only. Some ten frames of Pulumi's program runner and of
      asyncio, the same for each resource, made two fifths of a resource's place in the state, which the engine writes
      whole at every step. Its first frame, the source position, is the program's line.
    - A subclass in a user's program has its parent's type, unless it is given a name of its own.
    - At the end of the program the SDK waits for one of the resource's outputs, not for each: they are all resolved by
      one response, and it goes through all of them whenever one is. With 1,000 resources of 20 outputs a preview took
      a quarter more time.

    Args:
        properties: the inputs, and the outputs' names with None.
    """
    if "__provider" in properties or PROGRAM in properties:
        raise ValueError(f"{PROGRAM} and __provider are not for programs to set")
    props = dict(properties)
    # What a program reads is kept in the state as the program gave it, whatever the provider makes of it.
    if opts is None or opts.id is None:
        props[PROGRAM] = _program_facts(properties, opts)
    with _programs_frames_only(sys._getframe(1)):
        serialized = _serialized(provider)
        if serialized is None:
            Resource.__init__(resource, provider, name, props, opts)
        else:
            # Not by way of the dynamic resource's own constructor: it would be the third one from the inside, which the
            # SDK takes for the one that the program calls.
            props["__provider"] = serialized
            pulumi.CustomResource.__init__(resource, f"pulumi-python:{_type_name(type(resource))}", name, props, opts)
    _wait_for_one_output(resource)


def like_a_constructor(function: F) -> F:
    """Have the SDK take a function that registers a resource, such as ``get``, for its constructor.

    In search of the program's line the SDK goes up the stack to the third frame called ``__init__``, or finds none.
    """
    if not isinstance(function, FunctionType):
        return function
    renamed = FunctionType(
        function.__code__.replace(co_name="__init__"),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    renamed.__kwdefaults__ = function.__kwdefaults__
    return functools.update_wrapper(renamed, function)  # type: ignore[return-value]


def _type_name(cls: type[Resource]) -> str:
    names = (vars(base).get("_resource_type_name", _DEFAULT_TYPE_NAME) for base in cls.__mro__)
    return next((name for name in names if name != _DEFAULT_TYPE_NAME), _DEFAULT_TYPE_NAME)


@functools.cache
def _serialized_class(cls: type[ResourceProvider]) -> str | None:
    """The pickled form of a provider without attributes; None where the SDK has to make it.

    ``_serialize`` and ``serialize_provider`` of ``pulumi.dynamic.dynamic`` (since SDK 3.75); pickling the same thing
    again for each resource took a tenth of a program's time.
    """
    try:
        from pulumi.dynamic.dynamic import _serialize, serialize_provider  # type: ignore[attr-defined]

        text, has_secrets = _serialize(True, serialize_provider, cls())
    except Exception:
        # Private names may change in any way.
        return None
    return text if isinstance(text, str) and not has_secrets else None


def _serialized(provider: ResourceProvider) -> str | None:
    if vars(provider) or provider.serialize_as_secret_always:
        return None
    return _serialized_class(type(provider))  # type: ignore[arg-type]


def _program_facts(properties: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> Any:
    """The value of the hidden input; to be awaited where it takes the inputs' values to know it."""
    organization = pulumi.get_organization()
    replace_on_changes = opts.replace_on_changes if opts is not None else None
    delete_before_replace = opts.delete_before_replace if opts is not None else None
    known = ProgramFacts(
        dry_run=pulumi.runtime.is_dry_run(),
        organization="" if organization == _NO_ORGANIZATION else organization,
        delete_before_replace=delete_before_replace,
        replace_on_changes=tuple(map(str, replace_on_changes or ())),
    )
    open_inputs = {name: value for name, value in properties.items() if _may_hold_secrets(value)}
    return _Facts(known, open_inputs) if open_inputs else known.as_input()


class _Facts:
    """The facts, once it is known which inputs hold secrets.

    Not a coroutine: one that is never awaited, because another input failed, would add a warning to the program's
    output.
    """

    def __init__(self, known: ProgramFacts, inputs: Mapping[str, Any]) -> None:
        self._known = known
        self._inputs = inputs

    def __await__(self) -> Generator[Any, None, dict[str, Any]]:
        return self._find().__await__()

    async def _find(self) -> dict[str, Any]:
        paths = [path for name, value in self._inputs.items() for path in await _secret_paths(value, name)]
        return replace(self._known, secret_paths=tuple(paths)).as_input()


def _may_hold_secrets(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_may_hold_secrets, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_may_hold_secrets, value))
    return isinstance(value, pulumi.Output) or asyncio.isfuture(value)


async def _secret_paths(value: Any, path: str) -> list[str]:
    """Where the value holds secrets, at any depth, be it in an output of an output.

    Args:
        path: where the value itself is.
    """
    if isinstance(value, pulumi.Output):
        return [path] if await value.is_secret() else await _secret_paths(await value.future(with_unknowns=True), path)
    if asyncio.isfuture(value):
        return await _secret_paths(await value, path)
    parts: list[tuple[str, Any]] = []
    if isinstance(value, Mapping):
        parts = [(f"{path}.{name}", part) for name, part in value.items()]
    elif isinstance(value, (list, tuple)):
        parts = [(f"{path}[{number}]", part) for number, part in enumerate(value)]
    return [found for place, part in parts for found in await _secret_paths(part, place)]


def _wait_for_one_output(resource: pulumi.Resource) -> None:
    # ``Output._untrack``, since SDK 3.224; of the class, since an output has every attribute, lifted from its value.
    untrack = getattr(pulumi.Output, "_untrack", None)
    outputs = [value for value in vars(resource).values() if isinstance(value, pulumi.Output)]
    if untrack is not None:
        for output in outputs[1:]:
            untrack(output)


_NOT_SET: Final = object()


class _TracebackLimit:
    """``sys.tracebacklimit``, which ``traceback.extract_stack`` heeds as well, for several threads at once.

    It belongs to the process, and there may be a program on each of several threads (inline programs of the Automation
    API). So the largest limit that anybody needs is in force, and none once nobody needs one. A limit that somebody
    else has set, before or meanwhile, is left alone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._needed: list[int] = []
        self._set: int | None = None

    @contextlib.contextmanager
    def at(self, limit: int) -> Iterator[None]:
        """Keep at least that many frames."""
        with self._lock:
            self._needed.append(limit)
            self._apply()
        try:
            yield
        finally:
            with self._lock:
                self._needed.remove(limit)
                self._apply()

    def _apply(self) -> None:
        if getattr(sys, "tracebacklimit", _NOT_SET) != (_NOT_SET if self._set is None else self._set):
            # Somebody else's, or ours that somebody has taken away.
            self._set = None
            return
        if self._needed:
            self._set = sys.tracebacklimit = max(self._needed)
        elif self._set is not None:
            del sys.tracebacklimit
            self._set = None


_traceback_limit: Final = _TracebackLimit()


def _programs_frames_only(constructor: FrameType) -> contextlib.AbstractContextManager[None]:
    """Have the SDK see the stack no further down than the program goes."""
    depth = _depth(constructor)
    return contextlib.nullcontext() if depth is None else _traceback_limit.at(depth + _FRAMES_OF_THE_SDK)


def _depth(constructor: FrameType) -> int | None:
    """How many frames the program has, the constructor's included; None where something else runs it."""
    for depth, (frame, _) in enumerate(traceback.walk_stack(constructor)):
        if str(frame.f_globals.get("__name__")).partition(".")[0] in _RUNNERS:
            return depth
    return None

"""Has the stack trace that Pulumi's SDK puts into the state begin and end with the program's own frames."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, FunctionType
from typing import Final

from pulumi.dynamic import Resource

_RUNNERS: Final = frozenset({"asyncio", "runpy"})
"""The packages whose frames lie between a program and what runs it."""
_FRAMES_OF_THE_SDK: Final = 5
"""How many lie between a resource's constructor and the frame in which the SDK looks at the stack."""


def _as_internal_init(constructor: Callable[..., None]) -> Callable[..., None]:
    """The same constructor by another name.

    In search of the line that declares a resource, the SDK goes up the stack to the third frame called ``__init__``;
    a constructor's further frames have to be called otherwise. A dynamic resource's own constructor is the fourth, so
    that the state named a line of this package as the one that declares each backup.
    """
    if not isinstance(constructor, FunctionType):
        return constructor
    code = constructor.__code__.replace(co_name="__internal_init__")
    return FunctionType(code, constructor.__globals__, code.co_name, constructor.__defaults__, constructor.__closure__)


internal_init: Final = _as_internal_init(Resource.__init__)
"""What the constructor of a dynamic resource calls instead of ``pulumi.dynamic.Resource.__init__``."""


@contextmanager
def programs_frames_only(constructor: FrameType | None) -> Iterator[None]:
    """Have the SDK see the stack no further down than the program goes.

    Some ten frames of Pulumi's program runner and of asyncio, the same for each resource, made two fifths of a backup's
    place in the state; the engine writes the whole state twice for each backup, and what a fleet takes beside its
    backups is mostly that writing. By ``sys.tracebacklimit``, which ``traceback.extract_stack`` heeds as well.

    Args:
        constructor: the frame of the resource's constructor.
    """
    depth = _depth(constructor)
    if depth is None or hasattr(sys, "tracebacklimit"):
        yield
        return
    sys.tracebacklimit = depth + _FRAMES_OF_THE_SDK
    try:
        yield
    finally:
        del sys.tracebacklimit


def _depth(constructor: FrameType | None) -> int | None:
    """How many frames the program has, the constructor's included; None where something else runs it."""
    for depth, (frame, _) in enumerate(traceback.walk_stack(constructor)):
        if str(frame.f_globals.get("__name__")).partition(".")[0] in _RUNNERS:
            return depth
    return None

"""Ends a call of the engine with one message and nothing else, and says how a bug is reported."""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import Any, Final, NoReturn

import grpc
from google.protobuf import any_pb2
from pulumi.runtime.proto import status_pb2

from .errors import DiagnosticError, ResourceInitFailedError
from .log import displayable
from .messages import INIT_CAN_FAIL, init_failed

_DETAILS: Final = "grpc-status-details-bin"
"""The trailing metadata in which gRPC carries a ``google.rpc.Status``; the engine shows its message as it stands."""
_UNKNOWN_CODE: Final = 2
_PACKAGE: Final = __name__.partition(".")[0]


class _Status:
    """A ``grpc.Status``: what ``abort_with_status`` takes."""

    def __init__(self, details: str, trailing_metadata: tuple[tuple[str, bytes], ...]) -> None:
        self.code = grpc.StatusCode.UNKNOWN
        self.details = details
        self.trailing_metadata = trailing_metadata


def abort(operation: str, message: Any, context: grpc.ServicerContext, error: Exception, *, debug: bool) -> NoReturn:
    """End the call with the error's message.

    Args:
        message: the request as it came.
        debug: whether to show where the error comes from.
    """
    reason = text_of(error, operation, debug=debug)
    details = []
    if isinstance(error, ResourceInitFailedError) and operation in INIT_CAN_FAIL:
        detail = any_pb2.Any()
        detail.Pack(init_failed(operation, message, reason, error.id, error.properties))
        details.append(detail)
    status = status_pb2.Status(code=_UNKNOWN_CODE, message=reason, details=details)
    # Raises; nothing after it runs. A ``grpc.Status`` is whatever has these three attributes.
    context.abort_with_status(
        _Status(reason.partition("\n")[0], ((_DETAILS, status.SerializeToString()),))  # type: ignore[arg-type]
    )
    raise AssertionError("abort_with_status returned")


def text_of(error: Exception, operation: str, *, debug: bool) -> str:
    """What the user sees of the error.

    The texts of exceptions that are not made for the user are never shown: they may hold secrets.
    """
    is_expected = isinstance(error, (DiagnosticError, ResourceInitFailedError))
    shown = error.message if isinstance(error, (DiagnosticError, ResourceInitFailedError)) else _bug(error, operation)
    if debug:
        shown += "\n" + _frames(error)
    elif not is_expected:
        shown += "\n  Turn on debugging to see the frames that led to it."
    return displayable(shown)


def _bug(error: Exception, operation: str) -> str:
    """Names the place in the code; nothing that came from the outside."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _PACKAGE in PurePath(frame.filename).parts] or list(frames)
    places = dict.fromkeys(_place(frame) for frame in [*frames[-1:], *ours[-1:]])
    return (
        f"internal error of {_PACKAGE.replace('_', '-')} in {operation.lower()}: {type(error).__name__}"
        f" at {', called from '.join(places) or 'an unknown place'}\n"
        "  This is a bug; please report it with these lines.\n"
        "  What to do: run `pulumi refresh`, then the command again."
    )


def _place(frame: traceback.FrameSummary) -> str:
    parts = PurePath(frame.filename).parts
    start = max(len(parts) - 2, 0)
    if _PACKAGE in parts:
        start = len(parts) - parts[::-1].index(_PACKAGE) - 1
    return f"{'/'.join(parts[start:])}:{frame.lineno}"


def _frames(error: BaseException) -> str:
    """The traceback of the error and of what it came from, without the texts of exceptions."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    lines: list[str] = []
    for each in reversed(chain):
        lines += ["Traceback (most recent call last):\n", *traceback.format_tb(each.__traceback__)]
        lines.append(f"{type(each).__module__}.{type(each).__qualname__}\n")
    return "".join(lines).rstrip()

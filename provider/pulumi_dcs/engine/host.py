"""What the stock dynamic-provider host is taught from inside its process; the only place with private names.

The stock host (``python -m pulumi.dynamic``) hands a provider nothing but properties. Everything else that a
first-class provider needs is reachable from inside: the gRPC server, the request being served, the engine's address.
Each ability below leans on a private name of grpc or of Pulumi's SDK, is looked up defensively, and where the name
is missing the stock behaviour stays in force. Nothing here knows of DCS.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from types import FrameType
from typing import Any, Final

import grpc
from google.protobuf import any_pb2, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    provider_pb2,
    status_pb2,
)

WORKERS: Final = 4096
"""At most so many requests are served at once; threads are started when needed. The stock host has 4."""

_SERVICE: Final = "/pulumirpc.ResourceProvider/"
_STATUS_METADATA: Final = "grpc-status-details-bin"
_UNKNOWN_CODE: Final = 2
_PROVIDER: Final = "__provider"
_LOG_TIMEOUT: Final = 5.0
_SHOWING_PAUSE: Final = 0.1
"""Seconds between two passing messages of this process: each takes the engine's time, and nobody reads more."""
_WATCH_PAUSE: Final = 0.5
_LAST_REQUESTS: Final = 60.0
"""Seconds that the requests under way get to write down what they have made, once the engine is gone."""


class Ability(Enum):
    """What the host has been taught."""

    CALLS = "see the request: its timeout and URN"
    DIAGNOSTICS = "fail with a clean message instead of a traceback"
    PARTIAL_STATE = "keep a resource in the state whose create or update failed"
    DETAILED_DIFF = "say which properties changed, and how"
    CANCELLATION = "hear that the deployment is cancelled"
    ENGINE_WATCH = "notice that the engine is gone"
    WORKERS = "serve more than four requests at once"
    MESSAGES = "show messages on the resource's row while it works"


class PropertyChange(Enum):
    """How a property changed, as pulumirpc.PropertyDiff.Kind has it."""

    ADD = "ADD"
    ADD_REPLACE = "ADD_REPLACE"
    DELETE = "DELETE"
    DELETE_REPLACE = "DELETE_REPLACE"
    UPDATE = "UPDATE"
    UPDATE_REPLACE = "UPDATE_REPLACE"


class Severity(Enum):
    """How serious a message is, as pulumirpc.LogSeverity has it."""

    INFO = "INFO"
    WARNING = "WARNING"


@dataclass(frozen=True)
class Call:
    """The request that is being served on this thread.

    Attributes:
        urn: the resource's URN; empty where it is not known.
        timeout: the user's custom timeout in seconds; None where there is none.
    """

    urn: str
    timeout: float | None


class _Status:
    """A ``grpc.Status``: what ``abort_with_status`` takes."""

    def __init__(self, details: str, trailing_metadata: tuple[tuple[str, bytes], ...]) -> None:
        self.code = grpc.StatusCode.UNKNOWN
        self.details = details
        self.trailing_metadata = trailing_metadata


_detailed_diff: ContextVar[Mapping[str, provider_pb2.PropertyDiff] | None] = ContextVar("detailed_diff", default=None)


class Host:
    """The dynamic-provider host of this process, taught what it can be taught.

    Args:
        on_cancel: called when the engine cancels the deployment, and when the engine is gone.
        on_close: called when the process ends while the engine is there, as it does after a deployment.
    """

    def __init__(self, on_cancel: Callable[[], None], on_close: Callable[[], None]) -> None:
        self._on_cancel = on_cancel
        self._on_close = on_close
        self._serving = 0
        self._last_shown_at = float("-inf")
        self._lock = threading.Lock()
        self._abilities: set[Ability] = set()
        self._engine: engine_pb2_grpc.EngineStub | None = None
        teachings = (
            self._teach_calls,
            self._teach_workers,
            self._teach_handlers,
            self._teach_messages,
            self._teach_engine_watch,
        )
        for teach in teachings:
            # Private names may change in any way: whatever looking for them raises means that they are not there.
            with contextlib.suppress(Exception):
                teach()

    @property
    def abilities(self) -> frozenset[Ability]:
        """What is in force in this process."""
        return frozenset(self._abilities)

    def call(self) -> Call:
        """The request that this thread serves; an empty one where it can't be seen."""
        served = _served_request()
        if served is None:
            return Call("", None)
        request, _ = served
        timeout = float(getattr(request, "timeout", 0.0) or 0.0)
        return Call(getattr(request, "urn", ""), timeout or None)

    def fail(self, message: str) -> None:
        """End the request with this message and nothing else. Returns where the host can't do that."""
        self._abort(status_pb2.Status(code=_UNKNOWN_CODE, message=message))

    def fail_partially(self, message: str, resource_id: str, outputs: struct_pb2.Struct) -> None:
        """End the request with this message, and have the engine keep the resource. Returns where that can't be done.

        Args:
            outputs: what to keep of the resource; its inputs are kept as the request has them.
        """
        served = _served_request()
        if served is None:
            return
        inputs = _declared(served[0])
        outputs.fields[_PROVIDER].CopyFrom(inputs.fields[_PROVIDER])
        detail = any_pb2.Any()
        detail.Pack(
            provider_pb2.ErrorResourceInitFailed(id=resource_id, properties=outputs, reasons=[message], inputs=inputs)
        )
        self._abort(status_pb2.Status(code=_UNKNOWN_CODE, message=message, details=[detail]))

    def old_inputs(self) -> Mapping[str, Any] | None:
        """What the engine says was declared before; None where it does not say."""
        served = _served_request()
        request = served[0] if served else None
        old = getattr(request, "old_inputs", None) or getattr(request, "inputs", None)
        return rpc.deserialize_properties(old, True) if old is not None and old.fields else None

    def set_detailed_diff(self, changes: Mapping[str, PropertyChange], outputs: frozenset[str] = frozenset()) -> None:
        """Say which properties the diff being answered is about.

        Args:
            changes: by property path, as the engine has them: ``a.b[0]``.
            outputs: those among them that are no inputs.
        """
        _detailed_diff.set(
            {
                path: provider_pb2.PropertyDiff(
                    kind=provider_pb2.PropertyDiff.Kind.Value(change.value), inputDiff=path not in outputs
                )
                for path, change in changes.items()
            }
        )

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Mark that a request is being served: if the engine is gone, the process ends when none is."""
        with self._lock:
            self._serving += 1
        try:
            yield
        finally:
            with self._lock:
                self._serving -= 1

    def show(self, urn: str, message: str) -> None:
        """Show a passing message on the resource's row; where many have one at once, not all of them."""
        now = time.monotonic()
        with self._lock:
            if now - self._last_shown_at < _SHOWING_PAUSE:
                return
            self._last_shown_at = now
        self._log(urn, message, Severity.INFO, ephemeral=True)

    def tell(self, urn: str, message: str, severity: Severity) -> None:
        """Add a lasting diagnostic to the resource."""
        self._log(urn, message, severity, ephemeral=False)

    def _log(self, urn: str, message: str, severity: Severity, *, ephemeral: bool) -> None:
        if self._engine is None:
            return
        request = engine_pb2.LogRequest(
            severity=engine_pb2.LogSeverity.Value(severity.value), message=message, urn=urn, ephemeral=ephemeral
        )
        # The engine may be gone already; a message that can't be shown must not fail the work.
        with contextlib.suppress(grpc.RpcError):
            self._engine.Log(request, timeout=_LOG_TIMEOUT)

    def _abort(self, status: status_pb2.Status) -> None:
        served = _served_request()
        if served is None:
            return
        _, context = served
        context.abort_with_status(_Status(status.message, ((_STATUS_METADATA, status.SerializeToString()),)))

    def _teach_calls(self) -> None:
        if _served_request() is not None:
            self._abilities |= {Ability.CALLS, Ability.DIAGNOSTICS, Ability.PARTIAL_STATE}

    def _teach_workers(self) -> None:
        pool = _grpc_server()._state.thread_pool
        pool._max_workers = max(pool._max_workers, WORKERS)
        self._abilities.add(Ability.WORKERS)

    def _teach_handlers(self) -> None:
        handlers = _grpc_server()._state.generic_handlers[0]._method_handlers
        diff, cancel = handlers[_SERVICE + "Diff"], handlers[_SERVICE + "Cancel"]
        serve_diff, serve_cancel = diff.unary_unary, cancel.unary_unary

        def diff_in_detail(request: Any, context: grpc.ServicerContext) -> Any:
            _detailed_diff.set(None)
            response = serve_diff(request, context)
            for path, change in (_detailed_diff.get() or {}).items():
                response.detailedDiff[path].CopyFrom(change)
                response.diffs.append(path.partition(".")[0])
                response.hasDetailedDiff = True
            return response

        def cancel_at_once(request: Any, context: grpc.ServicerContext) -> Any:
            self._on_cancel()
            return serve_cancel(request, context)

        for name, old, taught in (("Diff", diff, diff_in_detail), ("Cancel", cancel, cancel_at_once)):
            handlers[_SERVICE + name] = grpc.unary_unary_rpc_method_handler(
                taught, old.request_deserializer, old.response_serializer
            )
        self._abilities |= {Ability.DETAILED_DIFF, Ability.CANCELLATION}

    def _teach_messages(self) -> None:
        if not _is_dynamic_host() or len(sys.argv) < 2:
            return
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(sys.argv[1]))
        self._abilities.add(Ability.MESSAGES)

    def _teach_engine_watch(self) -> None:
        if not _is_dynamic_host() or len(sys.argv) < 2:
            return
        address, _, port = sys.argv[1].rpartition(":")
        place = (address, int(port))
        if not _is_there(place):
            return
        threading.Thread(target=self._watch_engine, args=(place,), daemon=True).start()
        atexit.register(lambda: self._on_close() if _is_there(place) else None)
        self._abilities.add(Ability.ENGINE_WATCH)

    def _watch_engine(self, place: tuple[str, int]) -> None:
        """End the process once the engine is gone: nobody else would, and what it went on to make nobody would keep."""
        while _is_there(place):
            time.sleep(_WATCH_PAUSE)
        self._on_cancel()
        give_up = time.monotonic() + _LAST_REQUESTS
        while self._serving and time.monotonic() < give_up:
            time.sleep(0.05)
        os._exit(1)


def _is_there(place: tuple[str, int]) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(place, timeout=_WATCH_PAUSE).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    return True


def _is_dynamic_host() -> bool:
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec is not None and spec.name == "pulumi.dynamic.__main__"


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _grpc_server() -> Any:
    """The gRPC server that the host's main thread keeps in a local variable."""
    for frame in _outward(_main_threads_frame()):
        server = frame.f_locals.get("server")
        if server is not None and hasattr(server, "_state"):
            return server
    raise LookupError("no gRPC server on the main thread")


def _main_threads_frame() -> FrameType | None:
    # Garbage that is collected in that call can have Python 3.11 wait for itself for ever:
    # https://github.com/python/cpython/issues/106883
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames().get(threading.main_thread().ident or 0)
    finally:
        if was_collecting:
            gc.enable()


def _served_request() -> tuple[Any, Any] | None:
    """The request and context of the gRPC call that this thread serves."""
    for frame in _outward(sys._getframe(1)):
        context = frame.f_locals.get("context")
        if context is not None and hasattr(context, "abort_with_status") and "request" in frame.f_locals:
            return frame.f_locals["request"], context
    return None


def _declared(request: Any) -> struct_pb2.Struct:
    """The inputs that a create or update is about."""
    inputs: struct_pb2.Struct = request.news if hasattr(request, "news") else request.properties
    return inputs

"""Messages on a resource's row in ``pulumi up``, and lasting diagnostics, by the engine's own log service."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from typing import Final

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc
from pulumi.runtime.settings import get_engine

_TIMEOUT: Final = 5.0
"""Seconds that a message may take: an engine that is being suspended must not hold up the work."""
_PROGRESS_DELAY: Final = 0.1
"""Seconds between two passing messages of this process: each takes the engine's time, and nobody reads more."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters but for the line feed and the tab: what a terminal would obey in place of showing."""


def displayable(text: str) -> str:
    """The text as a terminal can show it, whatever the service or a program has put into it."""
    return _CONTROL.sub(" ", text).encode(errors="replace").decode()


class Log:
    """Shows messages where there is an engine; never raises.

    Args:
        address: the engine's ``host:port``; empty where there is none.
    """

    def __init__(self, address: str = "") -> None:
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None
        self._lock = threading.Lock()
        self._reported_at = float("-inf")
        self._hidden: set[str] = set()

    @classmethod
    def of_program(cls) -> Log:
        """The log of the engine that runs the program which calls this."""
        log = cls()
        log._engine = get_engine()
        return log

    @property
    def is_available(self) -> bool:
        """Whether anybody sees the messages."""
        return self._engine is not None

    def hide(self, text: str) -> None:
        """Show ``[secret]`` wherever a message has this text, from now on."""
        self._hidden.add(text)

    def without_hidden(self, message: str) -> str:
        """A message as it may be shown."""
        for text in tuple(self._hidden):
            message = message.replace(text, "[secret]")
        return message

    def report_progress(self, urn: str, message: str) -> None:
        """Show a passing message on the resource's row; where many report at once, not all of them."""
        now = time.monotonic()
        with self._lock:
            if now - self._reported_at < _PROGRESS_DELAY:
                return
            self._reported_at = now
        self._log(urn, message, engine_pb2.INFO, ephemeral=True)

    def info(self, urn: str, message: str) -> None:
        """Add a lasting message to the resource."""
        self._log(urn, message, engine_pb2.INFO, ephemeral=False)

    def warn(self, urn: str, message: str) -> None:
        """Add a lasting warning to the resource."""
        self._log(urn, message, engine_pb2.WARNING, ephemeral=False)

    def _log(self, urn: str, message: str, severity: engine_pb2.LogSeverity.ValueType, *, ephemeral: bool) -> None:
        if self._engine is None:
            return
        # The engine may be gone already; a message that can't be shown must not fail the work.
        with contextlib.suppress(grpc.RpcError, ValueError):
            text = displayable(self.without_hidden(message))
            request = engine_pb2.LogRequest(severity=severity, message=text, urn=urn, ephemeral=ephemeral)
            self._engine.Log(request, timeout=_TIMEOUT)

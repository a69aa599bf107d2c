"""Notices Ctrl-C while a hook runs: the engine tells the program nothing of it, and waits for the hook."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from .workspace import engine_process_id

_SENTINEL: Final = "cat"
"""Ends when its input does, which is when this process ends, however that happens."""


@dataclass(frozen=True)
class _Sentinel:
    """A process that does nothing.

    Attributes:
        input: the end of the pipe that keeps it.
    """

    pid: int
    input: int


class Interrupts:
    """Calls back when a signal is sent to the engine's process group, as a terminal does on Ctrl-C.

    The engine starts its children in groups of their own. So one more process, which does nothing, joins the engine's
    group: the signal that the engine gets ends it. Where that can't be done, nothing is noticed.

    Args:
        on_interrupt: called from another thread.
    """

    def __init__(self, on_interrupt: Callable[[], None]) -> None:
        self._on_interrupt = on_interrupt
        self._lock = threading.Lock()
        self._watchers = 0
        self._sentinel: _Sentinel | None = None

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Notice interrupts for as long as the block lasts."""
        with self._lock:
            self._watchers += 1
            if self._sentinel is None:
                self._sentinel = self._start()
        try:
            yield
        finally:
            with self._lock:
                self._watchers -= 1
                if not self._watchers and self._sentinel is not None:
                    os.close(self._sentinel.input)
                    self._sentinel = None

    def _start(self) -> _Sentinel | None:
        if sys.platform == "win32":
            return None
        try:
            engine = engine_process_id()
            group = os.getpgid(engine) if engine else 0
            if not group or group == os.getpgrp():
                return None
            sentinel = _spawn(group)
        except OSError:
            return None
        threading.Thread(target=self._wait, args=(sentinel,), name="interrupts", daemon=True).start()
        return sentinel

    def _wait(self, sentinel: _Sentinel) -> None:
        try:
            _, status = os.waitpid(sentinel.pid, 0)
        except ChildProcessError:
            # Somebody else has waited for all children of this process.
            return
        if os.WIFSIGNALED(status):
            self._on_interrupt()


def _spawn(group: int) -> _Sentinel:
    """Not by subprocess: that sets the group only from Python 3.11 on."""
    reader, writer = os.pipe()
    try:
        quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
        pid = os.posix_spawnp(
            _SENTINEL,
            [_SENTINEL],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, reader, 0), *quiet],
            setpgroup=group,
            setsigmask=[],
            setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
        )
    except BaseException:
        os.close(writer)
        raise
    finally:
        os.close(reader)
    return _Sentinel(pid, writer)

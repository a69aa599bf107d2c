"""Runs one command of Pulumi: its output shown and kept, its event log read, its end waited for whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import BinaryIO, Final

from .events import EventLog

CANCELLED: Final = 128 + signal.SIGTERM
"""The exit code of a run that was told to end, and then ended as if nothing had been."""
_ECHO_INTERVAL: Final = 0.1
"""Seconds between two looks at the output: below that, nobody notices a delay."""


@dataclass(frozen=True)
class Ran:
    """How a command ended.

    Attributes:
        code: its exit code, or 143 if it was told to end.
        output: everything it printed, standard error included.
        events: what its event log says.
        is_cancelled: whether it was told to end.
        has_succeeded: whether it did all that it should, also if it was told to end meanwhile.
    """

    code: int
    output: str
    events: EventLog
    is_cancelled: bool = False
    has_succeeded: bool = False


def run(command: Sequence[str], environment: Mapping[str, str]) -> Ran:
    """Run a command of the engine that writes an event log, and show its output as it comes.

    The command is in a process group of its own and gets exactly one signal if this process gets any, whether the
    runner signals this process or its group. What is under way then stays in the state. A second one would kill it.

    Args:
        command: ``pulumi`` and its arguments.
        environment: the variables it gets.

    Raises:
        OSError: it can't be started.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "events.jsonl"
        # A file and not a pipe: what the engine leaves behind can hold a pipe open, and a file loses nothing.
        written = Path(folder) / "output"
        with written.open("wb") as output, written.open("rb") as shown, _one_signal() as cancellation:
            process = subprocess.Popen(
                [*command, "--event-log", str(log)],
                # The engine has the option only with its commands for debugging, as the Automation API uses it.
                env={**environment, "PULUMI_DEBUG_COMMANDS": "true"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            cancellation.started(process)
            code = _follow(process, shown)
        text = written.read_text("utf-8", errors="replace")
        events = log.read_text("utf-8", errors="replace") if log.exists() else ""
        has_succeeded = code == 0
        if has_succeeded and cancellation.is_told:
            code = CANCELLED
        # A process that a signal has ended has a negative one here, and 128 and more in a shell.
        code = code if code >= 0 else 128 - code
        return Ran(code, text, EventLog.parse(events), cancellation.is_told, has_succeeded)


def _follow(process: subprocess.Popen[bytes], shown: BinaryIO) -> int:
    """Show what the command prints until it has ended; its exit code."""
    echo = _Echo()
    while True:
        try:
            code = process.wait(_ECHO_INTERVAL)
        except subprocess.TimeoutExpired:
            echo.show(shown.read())
            continue
        echo.show(shown.read())
        return code


class _Echo:
    """Standard output, for as long as anybody reads it."""

    def __init__(self) -> None:
        self._is_open = True

    def show(self, text: bytes) -> None:
        if not text or not self._is_open:
            return
        try:
            sys.stdout.flush()
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()
        except OSError:
            # The runner has gone. The command goes on, and its end is waited for.
            self._is_open = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Cancellation:
    """Passes the first signal on to the command, and no other."""

    def __init__(self) -> None:
        self.is_told = False
        self._process: subprocess.Popen[bytes] | None = None

    def started(self, process: subprocess.Popen[bytes]) -> None:
        """Note the command; a signal that came while it started is passed on now."""
        self._process = process
        if self.is_told:
            process.send_signal(signal.SIGTERM)

    def tell(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle a signal."""
        if self.is_told:
            return
        self.is_told = True
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)


@contextmanager
def signals_held() -> Iterator[None]:
    """Let no signal end this process meanwhile: a runner that cancels a job sends several, seconds apart."""
    with _one_signal():
        yield


@contextmanager
def _one_signal() -> Iterator[_Cancellation]:
    cancellation = _Cancellation()
    before = {each: signal.signal(each, cancellation.tell) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancellation
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

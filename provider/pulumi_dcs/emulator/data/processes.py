"""Starts and ends servers by way of the keeper, so that none outlives the endpoint."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from . import keeper

_CLOSING: Final = keeper.GRACE + 5.0
"""Seconds to wait for the keeper's end."""


class Processes:
    """The servers' processes.

    Args:
        temporary: the folder that goes with the endpoint; None to have the servers save their data at the end.
        inherited: open files that the keeper and the servers are to hold until they have ended, such as a lock's.
    """

    def __init__(self, temporary: Path | None, inherited: tuple[int, ...] = ()) -> None:
        self._temporary = temporary
        self._inherited = inherited
        self._lock = threading.Lock()
        self._is_closed = False
        self._keeper: subprocess.Popen[str] | None = None
        self._ended = -1
        """Open for reading; at its end once the last keeper and all its servers have ended."""
        if temporary is not None:
            # It removes the folder even if the endpoint is killed before a server was needed.
            self._keeper = self._new_keeper()

    def start(self, name: str, command: list[str], folder: Path, log: Path) -> int:
        """Start a server; its process id.

        Raises:
            OSError: the program can't be run.
        """
        answer = self._ask({"do": "start", "name": name, "command": command, "folder": str(folder), "log": str(log)})
        if "error" in answer:
            raise OSError(f"The Valkey server can't be started: {answer['error']}")
        pid: int = answer["pid"]
        return pid

    def has_ended(self, name: str) -> bool:
        """Whether the server is not running."""
        ended: bool = self._ask({"do": "poll", "name": name})["ended"]
        return ended

    def end(self, name: str) -> None:
        """Have the server save its data and end; it does so later."""
        self._ask({"do": "end", "name": name})

    def kill(self, name: str) -> None:
        """End the server at once; what it has not saved is lost."""
        self._ask({"do": "kill", "name": name})

    def close(self) -> None:
        """End every server, and wait for it."""
        with self._lock:
            self._is_closed = True
            process, self._keeper = self._keeper, None
        if process is None:
            return
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_CLOSING)

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if self._is_closed:
                raise OSError("The endpoint ends.")
            try:
                return self._exchange(order)
            except (OSError, ValueError):
                # Somebody ended the keeper, and with it the servers: a new one knows of none.
                self._keeper = None
                # What they are still saving is what the next ones load.
                select.select([self._ended], [], [], keeper.GRACE)
                return self._exchange(order)

    def _exchange(self, order: dict[str, Any]) -> dict[str, Any]:
        if self._keeper is None:
            self._keeper = self._new_keeper()
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.write(json.dumps(order) + "\n")
        self._keeper.stdin.flush()
        answer: dict[str, Any] = json.loads(self._keeper.stdout.readline())
        return answer

    def _new_keeper(self) -> subprocess.Popen[str]:
        if self._ended >= 0:
            os.close(self._ended)
        self._ended, held = os.pipe()
        inherited = (*self._inherited, held)
        try:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__, str(self._temporary or ""), *map(str, inherited)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,  # Ctrl-C in a terminal is for the endpoint
                pass_fds=inherited,
            )
        finally:
            os.close(held)

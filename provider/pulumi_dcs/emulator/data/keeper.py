"""A process of its own that is the servers' parent: it ends them all when its endpoint has ended, however it did.

It takes one order a line on its standard input and writes one answer a line. The input ends with the endpoint, even
with one that was killed. Runs without the package: ``python -I -S keeper.py``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

GRACE: Final = 30.0
"""Seconds that servers have to save their data at the end: a few gigabytes."""

_PR_SET_PDEATHSIG: Final = 1  # <sys/prctl.h>


class Servers:
    """The servers, by the name that the endpoint gave them.

    Args:
        inherited: open files that each of them is to hold until it has ended.
    """

    def __init__(self, inherited: list[int]) -> None:
        self._inherited = inherited
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry one order out; the answer to it."""
        name = order["name"]
        if order["do"] == "start":
            with Path(order["log"]).open("ab") as log:
                self._running[name] = subprocess.Popen(
                    order["command"],
                    cwd=order["folder"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=self._inherited,
                    preexec_fn=_die_with_parent(os.getpid()),  # noqa: PLW1509  # this process has one thread
                )
            return {"pid": self._running[name].pid}
        process = self._running.get(name)
        if process is None:
            return {"ended": True}
        if order["do"] == "end":
            process.terminate()
        if order["do"] == "kill":
            process.kill()
            process.wait()
        if process.poll() is not None:
            del self._running[name]
            return {"ended": True}
        return {"ended": False}

    def end(self, *, save: bool) -> None:
        """End them all, and wait until they have saved their data."""
        for process in self._running.values():
            process.send_signal(signal.SIGTERM if save else signal.SIGKILL)
        for process in self._running.values():
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _die_with_parent(parent: int) -> Any:
    """What a server calls before it starts: on Linux it ends even if this process is killed."""
    if sys.platform != "linux":
        return None
    import ctypes

    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def main(temporary: str, *inherited: str) -> None:
    """Serve until the input ends.

    Args:
        temporary: the folder to remove at the end; empty to save the data instead.
        inherited: the numbers of open files that the servers are to hold as well: should this process be killed, they
            still tell when the last server has saved its data.
    """
    # Ctrl-C and the like are for the endpoint; its end is this process's.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    servers = Servers([int(each) for each in inherited])
    try:
        for line in sys.stdin:
            try:
                answer = servers.obey(json.loads(line))
            except OSError as error:
                answer = {"error": error.strerror or str(error)}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    except BrokenPipeError:
        pass
    finally:
        servers.end(save=not temporary)
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

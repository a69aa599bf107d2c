"""The host's process when the deployment is cancelled, and when the engine dies."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.engine.stack import until

from .toy import ToyStack

SLOW_TO_REFUSE = """
import sys
if "pulumi.dynamic" in " ".join(sys.orig_argv):
    import socket, time
    connect = socket.create_connection

    def as_on_windows(address, timeout=None, **options):
        began = time.monotonic()
        try:
            return connect(address, timeout=timeout, **options)
        except ConnectionRefusedError:
            time.sleep(min(2.0, timeout or 2.0))
            if timeout is not None and timeout < 2.0:
                raise TimeoutError from None
            raise

    socket.create_connection = as_on_windows
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_engine(pid: int) -> None:
    """Kill the process at the top; its plugins live on."""
    os.kill(pid, signal.SIGKILL)


@pytest.mark.row("E22")
@pytest.mark.parametrize("refusal", ["", SLOW_TO_REFUSE], ids=["at once", "as on Windows"])
def test_it_ends_when_the_engine_is_gone(stack: ToyStack, refusal: str) -> None:
    (stack.folder / "sitecustomize.py").write_text(refusal)
    stack.environment["PYTHONPATH"] = str(stack.folder)
    stack.program("Toy('a', value=600)")
    process = stack.start("up", "--yes", "--skip-preview")
    until(lambda: stack.notes("create"))
    (made,) = stack.notes("made")
    kill_engine(process.pid)
    process.communicate()
    until(lambda: not is_alive(made["pid"]), 30)
    assert not stack.notes("done")


def test_it_ends_only_after_others_are_done(stack: ToyStack) -> None:
    # The first of theirs is served before ours, and so before anything of ours is in place.
    stack.program(
        "first = [Theirs(f'early{number}', seconds=6) for number in range(2)]\nimport time\ntime.sleep(1.5)\n"
        "Toy('a', value=600)\nlate = [Theirs(f'late{number}', seconds=6) for number in range(8)]"
    )
    process = stack.start("up", "--yes", "--skip-preview", "--parallel", "50")
    until(lambda: stack.notes("create") and len(stack.notes("theirs-at-once")) == 4)
    (made,) = stack.notes("made")
    kill_engine(process.pid)
    process.communicate()
    until(lambda: not is_alive(made["pid"]), 60)
    # The four that were started; those that waited for a thread were not.
    assert len(stack.notes("theirs-done")) == 4
    assert len(stack.notes("theirs-at-once")) == 4


def test_cancelling_keeps_what_was_made(stack: ToyStack) -> None:
    stack.program("Toy('a', value=600)\nToy('b', value=600)")
    process = stack.start("up", "--yes", "--skip-preview")
    until(lambda: len(stack.notes("create")) == 2)
    os.kill(process.pid, signal.SIGINT)
    process.communicate()
    resources = stack.state()
    assert [resource["outputs"]["result"] for resource in resources] == ["part", "part"]
    assert all(resource["initErrors"] == ["toy: cancelled"] for resource in resources)

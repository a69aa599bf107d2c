"""What happens to runs in tests: kills, another machine, failing saves; and how often the saved state is asked for."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.endpoint import LocalEndpoint

from .stack import PROJECT, Stack, until

LONG: Final = 600.0
"""Seconds that a backup takes which is still running when its run is killed."""
SHORT: Final = 0.3

_SPY: Final = """\
import os, subprocess

run = subprocess.run

def noting(command, *arguments, **options):
    if "export" not in command:
        return run(command, *arguments, **options)
    code = "refused"
    try:
        if os.environ.get("SPY_REFUSES"):
            raise FileNotFoundError(2, "No such file or directory")
        done = run(command, *arguments, **options)
        code = done.returncode
        return done
    finally:
        with open(os.environ["SPY_NOTES"], "a") as notes:
            notes.write(f"{code}\\n")

subprocess.run = noting
"""
"""In place of a wrapper around the engine: our host finds the engine's own program, wherever that is."""


class Exports:
    """Counts the runs of ``pulumi stack export`` that a stack's processes start, and prevents them if told so."""

    def __init__(self, stack: Stack) -> None:
        folder = stack.folder.parent / f"{stack.folder.name}-spy"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(_SPY)
        self._notes = folder / "notes"
        self._environment = stack.environment
        self._environment |= {"PYTHONPATH": str(folder), "SPY_NOTES": str(self._notes)}

    def refuse(self, *, refused: bool = True) -> None:
        """Let no run of the command come about from now on, or let it again."""
        self._environment["SPY_REFUSES"] = "1" if refused else ""

    def take_count(self) -> int:
        """How many there were since the last call, but for those that met a state that was just being written."""
        found = self._notes.read_text().splitlines() if self._notes.exists() else []
        self._notes.unlink(missing_ok=True)
        return sum(code in ("0", "refused") for code in found)


def processes_of(stack: Stack, *words: str) -> list[int]:
    """The processes with these words in their command line that belong to the stack's engine, the engine included."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            environment = (folder / "environ").read_bytes().split(b"\0")
        except (OSError, ValueError):
            continue
        is_stacks = f"STACK_FOLDER={stack.folder}".encode() in environment
        if is_stacks and all(word in command for word in words):
            found.append(int(folder.name))
    return found


def kill_those(stack: Stack, *words: str) -> None:
    """``kill -9`` of the stack's processes with these words in their command line."""
    for pid in processes_of(stack, *words):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_everything(stack: Stack) -> None:
    """``kill -9`` of all the stack's processes."""
    kill_those(stack)


def killed_up(
    stack: Stack,
    when: Callable[[], object],
    *options: str,
    kill: Callable[[Stack], None] = kill_everything,
) -> None:
    """Begin an ``up``, and kill as soon as the condition holds."""
    process = stack.start_up(when, *options)
    kill(stack)
    # Our host has to end by itself when its engine is gone; Pulumi's program runner does not.
    until(lambda: not processes_of(stack, "pulumi.dynamic"))
    kill_everything(stack)
    process.communicate(timeout=60)
    stack.pulumi("cancel", "--yes")


def killed_create(stack: Stack, endpoint: LocalEndpoint) -> str:
    """Kill an ``up`` that has started a backup; that backup, which succeeds afterwards."""
    before = endpoint.backup_ids()
    endpoint.behave(duration=LONG)
    posts = endpoint.count("create_backup")
    # Not before the response is written down: what comes before is another test's.
    lists = endpoint.count("list_backups")
    killed_up(
        stack,
        lambda: endpoint.count("create_backup") > posts and endpoint.count("list_backups") > lists + 1,
    )
    (left,) = endpoint.backup_ids() - before
    endpoint.change_backup(left, duration=0.0)
    endpoint.behave(duration=SHORT)
    return left


def on_another_machine(stack: Stack, *, is_selected: bool = True) -> None:
    """Nothing that this machine remembers is there any more, and the stack is selected, or it is not."""
    home = Path(stack.environment["PULUMI_HOME"])
    number = len(list(home.parent.glob(f"{home.name}-*")))
    elsewhere = home.parent / f"{home.name}-{number}"
    elsewhere.mkdir()
    stack.environment["PULUMI_HOME"] = str(elsewhere)
    if is_selected:
        chosen = stack.pulumi("stack", "select", stack.name)
        assert chosen.ok, chosen.text


@contextlib.contextmanager
def state_that_cannot_be_written(stack: Stack) -> Iterator[None]:
    """Have every save of the stack's state fail, as on a full disk; what was saved is there again afterwards."""
    saved = stack.folder / "state" / ".pulumi" / "stacks" / PROJECT
    away = saved.with_name("away")
    saved.rename(away)
    saved.write_text("a file where a folder has to be")
    try:
        yield
    finally:
        saved.unlink()
        away.rename(saved)


class Journal:
    """What a stack's machine remembers now, to be brought back later, as a cache of CI brings back an old home."""

    def __init__(self, stack: Stack) -> None:
        self._folder = Path(stack.environment["PULUMI_HOME"]) / "pulumi-dcs"
        self._kept = self._folder.with_name("pulumi-dcs-kept")
        shutil.copytree(self._folder, self._kept)
        assert list(self._kept.glob("journal.sqlite*"))

    def bring_back(self) -> None:
        """Put what was remembered in place of what is remembered now."""
        shutil.rmtree(self._folder)
        shutil.copytree(self._kept, self._folder)

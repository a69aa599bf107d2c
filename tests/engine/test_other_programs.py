"""Other people's resources beside ours, and several programs in one process: as without us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.endpoint import CLUSTER, HA, LocalEndpoint

from .stack import Stack, until

INLINE = """
import threading

import pulumi
from pulumi import automation
from pulumi_dcs import InstanceBackup

failures = []


def run(number):
    def program():
        for index in range(20):
            InstanceBackup(f"backup{index}", instance_id=INSTANCES[number % 2], remark=f"{number}.{index}", wait=False)

    try:
        stack = automation.create_or_select_stack(f"s{number}", "inline", program)
        stack.preview(on_output=lambda _: None)
    except BaseException as error:
        failures.append(error)
        raise


threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
import sys
print("failures", len(failures), "limit", getattr(sys, "tracebacklimit", "none"))
"""


@pytest.mark.row("P15")
def test_four_inline_programs_in_threads_of_one_process(stack: Stack, endpoint: LocalEndpoint) -> None:
    script = stack.folder / "inline.py"
    script.write_text(f"INSTANCES = {[HA, CLUSTER]!r}\n{INLINE}")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=stack.folder,
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failures 0 limit none" in done.stdout, done.stdout + done.stderr
    assert "AttributeError" not in done.stderr
    assert not endpoint.backups()


THEIRS = """
import os
import pathlib
import threading
import time
import uuid

from pulumi.dynamic import CreateResult, Resource, ResourceProvider

LOG = pathlib.Path(__file__).parent / "theirs.log"
lock = threading.Lock()
running = 0


def note(text):
    with LOG.open("a") as log:
        log.write(text + "\\n")


class Provider(ResourceProvider):
    def create(self, props):
        global running
        with lock:
            running += 1
            note(f"begun {running} {os.getpid()}")
        time.sleep(props["seconds"])
        with lock:
            running -= 1
        note("done")
        return CreateResult(uuid.uuid4().hex, props)


class Theirs(Resource):
    def __init__(self, name, seconds):
        super().__init__(Provider(), name, {"seconds": seconds})
"""
BESIDE_OURS = """
from pulumi_dcs import InstanceBackup
from theirs import Theirs

for number in range({ours}):
    InstanceBackup(f"ours{{number}}", instance_id=f"i-{{number}}")
for number in range({theirs}):
    Theirs(f"theirs{{number}}", {seconds})
"""


def notes(stack: Stack, first_word: str) -> list[list[str]]:
    log = stack.folder / "theirs.log"
    lines = log.read_text().splitlines() if log.exists() else []
    return [line.split() for line in lines if line.startswith(first_word)]


def declare(stack: Stack, endpoint: LocalEndpoint, *, theirs: int, seconds: float, ours: int) -> None:
    endpoint.control("POST", "/instances", [{"instance_id": f"i-{number}"} for number in range(ours)])
    (stack.folder / "theirs.py").write_text(THEIRS)
    stack.environment["PYTHONPATH"] = str(stack.folder)
    stack.write(BESIDE_OURS.format(theirs=theirs, seconds=seconds, ours=ours))


@pytest.mark.row("P25")
def test_others_have_four_threads_as_without_us(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=3.0)
    declare(stack, endpoint, theirs=12, seconds=1.0, ours=12)
    outcome = stack.up("--parallel", "64")
    assert outcome.ok, outcome.text
    begun = notes(stack, "begun")
    assert len(begun) == len(notes(stack, "done")) == 12
    assert max(int(count) for _, count, _ in begun) == 4
    # Ours are not held up by theirs: all were started while the first four of theirs were under way, or soon after.
    assert len(endpoint.backups()) == 12
    assert len({pid for *_, pid in begun}) == 1


@pytest.mark.row("P25")
def test_theirs_is_not_cut_off_when_the_engine_dies(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=600.0)
    declare(stack, endpoint, theirs=1, seconds=12, ours=2)
    process = stack.start_up(lambda: notes(stack, "begun") and endpoint.count("create_backup") == 2)
    ((_, _, pid),) = notes(stack, "begun")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    until(lambda: not is_alive(int(pid)))
    assert len(notes(stack, "done")) == 1


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.row("P24")
def test_creates_of_one_instance_share_a_failing_list(stack: Stack, endpoint: LocalEndpoint) -> None:
    short = "pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create='6s'))"
    stack.declare_all({f"b{number}": {"instance_id": HA, "opts": short} for number in range(8)})
    endpoint.plan({"operation": "list_backups", "status": 503, "delay": 0.5, "times": -1})
    outcome = stack.up("--parallel", "64", "--continue-on-error")
    assert not outcome.ok
    assert not endpoint.backups()
    assert outcome.diagnostics.count("error:") == 8
    # Each had 6 s of its own, side by side: what one asked was everyone's response.
    assert endpoint.count("list_backups") <= 16

"""Inline programs of the Automation API, several in threads of one process."""

from __future__ import annotations

import subprocess
import sys

from .toy import ToyStack

PROGRAMS = """
import sys, threading, traceback

sys.setswitchinterval(1e-5)
from pulumi import automation
from ours import Toy

problems = []


def program():
    for number in range(30):
        Toy(f"toy{number}", value="x")


def apply(name):
    try:
        stack = automation.create_or_select_stack(name, "shop", program)
        stack.up()
        found = [each for each in stack.export_stack().deployment["resources"] if "Toy" in each["type"]]
        assert len(found) == 30, len(found)
        # Another program's resource may have more frames in force at that moment; never the runner's of Python.
        assert all(len(each["stackTrace"]) <= 3 for each in found), found[0]
        assert all("inline.py#13" in each["sourcePosition"] for each in found), found[0]
    except BaseException:
        problems.append(traceback.format_exc())


threads = [threading.Thread(target=apply, args=(f"inline{number}",)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("\\n".join(problems))
assert not problems
assert not hasattr(sys, "tracebacklimit")
"""


def test_four_at_once(stack: ToyStack) -> None:
    (stack.folder / "inline.py").write_text(PROGRAMS)
    environment = {**stack.environment, "PYTHONPATH": str(stack.folder)}
    done = subprocess.run(
        [sys.executable, "inline.py"], cwd=stack.folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

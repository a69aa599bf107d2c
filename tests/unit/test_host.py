"""What the host does inside a process; what it teaches Pulumi's is seen in ``tests/engine``."""

from __future__ import annotations

import subprocess
import sys

GARBAGE_THAT_STARTS_A_THREAD = """
import gc, threading
from pulumi_dcs.engine import host

class Garbage:
    def __init__(self):
        self.itself = self

    def __del__(self):
        threading.Thread(target=str).start()

threading.Thread(target=threading.Event().wait, daemon=True).start()
gc.collect()
gc.disable()
gc.set_threshold(1)
for _ in range(100):
    Garbage()
dicts = [{} for _ in range(50)]
del dicts  # the next one needs no memory: garbage is not collected before the interpreter is at the threads' frames
gc.enable()
try:
    host._grpc_server()
except LookupError:
    print("none", gc.isenabled())
"""


def test_looking_at_the_threads_does_not_wait_for_itself() -> None:
    # Python 3.11 before 3.11.9: https://github.com/python/cpython/issues/106883
    done = subprocess.run(
        [sys.executable, "-c", GARBAGE_THAT_STARTS_A_THREAD], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "none True\n"

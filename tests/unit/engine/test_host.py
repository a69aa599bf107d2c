"""The host's surroundings, as far as they can be seen without it; the rest is in ``tests/engine/host``."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from pulumi_dcs.engine import host, stock_host
from pulumi_dcs.engine.host import Host
from pulumi_dcs.engine.log import Log

GARBAGE_THAT_STARTS_A_THREAD = """
import gc, threading
from pulumi_dcs.engine import stock_host

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
    stock_host._server()
except LookupError:
    print("none", gc.isenabled())
"""


def test_the_threads_frames_are_reached_without_a_deadlock() -> None:
    # Python 3.11 before 3.11.9: https://github.com/python/cpython/issues/106883
    done = subprocess.run(
        [sys.executable, "-c", GARBAGE_THAT_STARTS_A_THREAD], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "none True\n"


def test_outside_of_a_host_nothing_is_in_force() -> None:
    outside = Host()
    assert outside.capabilities == frozenset()
    outside.engine_log.warn("urn", "message")


def test_there_is_one_host() -> None:
    assert host.install() is host.install()


def test_who_comes_after_a_cancellation_hears_of_it() -> None:
    outside = Host()
    heard: list[int] = []
    outside.on_cancel(lambda: heard.append(1))
    outside._cancel()
    outside.on_cancel(lambda: heard.append(2))
    assert heard == [1, 2]


def test_messages_to_an_engine_that_is_gone_are_dropped() -> None:
    engine_log = Log("127.0.0.1:1")
    for _ in range(3):
        engine_log.report_progress("urn", "\ud800")
        engine_log.info("urn", "message")


def test_queued_requests_are_moved_and_others_stay() -> None:
    started, gate = threading.Event(), threading.Event()
    source, target = ThreadPoolExecutor(1), ThreadPoolExecutor(1)

    def stock() -> str:
        return "stock"

    def run(behavior: object, notes: list[object]) -> None:
        notes.append((behavior, threading.current_thread().name))

    def hold() -> None:
        started.set()
        gate.wait(10)

    notes: list[object] = []
    source.submit(hold)
    started.wait(10)
    moved = source.submit(run, stock, notes)
    stays = source.submit(run, len, notes)
    stock_host.move_queued(source, target, {stock: "ours"})
    moved.result(10)
    assert [note[0] for note in notes] == ["ours"]  # type: ignore[index]
    gate.set()
    stays.result(10)
    assert [note[0] for note in notes] == ["ours", len]  # type: ignore[index]

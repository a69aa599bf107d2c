"""How a command is run: a small program stands for the engine, which does not print a million lines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pulumi_dcs.review.command import Ran, run

from tests.engine.stack import until

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
Path(sys.argv[sys.argv.index("--event-log") + 1]).write_text('{"summaryEvent": {"resourceChanges": {"create": 1}}}\\n')
"""


def command(folder: Path, body: str) -> list[str]:
    program = folder / "engine.py"
    program.write_text(PROGRAM + body)
    return [sys.executable, str(program)]


def reviewing(folder: Path, body: str) -> subprocess.Popen[bytes]:
    """A process that runs the command as ``review`` does, and ends with its exit code."""
    driver = folder / "driver.py"
    driver.write_text(
        "import os, sys\nfrom pulumi_dcs.review.command import run\n"
        f"ran = run({command(folder, body)!r}, os.environ)\nprint('told', ran.is_cancelled)\nsys.exit(ran.code)\n"
    )
    return subprocess.Popen([sys.executable, str(driver)], stdout=subprocess.PIPE, start_new_session=True, cwd=folder)


def test_everything_that_it_prints_is_shown_and_kept(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = "".join(f"line {number} é🔒\n" for number in range(200_000))
    ran = run(command(tmp_path, 'for n in range(200_000): print(f"line {n} é🔒")\nsys.exit(5)'), os.environ)
    assert ran.code == 5
    assert ran.output == lines
    assert capfdbinary.readouterr().out.decode() == lines
    assert ran.events.changes == {"create": 1}


def test_what_it_leaves_behind_does_not_keep_it_waiting(tmp_path: Path) -> None:
    body = 'if os.fork() == 0:\n    time.sleep(30)\n    os._exit(0)\nprint("done", flush=True)'
    started = time.monotonic()
    assert run(command(tmp_path, body), os.environ).output == "done\n"
    assert time.monotonic() - started < 20


def test_bytes_that_are_no_text_are_kept_apart(tmp_path: Path) -> None:
    ran = run(command(tmp_path, 'sys.stdout.buffer.write(b"a\\xff\\xe2\\x82b")'), os.environ)
    assert ran.output == "a\ufffd\ufffdb"


def test_a_signal_that_ended_it_is_told_as_a_shell_does(tmp_path: Path) -> None:
    assert run(command(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)"), os.environ).code == 137


COUNTING = """
got = []
for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(each, lambda number, _: got.append(number))
Path("ready").touch()
until = time.monotonic() + 60
while not got and time.monotonic() < until:
    time.sleep(0.05)
time.sleep(1.0)
Path("got").write_text(repr([int(each) for each in got]))
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_group", [False, True], ids=["process", "group"])
def test_exactly_one_signal_is_passed_on(tmp_path: Path, sent: signal.Signals, to_group: bool) -> None:
    process = reviewing(tmp_path, COUNTING)
    until((tmp_path / "ready").exists)
    for _ in range(3):
        if to_group:
            os.killpg(process.pid, sent)
        else:
            process.send_signal(sent)
        time.sleep(0.2)
    said, _ = process.communicate(timeout=60)
    assert (tmp_path / "got").read_text() == f"[{int(signal.SIGTERM)}]"
    # It ended as if nothing had been; the pipeline must not take that for success.
    assert process.returncode == 143
    assert b"told True" in said


def test_a_runner_that_no_longer_reads_does_not_end_it(tmp_path: Path) -> None:
    body = 'for n in range(100):\n    print("x" * 10_000, flush=True)\n    time.sleep(0.01)\nPath("end").touch()'
    process = reviewing(tmp_path, body)
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(60) == 0
    assert (tmp_path / "end").exists()


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run([str(tmp_path / "pulumi")], os.environ)


def test_the_signals_are_ours_only_meanwhile(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert isinstance(run(command(tmp_path, ""), os.environ), Ran)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before

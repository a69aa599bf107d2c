"""A stack of many backups on the real engine, and what one command of the engine costs."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from tests.endpoint import LocalEndpoint

ROOT: Final = Path(__file__).parent.parent
USERS_BIN: Final = ROOT / ".venv-user" / "bin"
"""Has the package and its dependencies only, because Pulumi lists all installed packages before each command."""
OURS: Final = "ours"
PLAIN: Final = "plain"
PROGRAM: Final = """\
import json
from pathlib import Path

import pulumi
from {module} import {resource}

instances = json.loads(Path("instances.json").read_text())
for number in range({count}):
    {resource}(f"backup-{{number}}", instance_id=instances[number % len(instances)], remark="nightly")
"""
RESTORING: Final = """\
import json
from pathlib import Path

import pulumi
from {module} import {resource}

instances = json.loads(Path("instances.json").read_text())
backups = json.loads(Path("backups.json").read_text())
for number in range({count}):
    {resource}(f"restore-{{number}}", instance_id=instances[number], backup_id=backups[number])
"""
_SAMPLING: Final = 0.2
"""Seconds between two samples of the processes."""
_TURNS_OF_THE_SAME: Final = 5
"""Samples between two searches for processes, once the host is found: a search reads all processes of the machine."""


@dataclass(frozen=True)
class Cost:
    """What one command cost.

    Attributes:
        seconds: wall time.
        host_memory: the provider host's peak resident size, in bytes.
        memory: the highest sum of the resident sizes of all processes, in bytes.
        host_threads: the highest number of threads in the host.
        requests: how many were served in that time, by operation.
        refused: how many of them got a 429.
    """

    seconds: float
    host_memory: int
    memory: int
    host_threads: int
    requests: dict[str, int]
    refused: int


class Fleet:
    """One project and stack with ``count`` backups, spread over ``instances``; or with as many restores."""

    def __init__(
        self,
        folder: Path,
        engine: Path,
        endpoint: LocalEndpoint,
        *,
        provider: str,
        count: int,
        instances: int,
        restores: bool = False,
    ) -> None:
        self.provider = provider
        self._folder = folder
        self._endpoint = endpoint
        made = [{"cache_mode": "ha", "name": f"redis-{number}"} for number in range(instances)]
        ids = endpoint.control("POST", "/instances", made)
        (folder / "instances.json").write_text(json.dumps(ids))
        if restores:
            backups = [endpoint.add_backup(instance_id, duration=0.0) for instance_id in ids]
            (folder / "backups.json").write_text(json.dumps(backups))
        resource = ("Instance" if provider == OURS else "Plain") + ("Restore" if restores else "Backup")
        module = "pulumi_dcs" if provider == OURS else "bench.plain"
        program = RESTORING if restores else PROGRAM
        (folder / "__main__.py").write_text(program.format(count=count, module=module, resource=resource))
        (folder / "Pulumi.yaml").write_text("name: fleet\nruntime: python\n")
        (folder / "state").mkdir()
        (folder / "home").mkdir()
        self.environment = {
            **os.environ,
            **endpoint.environment,
            "PATH": os.pathsep.join([str(USERS_BIN), str(engine), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DIY_BACKEND_ZSTD": "true",
        }
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.pulumi("stack", "init", "dev")

    def up(self, *options: str) -> Cost:
        """Bring it up."""
        return self.pulumi("up", "--yes", "--skip-preview", *options)

    def pulumi(self, *arguments: str) -> Cost:
        """Run a command of the engine, and watch its processes."""
        before = len(self._endpoint.requests())
        began = time.perf_counter()
        with (
            (self._folder / "output").open("w") as output,
            subprocess.Popen(
                ["pulumi", *arguments, "--non-interactive"],
                cwd=self._folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            ) as process,
            _watching(process.pid) as peak,
        ):
            process.wait()
            seconds = time.perf_counter() - began
        if process.returncode:
            raise RuntimeError(f"pulumi {' '.join(arguments)} failed:\n{(self._folder / 'output').read_text()[-4000:]}")
        served = self._endpoint.requests()[before:]
        operations = [row["operation"] for row in served]
        return Cost(
            seconds,
            peak.host_memory,
            peak.memory,
            peak.host_threads,
            {name: operations.count(name) for name in sorted(set(operations))},
            sum(row["status"] == 429 for row in served),
        )

    def resources(self) -> list[dict[str, Any]]:
        """The backups in the exported state."""
        done = subprocess.run(
            ["pulumi", "stack", "export", "--non-interactive"],
            cwd=self._folder,
            env=self.environment,
            capture_output=True,
            check=True,
        )
        found: list[dict[str, Any]] = json.loads(done.stdout)["deployment"].get("resources", [])
        return [resource for resource in found if "dynamic" in resource["type"]]


@contextmanager
def fleet(
    engine: Path, endpoint: LocalEndpoint, provider: str, count: int, instances: int = 0, *, restores: bool = False
) -> Iterator[Fleet]:
    """A fleet in a folder of its own; one backup, or one restore, for each instance by default."""
    with tempfile.TemporaryDirectory() as folder:
        yield Fleet(
            Path(folder),
            engine,
            endpoint,
            provider=provider,
            count=count,
            instances=instances or count,
            restores=restores,
        )


@dataclass
class _Peak:
    host_memory: int = 0
    memory: int = 0
    host_threads: int = 0

    def note(self, processes: dict[psutil.Process, bool]) -> None:
        """Note the sizes of the processes, of which the host is True."""
        total = 0
        for process, is_host in processes.items():
            with suppress(psutil.NoSuchProcess):
                size = process.memory_info().rss
                total += size
                if is_host:
                    self.host_memory = max(self.host_memory, size)
                    self.host_threads = max(self.host_threads, process.num_threads())
        self.memory = max(self.memory, total)


def _family(root: psutil.Process) -> dict[psutil.Process, bool]:
    """The process and everything it started, each with whether it is the provider's host."""
    found: dict[psutil.Process, bool] = {}
    with suppress(psutil.NoSuchProcess):
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                found[process] = "pulumi.dynamic" in process.cmdline()
    return found


@contextmanager
def _watching(pid: int) -> Iterator[_Peak]:
    """Sample the sizes of a process and everything it started."""
    peak = _Peak()
    is_over = threading.Event()

    def watch() -> None:
        root = psutil.Process(pid)
        watched: dict[psutil.Process, bool] = {}
        turn = 0
        while not is_over.wait(_SAMPLING):
            # A short command ends before the second round of searches: its host is looked for each time.
            if turn % _TURNS_OF_THE_SAME == 0 or not any(watched.values()):
                watched = _family(root)
            turn += 1
            peak.note(watched)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        is_over.set()
        thread.join()

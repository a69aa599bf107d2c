"""A stack of many backups on the real engine, and what one command of the engine costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from tests.endpoint import LocalEndpoint

ROOT: Final = Path(__file__).parent.parent
OURS: Final = "ours"
PLAIN: Final = "plain"
PROGRAM: Final = """\
import json
from pathlib import Path

import pulumi
from {module} import {resource}

instances = json.loads(Path("instances.json").read_text())
for number in range({count}):
    {resource}(f"backup-{{number}}", instance_id=instances[number % len(instances)], remark="nightly"{triggers})
"""
_SAMPLING: Final = 0.2


@dataclass(frozen=True)
class Cost:
    """What one command took.

    Attributes:
        seconds: wall time.
        host_memory: the provider host's peak resident size, in bytes.
        memory: the highest sum of the resident sizes of all processes, in bytes.
        host_threads: the highest number of threads in the host.
        requests: how many were served meanwhile, by operation.
        refused: how many of them were answered 429.
    """

    seconds: float
    host_memory: int
    memory: int
    host_threads: int
    requests: dict[str, int]
    refused: int


class Fleet:
    """One project and stack with ``count`` backups, spread over ``instances``."""

    def __init__(
        self, folder: Path, engine: Path, endpoint: LocalEndpoint, *, provider: str, count: int, instances: int
    ) -> None:
        self.provider = provider
        self._folder = folder
        self._endpoint = endpoint
        made = [{"cache_mode": "ha", "name": f"redis-{number}"} for number in range(instances)]
        (folder / "instances.json").write_text(json.dumps(endpoint.control("POST", "/instances", made)))
        ours = {"module": "pulumi_dcs", "resource": "InstanceBackup", "triggers": ', triggers={"release": "1"}'}
        plain = {"module": "bench.plain", "resource": "PlainBackup", "triggers": ""}
        details = ours if provider == OURS else plain
        (folder / "__main__.py").write_text(PROGRAM.format(count=count, **details))
        (folder / "Pulumi.yaml").write_text("name: fleet\nruntime: python\n")
        (folder / "state").mkdir()
        (folder / "home").mkdir()
        self.environment = {
            **os.environ,
            **endpoint.environment,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(engine), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
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
def fleet(engine: Path, endpoint: LocalEndpoint, provider: str, count: int, instances: int = 0) -> Iterator[Fleet]:
    """A fleet in a folder of its own; one backup for each instance by default."""
    with tempfile.TemporaryDirectory() as folder:
        yield Fleet(Path(folder), engine, endpoint, provider=provider, count=count, instances=instances or count)


@dataclass
class _Peak:
    host_memory: int = 0
    memory: int = 0
    host_threads: int = 0


@contextmanager
def _watching(pid: int) -> Iterator[_Peak]:
    """Sample the sizes of a process and everything it started."""
    peak = _Peak()
    is_over = threading.Event()

    def sample() -> None:
        try:
            root = psutil.Process(pid)
            everything = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        total = 0
        for process in everything:
            try:
                size = process.memory_info().rss
                total += size
                if "pulumi.dynamic" in process.cmdline():
                    peak.host_memory = max(peak.host_memory, size)
                    peak.host_threads = max(peak.host_threads, process.num_threads())
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
        peak.memory = max(peak.memory, total)

    def watch() -> None:
        while not is_over.wait(_SAMPLING):
            sample()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        is_over.set()
        thread.join()

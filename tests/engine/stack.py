"""A Pulumi project and stack of a test's own, driven by the real engine."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

PROJECT: Final = "shop"
PASSPHRASE: Final = "test"
RESOURCE_TYPE: Final = "pulumi-python:dynamic/dcs:InstanceBackup"
RETENTION_TYPE: Final = "pulumi-python:dynamic/dcs:BackupRetention"


@dataclass(frozen=True)
class Outcome:
    """What a command of the engine printed, and how it ended."""

    code: int
    text: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def diagnostics(self) -> str:
        """What stands under "Diagnostics:", but for the stack's own row.

        There, today's SDK prints the KeyboardInterrupt of its program runner whenever a resource fails.
        """
        everything = self.text.partition("Diagnostics:\n")[2].partition("\nResources:")[0]
        sections = re.split(r"(?m)^(?=  \S+ \(\S+\):$)", everything)
        return "".join(section for section in sections if "pulumi:pulumi:Stack" not in section)


class Stack:
    """One project with one stack, its state in a folder unless a backend is named."""

    def __init__(self, folder: Path, environment: dict[str, str], name: str = "dev", backend: str = "") -> None:
        self.folder: Final = folder
        self.environment: Final = environment
        self.name = name
        self.program_folder = folder
        self.engine = "pulumi"
        (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        (folder / "state").mkdir(exist_ok=True)
        # What tells its processes from those of other stacks.
        self.environment["STACK_FOLDER"] = str(folder)
        self.environment["PULUMI_BACKEND_URL"] = backend or f"file://{folder / 'state'}"
        self.seconds = 180.0
        if backend:
            self.pulumi("stack", "init", name)
        else:
            self._copy_new_stack()

    def init(self, name: str) -> None:
        """Make another stack, of the project that is in the folder now, and go on with that one."""
        outcome = self.pulumi("stack", "init", name)
        assert outcome.ok, outcome.text
        self.name = name

    def declare(self, **inputs: Any) -> None:
        """Write a program with one backup of these inputs."""
        self.declare_all({"backup": inputs})

    def declare_all(self, backups: dict[str, dict[str, Any]]) -> None:
        """Write a program with these backups; ``opts`` is Python text."""
        lines = ["import pulumi", "from pulumi_dcs import BackupFormat, InstanceBackup", ""]
        for name, inputs in backups.items():
            given = [
                f"{key}={value if key == 'opts' else repr(value)}" for key, value in inputs.items() if value is not None
            ]
            lines.append(f"{name} = InstanceBackup({', '.join([repr(name), *given])})")
            lines.append(f"pulumi.export({name!r}, {name}.backup_id)")
        self.write("\n".join(lines))

    def write(self, program: str) -> None:
        """Write the program."""
        (self.program_folder / "__main__.py").write_text(program + "\n")

    def call_by_full_path(self, engine: Path) -> None:
        """Call the engine by its full path from now on, with nothing but its helpers on PATH."""
        helpers = self.folder.parent / f"{self.folder.name}-helpers"
        helpers.mkdir()
        for helper in engine.iterdir():
            if helper.name != "pulumi":
                (helpers / helper.name).symlink_to(helper)
        path = [part for part in self.environment["PATH"].split(os.pathsep) if part != str(engine)]
        self.environment["PATH"] = os.pathsep.join([str(helpers), *path])
        self.engine = str(engine / "pulumi")

    def config(self, key: str, value: str, *, secret: bool = False) -> None:
        """Set a stack configuration value."""
        outcome = self.pulumi("config", "set", *(["--secret"] if secret else []), key, value)
        assert outcome.ok, outcome.text

    def preview(self, *options: str) -> Outcome:
        return self.pulumi("preview", *options)

    def up(self, *options: str) -> Outcome:
        return self.pulumi("up", "--yes", "--skip-preview", *options)

    def refresh(self, *options: str) -> Outcome:
        return self.pulumi("refresh", "--yes", "--skip-preview", *options)

    def destroy(self, *options: str) -> Outcome:
        return self.pulumi("destroy", "--yes", "--skip-preview", *options)

    def preview_json(self, *options: str, type_: str = RESOURCE_TYPE) -> list[dict[str, Any]]:
        """The steps that a preview plans for backups, or for another type."""
        done = self._run("preview", "--json", *options)
        assert done.returncode == 0, done.stdout + done.stderr
        steps: list[dict[str, Any]] = json.loads(done.stdout)["steps"]
        return [step for step in steps if type_ in step["urn"]]

    def resources(self, type_: str = RESOURCE_TYPE) -> list[dict[str, Any]]:
        """The resources of a type in the saved state, those that are about to be deleted among them."""
        return [resource for resource in self.all_resources() if resource["type"] == type_]

    def all_resources(self) -> list[dict[str, Any]]:
        """The resources of the saved state."""
        found: list[dict[str, Any]] = self.deployment().get("resources") or []
        return found

    def deployment(self) -> dict[str, Any]:
        """The saved state: where it is a file, that is read, which takes no command."""
        backend = self.environment.get("PULUMI_BACKEND_URL", "")
        project = yaml.safe_load((self.folder / "Pulumi.yaml").read_text())["name"]
        file = Path(backend.removeprefix("file://"), ".pulumi", "stacks", project, f"{self.name}.json")
        if backend.startswith("file:///") and file.exists():
            found: dict[str, Any] = json.loads(file.read_bytes())["checkpoint"].get("latest") or {}
        else:
            done = self._run("stack", "export")
            assert done.returncode == 0, done.stderr
            found = json.loads(done.stdout)["deployment"]
        return found

    def resource(self) -> dict[str, Any]:
        """The one backup in the saved state."""
        (found,) = self.resources()
        return found

    def retentions(self) -> list[dict[str, Any]]:
        """The retentions in the saved state."""
        return self.resources(RETENTION_TYPE)

    def retention(self) -> dict[str, Any]:
        """The one retention in the saved state."""
        (found,) = self.retentions()
        return found

    def backup_ids(self) -> set[str]:
        """The backups that the state holds."""
        return {resource["outputs"]["backup_id"] for resource in self.resources()}

    def pulumi(self, *arguments: str) -> Outcome:
        """Run a command of the engine in the project."""
        done = self._run(*arguments)
        return Outcome(done.returncode, done.stdout + done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a command of the engine, in a process group of its own."""
        return subprocess.Popen(
            [self.engine, *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def start_up(self, when: Callable[[], object], *options: str) -> subprocess.Popen[str]:
        """Begin an ``up``, and return as soon as the condition holds."""
        process = self.start("up", "--yes", "--skip-preview", *options)
        until(when)
        return process

    def _copy_new_stack(self) -> None:
        """Make the stack as a copy of one that the engine made: that saves a command in every test."""
        for path, content in _new_stack(self.name, self.environment["PATH"]).items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(content)
        # The selected stack: workspace.newProjectWorkspace in the engine's source names the file.
        project = hashlib.sha1(str(self.folder / "Pulumi.yaml").encode(), usedforsecurity=False).hexdigest()
        workspaces = Path(self.environment["PULUMI_HOME"], "workspaces")
        workspaces.mkdir(exist_ok=True)
        (workspaces / f"{PROJECT}-{project}-workspace.json").write_text(json.dumps({"stack": self.name}))

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.engine, *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=self.seconds,
            check=False,
        )


@functools.cache
def _new_stack(name: str, path: str) -> dict[Path, bytes]:
    """The files of a stack that the engine on this path has just made, by their paths in the project's folder."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        (folder / "state").mkdir()
        subprocess.run(
            ["pulumi", "stack", "init", name, "--non-interactive"],
            cwd=folder,
            env={
                "PATH": path,
                "HOME": made,
                "PULUMI_HOME": str(folder / "home"),
                "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
                "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
                "PULUMI_SKIP_UPDATE_CHECK": "true",
            },
            capture_output=True,
            check=True,
        )
        files = [*folder.glob("Pulumi.*.yaml"), *(each for each in (folder / "state").rglob("*") if each.is_file())]
        return {each.relative_to(folder): each.read_bytes() for each in files}


def kill_group(process: subprocess.Popen[str]) -> None:
    """End a started command and everything it started."""
    os.killpg(process.pid, signal.SIGKILL)


def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)

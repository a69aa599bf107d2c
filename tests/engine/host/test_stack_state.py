"""What the state holds, asked from inside the host of a real run, however the engine was called."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.engine.stack import kill_group, until

from .toy import ToyStack, toy_program, write_modules

ASKING = toy_program("Toy('asks', value='state')")


def lay_out(stack: ToyStack, project: str) -> Path:
    """Give the project its file and a program in ``src``; the folder that holds it."""
    root = stack.folder
    (root / "Pulumi.yaml").write_text(f"name: shop\nruntime: python\n{project}")
    (root / "src").mkdir()
    write_modules(root / "src")
    (root / "src" / "__main__.py").write_text(ASKING)
    return root


def run(stack: ToyStack, *command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**stack.environment, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def asked(root: Path) -> dict[str, Any]:
    notes = [json.loads(line) for line in (root / "src" / "notes").read_text().splitlines()]
    found: dict[str, Any]
    (found,) = [note for note in notes if note["kind"] == "state"]
    return found


def test_called_by_its_full_path_with_the_program_elsewhere(stack: ToyStack, engine: Path) -> None:
    root = lay_out(stack, "main: src\n")
    below = root / "below"
    below.mkdir()
    (root.parent / "bin").mkdir()
    for helper in engine.iterdir():
        if helper.name != "pulumi":
            shutil.copy(helper, root.parent / "bin")
    path = os.pathsep.join(
        [str(root.parent / "bin"), *(p for p in stack.environment["PATH"].split(os.pathsep) if p != str(engine))]
    )
    pulumi = str(engine / "pulumi")
    # Relative to where the engine is called, or sent by -C: neither the project's root nor the program's folder.
    settings = {"PATH": path, "PULUMI_BACKEND_URL": "file://./state"}
    (below / "state").mkdir()
    run(stack, pulumi, "stack", "init", "other", "--no-select", "--non-interactive", cwd=below, **settings)
    options = ["--stack", "other", "--yes", "--skip-preview", "--non-interactive", "-C", "below"]
    run(stack, pulumi, "up", *options, cwd=root, **settings)
    found = asked(root)
    assert found.get("error") is None
    # As the operating system names the running file: the cache may lie behind a symbolic link.
    assert found["binary"] == str((engine / "pulumi").resolve())
    assert found["directory"] == str(below)
    assert found["root"] == str(root)
    assert found["backend"] == f"file://{below}/state"
    assert [pending["urn"].rpartition(":")[2] for pending in found["pending"]] == ["asks"]
    assert [resource["urn"].rpartition(":")[2] for resource in found["resources"]] == ["default"]


def test_the_projects_own_backend(stack: ToyStack) -> None:
    root = lay_out(stack, "main: src\nbackend:\n  url: file://./own\n")
    (root / "own").mkdir()
    del stack.environment["PULUMI_BACKEND_URL"]
    run(stack, "pulumi", "stack", "init", "dev", "--non-interactive", cwd=root)
    run(stack, "pulumi", "up", "--yes", "--skip-preview", "--non-interactive", cwd=root)
    found = asked(root)
    assert found.get("error") is None
    assert found["backend"] == f"file://{root}/own"
    assert (root / "own" / ".pulumi").is_dir()


def test_the_backend_that_was_logged_in_to(stack: ToyStack) -> None:
    root = lay_out(stack, "main: src\n")
    (root / "logged-in").mkdir()
    del stack.environment["PULUMI_BACKEND_URL"]
    run(stack, "pulumi", "login", f"file://{root}/logged-in", "--non-interactive", cwd=root)
    run(stack, "pulumi", "stack", "init", "dev", "--non-interactive", cwd=root)
    run(stack, "pulumi", "up", "--yes", "--skip-preview", "--non-interactive", cwd=root)
    found = asked(root)
    assert found.get("error") is None
    assert found["backend"] == f"file://{root}/logged-in"


def test_pending_creates_of_killed_runs(stack: ToyStack) -> None:
    for value in (600, 601):
        stack.program(
            f"Toy('slow', value={value}, secret=pulumi.Output.secret('s3cret'), whole={{'n': 1.0, 'x': 'y'}})"
        )
        process = stack.start("up", "--yes", "--skip-preview")
        until(lambda: stack.notes("create"))
        kill_group(process)
        process.communicate()
        stack.notes()
        stack.pulumi("cancel", "--yes")
    stack.program("Toy('asks', value='state')")
    outcome = stack.up()
    assert outcome.ok, outcome.text
    (found,) = stack.notes("state")
    slow = [pending["inputs"] for pending in found["pending"] if pending["urn"].endswith("::slow")]
    assert slow == [
        {"value": 601, "secret": "Marker.SECRET", "whole": {"n": 1, "x": "y"}},
        {"value": 600, "secret": "Marker.SECRET", "whole": {"n": 1, "x": "y"}},
    ]

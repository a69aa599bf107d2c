"""The real engine, and stacks for it."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.endpoint import LocalEndpoint

from .stack import PASSPHRASE, Stack

ROOT = Path(__file__).parent.parent.parent
CURRENT = Path(sys.executable).parent
FLOOR = ROOT / ".venv-floor" / "bin"
"""The environment with the oldest supported packages; ``make test`` makes it."""

OTHER_PYTHONS = sorted(f"3.{minor}" for minor in range(10, 15) if minor != sys.version_info.minor)
"""The supported versions beside the one that everything runs with; ``make test`` makes those that it finds."""

MakeStack = Callable[..., Stack]


@pytest.fixture(scope="session")
def engine() -> Path:
    """The folder of the engine, got first if need be; of the version that ENGINE_VERSION names, if it names one."""
    version = os.environ.get("ENGINE_VERSION")
    options = ["--version", version] if version else []
    told = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "engine.py"), *options], stdout=subprocess.PIPE, text=True, check=True
    )
    return Path(told.stdout.strip())


@pytest.fixture
def pulumi_home(tmp_path: Path) -> Path:
    home = tmp_path / "pulumi-home"
    home.mkdir()
    return home


@functools.cache
def _interpreters(python: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder with commands that are the interpreters of this one, and list its packages from a file.

    The engine has pip list them at every command, a fifth of what one takes. They are the same each time.
    """
    listing = ["-m", "pip", "list", "-v", "--format", "json"]
    folder = tempfile.TemporaryDirectory(prefix="pulumi-dcs-python-")
    packages = Path(folder.name, "packages.json")
    packages.write_bytes(subprocess.run([python / "python", *listing], stdout=subprocess.PIPE, check=True).stdout)
    for name in ("python", "python3"):
        command = Path(folder.name, name)
        command.write_text(
            f"#!/bin/sh\nif [ \"$*\" = '{' '.join(listing)}' ]; then exec cat '{packages}'; fi\n"
            f"exec '{python / name}' \"$@\"\n"
        )
        command.chmod(0o755)
    return folder


def environment_for(python: Path, engine: Path, home: Path) -> dict[str, str]:
    """The environment of the engine's commands: with a Python, an engine and a home of its own."""
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([_interpreters(python).name, str(python), str(engine), os.environ["PATH"]]),
        "PULUMI_HOME": str(home),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "HOME": str(home),
    }
    environment.pop("VIRTUAL_ENV", None)
    return environment


@pytest.fixture
def make_stack(tmp_path: Path, engine: Path, pulumi_home: Path, endpoint: LocalEndpoint) -> MakeStack:
    def make(name: str = "dev", python: Path = CURRENT, folder: str = "project", backend: str = "") -> Stack:
        environment = {**environment_for(python, engine, pulumi_home), **endpoint.environment}
        (tmp_path / folder).mkdir()
        return Stack(tmp_path / folder, environment, name, backend)

    return make


@pytest.fixture
def stack(make_stack: MakeStack) -> Stack:
    return make_stack()


@pytest.fixture(params=[CURRENT, FLOOR], ids=["newest", "oldest"])
def stack_of_each_sdk(request: pytest.FixtureRequest, make_stack: MakeStack) -> Stack:
    """A stack whose program and host run with the newest, and with the oldest, supported packages."""
    return make_stack(python=request.param)


@pytest.fixture(params=OTHER_PYTHONS)
def stack_of_each_python(request: pytest.FixtureRequest, make_stack: MakeStack) -> Stack:
    """A stack whose program and host run with another version of Python, and the newest packages."""
    python = ROOT / f".venv-{request.param}" / "bin"
    if not (python.parent / "ready").exists():
        pytest.skip(f"there is no Python {request.param} here, or `make .venv-{request.param}/ready` was not run")
    return make_stack(python=python)

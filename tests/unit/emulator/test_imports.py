"""The endpoint is a room of its own: it imports no other one of the package."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pulumi_dcs.emulator

FOLDER = Path(pulumi_dcs.emulator.__file__).parent


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_nothing_of_the_package_but_itself() -> None:
    for path in FOLDER.rglob("*.py"):
        for name in imported(path):
            assert not name.startswith(("..", "pulumi")), f"{path.name} imports {name}"


def test_the_keeper_needs_nothing_but_the_standard_library() -> None:
    """It runs without the package's folder on its path, and starts fast."""
    keeper = FOLDER / "data" / "keeper.py"
    assert {name.partition(".")[0] for name in imported(keeper)} <= sys.stdlib_module_names

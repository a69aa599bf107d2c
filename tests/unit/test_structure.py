"""The rules of the house: which room may import which, and what declaring a backup loads."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent.parent
PACKAGE: Final = ROOT / "provider" / "pulumi_dcs"
RESOURCES: Final = frozenset(each.parent.name for each in PACKAGE.glob("*/resource.py"))
"""A room with this file is a resource's."""
MAY_IMPORT: Final = {
    "api": frozenset[str](),
    "engine": frozenset[str](),
    "emulator": frozenset[str](),
    "fleet": frozenset[str](),
    "config": frozenset({"api"}),
    "operations": frozenset({"api"}),
    "clients": frozenset({"api", "config"}),
    "recovery": frozenset({"api", "engine", "operations"}),
    "session": frozenset({"api", "clients", "config", "engine", "operations", "recovery", "version"}),
    "program": frozenset({"api", "clients", "config", "operations", "version"}),
    "version": frozenset[str](),
    "lookups": frozenset(
        {"api", "config", "engine", "instance_backup", "operations", "program", "resources", "version"}
    ),
    "functions": frozenset({"engine", "lookups", "program"}),
    "guard": frozenset({"api", "config", "engine", "operations", "program", "recovery", "resources", "version"}),
    "hooks": frozenset({"api", "guard"}),
    "__main__": frozenset({"functions"}),
    "resources": frozenset({"api", "clients", "config", "engine", "operations", "recovery", "session"}),
    "review": frozenset(
        {"api", "clients", "config", "engine", "instance_backup", "operations", "resources", "version"}
    ),
}
"""What each room may import of the others: arrows point one way."""
RESOURCE_MAY_IMPORT: Final = (*MAY_IMPORT["resources"], "resources", "provider")
"""A resource names its provider's class; the provider imports the resource's lifecycle when it is first asked."""
CONFIG_MAY_IMPORT: Final = frozenset({"api.clock", "api.credentials", "api.errors", "api.location"})
"""Of api, config needs only the types of what it finds, and a clock: to read settings is not to send requests."""
NOT_FOR_DECLARING: Final = (
    "huaweicloudsdkcore",
    "requests",
    "sqlite3",
    "tenacity",
    "pulumi_dcs.config",
    "pulumi_dcs.engine.adapter",
    "pulumi_dcs.engine.host",
    "pulumi_dcs.engine.outputs",
    "pulumi_dcs.functions",
    "pulumi_dcs.guard",
    "pulumi_dcs.lookups",
    "pulumi_dcs.operations",
    "pulumi_dcs.program",
    "pulumi_dcs.recovery",
    "pulumi_dcs.review",
    "pulumi_dcs.session",
)
"""What a program that only declares backups has no use for."""


def modules() -> dict[str, Path]:
    """Every module of the package, by its name within the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES: Final = modules()


def room(module: str) -> str:
    """The folder that a module is in, or the module itself where it is in none."""
    return module.partition(".")[0]


def imported(module: str, source: str, *, is_package: bool) -> Iterator[str]:
    """The package's modules that this one imports anywhere, by their names within the package."""
    here = ["pulumi_dcs", *(module.split(".") if module else [])]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            up = node.level - (1 if is_package else 0)
            base = here[: len(here) - up] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names = [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            inside = name.removeprefix("pulumi_dcs.")
            if inside != name and (inside in MODULES or room(inside) in MODULES):
                yield inside


def imports_of(module: str) -> set[str]:
    """As :func:`imported`, of a module of the package."""
    path = MODULES[module]
    return set(imported(module, path.read_text(), is_package=path.name == "__init__.py"))


def rooms_that(module: str) -> set[str]:
    """The other rooms that a module imports."""
    return {room(each) for each in imports_of(module)} - {room(module)}


def test_imports_are_found_in_every_form() -> None:
    def found(source: str, *, module: str = "engine.host", is_package: bool = False) -> set[str]:
        return {room(each) for each in imported(module, source, is_package=is_package)}

    assert found("from ..api import errors") == {"api"}
    assert found("from .. import api") == {"api"}
    assert found("import pulumi_dcs.api.errors") == {"api"}
    assert found("from pulumi_dcs import api") == {"api"}
    assert found("def later() -> None:\n    from ..session import Session") == {"session"}
    assert found("from ..api import errors", module="engine", is_package=True) == {"api"}
    assert found("from .host import Host", module="engine", is_package=True) <= {"engine"}
    assert found("from .api import errors", module="", is_package=True) == {"api"}
    assert found("import json\nfrom .log import Log") <= {"engine"}


@pytest.mark.parametrize("name", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_is_below_it(name: str) -> None:
    assert name in MODULES, f"there is no room {name}"
    for module in MODULES:
        if room(module) == name:
            assert rooms_that(module) <= MAY_IMPORT[name], f"{module} imports what it must not"


@pytest.mark.parametrize("name", sorted(RESOURCES))
def test_a_resource_imports_no_other_resource(name: str) -> None:
    for module in MODULES:
        if room(module) == name:
            assert rooms_that(module) <= {*RESOURCE_MAY_IMPORT}, f"{module} imports what it must not"


def test_there_is_a_resource() -> None:
    assert "instance_backup" in RESOURCES


def test_config_takes_only_types_from_the_api() -> None:
    for module in MODULES:
        if room(module) == "config":
            taken = {each for each in imports_of(module) if room(each) == "api" and each != "api"}
            allowed = {each for each in taken if each.startswith(tuple(CONFIG_MAY_IMPORT))}
            assert taken <= allowed, f"{module} imports what it must not"


@pytest.mark.parametrize("command", ["emulator", "review"])
def test_nothing_imports_a_command(command: str) -> None:
    for module in MODULES:
        if room(module) != command:
            assert command not in rooms_that(module), f"{module} imports {command}"


def test_importing_the_package_loads_only_what_declaring_needs() -> None:
    program = "import json, sys, pulumi_dcs; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    too_much = [
        each
        for each in loaded
        if each in NOT_FOR_DECLARING or each.startswith(tuple(f"{name}." for name in NOT_FOR_DECLARING))
    ]
    assert too_much == []


def test_the_house_that_is_described_is_the_house_that_is_there() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    drawn = re.search(r"(?s)```\nprovider/pulumi_dcs/\n(.*?)```", guide)
    assert drawn is not None
    described = re.findall(r"(?m)^ {4}(\w+)(?:/|\.py)", drawn[1])
    there = {room(module) for module in MODULES} - {""}
    assert {"__init__", *described} == {"__init__", *there}

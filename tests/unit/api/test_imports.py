"""What importing a part of the API layer loads, and what the layer may know."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pulumi_dcs.api
import pulumi_dcs.config
import pytest

API = Path(pulumi_dcs.api.__file__ or "").parent
CONFIG = Path(pulumi_dcs.config.__file__ or "").parent


def loaded_by(module: str) -> set[str]:
    # As if the package were empty: what its __init__ loads is not this layer's affair.
    code = (
        "import sys, types; package = types.ModuleType('pulumi_dcs');"
        f"package.__path__ = [{str(API.parent)!r}]; sys.modules['pulumi_dcs'] = package;"
        f"import {module}; print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in run.stdout.split()} | set(run.stdout.split())


@pytest.mark.parametrize(
    "module", ["backup_format", "errors", "error_codes", "backups", "instances", "projects", "location", "clock"]
)
def test_what_only_reads_records_loads_no_http_library(module: str) -> None:
    loaded = loaded_by(f"pulumi_dcs.api.{module}")
    assert not loaded & {"requests", "urllib3", "huaweicloudsdkcore", "tenacity", "pulumi", "ssl", "http.client"}


@pytest.mark.parametrize("module", ["pulumi_dcs.clients", "pulumi_dcs.api.client", "pulumi_dcs.config.settings"])
def test_the_official_credential_chain_is_loaded_only_when_it_is_needed(module: str) -> None:
    assert not loaded_by(module) & {"huaweicloudsdkcore.auth", "pulumi"}


@pytest.mark.parametrize("file", sorted(API.glob("*.py")), ids=lambda file: file.stem)
def test_the_layer_imports_nothing_above_it(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level < 2, f"{file.name} imports from above: {node.module}"
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert not any(name.partition(".")[0] in ("pulumi", "pulumi_dcs") for name in names)


@pytest.mark.parametrize("file", sorted(API.glob("*.py")), ids=lambda file: file.stem)
def test_the_layer_knows_nothing_of_pulumi_s_commands_and_settings(file: Path) -> None:
    text = file.read_text()
    for word in ("pulumi up", "pulumi config", "`pulumi", "dcs:", "DCS_ENDPOINT", "DCS_DEBUG", "adopt_backup_id"):
        assert word not in text


def test_settings_import_only_the_api_layer() -> None:
    for file in CONFIG.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 2:
                assert (node.module or "").startswith("api"), f"{file.name}: {node.module}"

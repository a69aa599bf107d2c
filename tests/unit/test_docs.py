"""The pages say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pulumi_dcs import policies
from pulumi_dcs.api import error_codes
from pulumi_dcs.instance_backup.properties import INPUT_NAMES, OUTPUT_NAMES

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_error_code_is_explained_as_the_diagnostics_explain_it() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    for codes in (error_codes.BUSY, error_codes.ADVICE, error_codes.BACKUP_FAILURES):
        for code, text in codes.items():
            assert f"| `{code}` | {text} |" in page


def test_every_policy_is_listed_with_its_level_and_settings() -> None:
    page = (ROOT / "docs" / "policies.md").read_text()
    for policy in policies.all_policies():
        (row,) = re.findall(rf"^\\| `{policy.name}` .*$", page, re.MULTILINE)
        assert policy.enforcement_level is not None
        assert policy.enforcement_level.value in row
        assert all(f"`{name}`" in row for name in (policy.config_schema.properties if policy.config_schema else {}))


def test_every_input_and_output_is_named() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in (*INPUT_NAMES, *OUTPUT_NAMES):
        assert f"`{name}`" in readme


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target

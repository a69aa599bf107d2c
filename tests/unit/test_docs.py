"""The pages say what the code says."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from pathlib import Path
from typing import Any, Final

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks
from pulumi_dcs import policies
from pulumi_dcs.api import error_codes
from pulumi_dcs.instance_backup.names import INPUTS as INPUT_NAMES
from pulumi_dcs.instance_backup.names import OUTPUTS as OUTPUT_NAMES
from pulumi_dcs.instance_restore import names as restore

from bench import report

ROOT: Final = Path(__file__).parent.parent.parent
PAGES: Final = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
REFERENCE: Final = ROOT / "docs" / "reference.md"
WORKFLOWS: Final = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NOT_ENGLISH: Final = (
    "no backup was begun",
    "is no id",
    "goes on right now",
    "exists no more",
    "until when it may take",
    "who asks",
    "so many",
    "seldom",
    "anew",
    "foretell",
    "leftovers",
    "of late",
)
"""Phrases and words that CONTRIBUTING.md's *Writing* has better ones for."""
GENERATED: Final = ("reliability.md",)
"""Written by a run of the tests: its words are the tests'."""


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return re.findall(rf"(?s)```{language}\n(.*?)```", page.read_text())


def test_every_error_code_is_explained_as_the_diagnostics_explain_it() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    rows = [
        f"| `{code}` | {text} |"
        for codes in (error_codes.BUSY, error_codes.ADVICE, error_codes.BACKUP_FAILURES)
        for code, text in codes.items()
    ]
    assert [row for row in rows if row not in page] == []


def test_every_policy_is_listed_with_its_level_and_settings() -> None:
    page = (ROOT / "docs" / "policies.md").read_text()
    for policy in policies.all_policies():
        (row,) = re.findall(rf"^\| `{policy.name}` .*$", page, re.MULTILINE)
        assert policy.enforcement_level is not None
        assert policy.enforcement_level.value in row
        assert all(f"`{name}`" in row for name in (policy.config_schema.properties if policy.config_schema else {}))


def test_every_input_and_output_is_named() -> None:
    page, _, of_restores = REFERENCE.read_text().partition("## InstanceRestore\n")
    assert [name for name in (*INPUT_NAMES, *OUTPUT_NAMES) if f"`{name}`" not in page] == []
    assert [name for name in (*restore.INPUTS, *restore.OUTPUTS) if f"`{name}`" not in of_restores] == []


def test_every_setting_is_named() -> None:
    source = "".join(path.read_text() for path in (ROOT / "provider" / "pulumi_dcs" / "config").glob("*.py"))
    keys = set(re.findall(r'"((?:dcs|huaweicloud):\w+)"', source))
    variables = set(re.findall(r'"((?:HUAWEICLOUD_SDK|HW|CLOUD_SDK|DCS)_[A-Z_]+)"', source))
    assert {"dcs:region", "HW_REGION_NAME"} <= keys | variables
    page = REFERENCE.read_text()
    assert [name for name in sorted(keys | variables) if f"`{name}" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", page.read_text()):
        if target.startswith(("http://", "https://")):
            continue
        file = page.parent / target if target else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"(?m)^#+ (.*)$", file.read_text())
            assert anchor in map(slug, headings), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    folders = (ROOT, ROOT / "provider" / "pulumi_dcs", ROOT / "tests")
    for name in re.findall(r"`([\w.-]+(?:/[\w.-]+)+\.(?:py|sh|md|yml|toml|txt))[`:]", page.read_text()):
        assert any((folder / name).exists() for folder in folders), name


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in GENERATED], ids=lambda page: page.name)
def test_pages_are_in_plain_english(page: Path) -> None:
    text = " ".join(page.read_text().lower().split())
    assert [phrase for phrase in NOT_ENGLISH if re.search(rf"\b{phrase}\b", text)] == []


def test_what_was_measured_is_what_the_pages_show() -> None:
    kept = json.loads((ROOT / "docs" / "performance.json").read_text())
    parts = report.parts(kept["samples"], kept["machine"])
    shown = set()
    for page in report.PAGES:
        for name, part in re.findall(r"(?s)<!-- bench: (\w+) -->\n(.*?)\n<!-- end -->", (ROOT / page).read_text()):
            assert part == parts[name], f"{page}: {name}; run `python -m bench --tables-only`"
            shown.add(name)
    assert shown == set(parts)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_on_a_page_is_python(page: Path) -> None:
    for block in blocks(page, "python"):
        ast.parse(block)


class Engine(Mocks):
    """Stands for the engine: notes what is declared."""

    def __init__(self) -> None:
        self.declared: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.declared[args.name] = args.inputs
        return f"{args.inputs['instance_id']}/b-1", {**args.inputs, "backup_id": "b-1"}

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], None]:
        return {}, None


@pytest.fixture
def engine() -> Engine:
    mocks = Engine()
    asyncio.set_event_loop(asyncio.new_event_loop())  # set_mocks needs one; asyncio.run in another test takes it away
    pulumi.runtime.set_mocks(mocks, project="shop", stack="test", preview=False)
    return mocks


@pulumi.runtime.test  # type: ignore[untyped-decorator]
def test_the_readmes_program_declares_a_backup(engine: Engine) -> Any:
    (program,) = blocks(ROOT / "README.md", "python")
    names: dict[str, Any] = {}
    exec(compile(program, "README.md", "exec"), names)

    def check(backup_id: str) -> None:
        assert backup_id == "b-1"
        assert engine.declared["orders-before-release"]["triggers"] == {"release": "2026.11"}

    return names["backup"].backup_id.apply(check)


def test_the_changelog_begins_with_this_version() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'(?m)^version = "(.*)"$', project)
    newest = re.search(r"(?m)^## \[(\d.*?)\]", (ROOT / "CHANGELOG.md").read_text())
    assert version is not None
    assert newest is not None
    assert newest[1] == version[1]


def test_adding_a_resource_takes_at_most_seven_steps() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    section = re.search(r"(?s)\n## Adding a resource\n(.*?)\n## ", guide)
    assert section is not None
    assert 1 <= len(re.findall(r"(?m)^\d+\. ", section[1])) <= 7


def test_every_target_of_make_has_its_line_of_help() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"(?m)^\.PHONY: (.*)$", makefile)
    assert targets is not None
    described = re.findall(r"(?m)^([a-z-]+):.*## \S", makefile)
    assert sorted(described) == sorted(targets[1].split())


def test_ci_runs_what_the_repository_itself_runs() -> None:
    assert any("run: .ci/run" in workflow.read_text() for workflow in WORKFLOWS)

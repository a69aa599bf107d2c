"""The files that users copy, and this repository's own workflows, are what docs/pipelines.md says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parent.parent.parent
PIPELINES: Final = ROOT / "pipelines"
COPIED: Final = sorted((PIPELINES / "github").glob("backups-*.yml"))
WORKFLOWS: Final = [*COPIED, *sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
DEPENDABOT: Final = [ROOT / ".github" / "dependabot.yml", PIPELINES / "github" / "dependabot.yml"]
GITLAB: Final = PIPELINES / "gitlab" / ".gitlab-ci.yml"
ENGINE: Final = "3.274.1"
PYTHONS: Final = ("3.10", "3.11", "3.12", "3.13", "3.14")
PINS: Final = {
    "actions/cache": "27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5",
    "actions/checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "actions/setup-python": "5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
    "actions/upload-artifact": "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
    "pulumi/actions": "8e5e406f4007fca908480587cb9893c07090f58d # v7.0.0",
}
"""The commits that these tags of the actions' repositories are at."""
INPUTS: Final = {
    "actions/cache": {"path", "key"},
    "actions/checkout": {"persist-credentials"},
    "actions/setup-python": {"python-version"},
    "actions/upload-artifact": {"name", "path", "if-no-files-found", "overwrite", "retention-days"},
    "pulumi/actions": {"pulumi-version"},
}
"""Inputs that the actions have at these commits. actionlint does not know them where an action is pinned by commit."""
PERMISSIONS: Final = {
    "backups-preview": {"contents": "read", "pull-requests": "write"},
    "backups-apply": {"contents": "read", "actions": "read", "pull-requests": "write"},
    "backups-drift": {"contents": "read"},
    "ci": {"contents": "read"},
}
SECRET: Final = "${{ secrets."


def load(path: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(path.read_text())
    return parsed


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in load(workflow)["jobs"].values() for step in job["steps"]]


def pins(path: Path) -> list[Requirement]:
    """The requirements of a file of pip's, without hashes, options and comments."""
    lines = (re.split(r" \\$|\s+#", line)[0].strip() for line in path.read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def versions(path: Path, python: str) -> dict[str, str]:
    """What a file pins for one version of Python on Linux."""
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pins(path)
        if (pin.marker is None or pin.marker.evaluate(environment)) and str(pin.specifier).startswith("==")
    }


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        (["vendor.github-workflows"], WORKFLOWS),
        (["vendor.dependabot"], DEPENDABOT),
        (["vendor.gitlab-ci", "--data-transform", "gitlab-ci"], [GITLAB]),
    ],
    ids=["workflows", "dependabot", "gitlab"],
)
def test_the_files_keep_to_the_official_schemas(schema: list[str], files: list[Path]) -> None:
    check = Path(sys.executable).parent / "check-jsonschema"
    done = subprocess.run([check, "--builtin-schema", *schema, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
class TestWorkflow:
    def test_actions_are_pinned_by_commit_with_the_version_beside_it(self, workflow: Path) -> None:
        used = re.findall(r"uses: ([\w/-]+)@(.*)", workflow.read_text())
        assert len(used) == len([step for step in steps(workflow) if "uses" in step])
        assert {action: pin for action, pin in used if PINS[action] != pin} == {}

    def test_actions_get_inputs_that_they_have(self, workflow: Path) -> None:
        for step in steps(workflow):
            if "uses" in step:
                assert set(step["with"]) <= INPUTS[step["uses"].partition("@")[0]]

    def test_permissions_are_given_to_jobs_and_say_what_for(self, workflow: Path) -> None:
        parsed = load(workflow)
        assert parsed["permissions"] == {}
        for job in parsed["jobs"].values():
            assert job["permissions"] == PERMISSIONS[workflow.stem]
        assert re.findall(r"(?m)^      [\w-]+: (?:read|write)$", workflow.read_text()) == []

    def test_everything_has_a_name_and_every_job_an_end(self, workflow: Path) -> None:
        for job in load(workflow)["jobs"].values():
            assert job["name"]
            assert job["timeout-minutes"]
        assert all(step["name"] for step in steps(workflow))

    def test_the_checkout_leaves_no_token_behind(self, workflow: Path) -> None:
        checkouts = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
        assert checkouts
        assert all(step["with"] == {"persist-credentials": False} for step in checkouts)

    def test_secrets_reach_only_the_step_that_runs_pulumi(self, workflow: Path) -> None:
        outside = load(workflow)
        for job in outside["jobs"].values():
            for step in job["steps"]:
                if re.fullmatch(r"exec pipelines/(preview|apply|drift)\.sh", step.get("run", "")):
                    assert "GITHUB_TOKEN" not in step["env"]
                    del step["env"]
        assert SECRET not in yaml.safe_dump(outside)


@pytest.mark.parametrize("workflow", COPIED, ids=lambda path: path.stem)
def test_copied_workflows_use_one_engine_and_install_in_one_way(workflow: Path) -> None:
    (pulumi,) = [step for step in steps(workflow) if step.get("uses", "").startswith("pulumi/actions@")]
    assert pulumi["with"] == {"pulumi-version": ENGINE}
    assert [step["run"] for step in steps(workflow) if step["name"] == "Install"] == ["exec pipelines/install.sh"]


def test_previews_have_a_group_for_each_request_and_take_no_place_of_an_apply() -> None:
    groups = {path.stem: load(path)["concurrency"] for path in COPIED}
    in_order = {"group": "backups-prod", "cancel-in-progress": False, "queue": "max"}
    assert groups["backups-apply"] == groups["backups-drift"] == in_order
    preview = groups["backups-preview"]
    assert preview == {
        "group": "backups-preview-prod-${{ github.event.pull_request.number }}",
        "cancel-in-progress": True,
    }


def test_a_plan_is_handed_over_only_after_a_preview_that_succeeded_and_a_comment() -> None:
    preview, comment, report, upload = steps(PIPELINES / "github" / "backups-preview.yml")[-4:]
    assert preview["run"] == "exec pipelines/preview.sh"
    assert comment["run"] == "exec python -m pulumi_dcs.review comment"
    assert comment["if"] == report["if"] == "${{ !cancelled() && steps.preview.outcome != 'skipped' }}"
    assert "if" not in upload
    assert upload["with"]["path"] == "plan/"
    assert upload["with"]["name"] == "${{ steps.preview.outputs.plan-name }}"
    assert preview["id"] == "preview"
    assert upload["with"]["if-no-files-found"] == "error"


def test_the_record_is_written_also_after_an_apply_that_failed_or_was_cancelled() -> None:
    fetch, apply, comment, report = steps(PIPELINES / "github" / "backups-apply.yml")[-4:]
    assert fetch["run"] == "exec python -m pulumi_dcs.review plan"
    assert apply["run"] == "exec pipelines/apply.sh"
    assert comment["run"] == "exec python -m pulumi_dcs.review comment"
    assert comment["if"] == report["if"] == "${{ always() && steps.apply.outcome != 'skipped' }}"
    assert apply["id"] == "apply"


def test_gitlab_takes_no_artifact_for_the_plan_and_lets_no_job_take_the_place_of_an_apply() -> None:
    parsed = load(GITLAB)
    preview, apply, drift = (parsed[job] for job in ("preview", "apply", "drift"))
    assert [job["dependencies"] for job in (preview, apply, drift)] == [[], [], []]
    assert apply["resource_group"] == drift["resource_group"] == "backups-prod"
    assert preview["resource_group"] == "backups-preview-prod-$CI_MERGE_REQUEST_IID"
    assert parsed["workflow"] == {"auto_cancel": {"on_new_commit": "interruptible"}}
    assert parsed["default"]["interruptible"] is False
    assert [job.get("interruptible") for job in (preview, apply, drift)] == [True, None, None]
    assert preview["artifacts"]["paths"] == ["plan/", "report.md", "report.json"]
    assert preview["artifacts"]["when"] == "on_success"
    assert all(job["timeout"] for job in (preview, apply, drift))
    assert parsed["default"]["image"] == f"pulumi/pulumi-python-3.12:{ENGINE}"
    assert parsed["default"]["before_script"] == ["pipelines/install.sh"]


@pytest.mark.parametrize("file", DEPENDABOT, ids=["ours", "copied"])
def test_dependabot_lets_new_versions_wait(file: Path) -> None:
    updates = load(file)["updates"]
    assert {update["package-ecosystem"] for update in updates} in ({"github-actions", "pip"}, {"github-actions", "uv"})
    assert all(update["cooldown"]["default-days"] >= 7 for update in updates)


def test_lint_checks_every_workflow_and_script() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "WORKFLOWS := $(wildcard .github/workflows/*.yml pipelines/github/backups-*.yml)" in makefile
    assert "--persona auditor --offline --strict-collection .github $(wildcard pipelines/github/*.yml)" in makefile
    assert "shellcheck .ci/run policy/run pipelines/*.sh" in makefile


def test_the_lock_file_has_a_version_and_a_hash_for_everything_and_no_address() -> None:
    text = (PIPELINES / "requirements.txt").read_text()
    entries = re.findall(r"(?m)^(?![#\s])(.+)\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)*)", text)
    assert len(entries) == len(pins(PIPELINES / "requirements.txt")) > 30
    for requirement, hashes in entries:
        assert re.match(r"[\w.-]+==\S+", requirement)
        assert hashes, requirement
    assert "://" not in text
    assert not re.search(r"(?m)^\s*-(?!-hash=)", text)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_file_has_the_versions_that_are_tested_here(python: str) -> None:
    tested = versions(ROOT / "requirements.txt", python)
    locked = versions(PIPELINES / "requirements.txt", python)
    direct = versions(PIPELINES / "requirements.in", python)
    assert direct
    assert direct.items() <= locked.items(), "run `make lock`"
    assert {name: tested[name] for name in locked.keys() & tested.keys()}.items() <= locked.items()


def test_the_lock_file_is_asked_for_what_the_package_needs() -> None:
    needs = [Requirement(need) for need in metadata.requires("pulumi-dcs") or ()]
    extras = ("", "policies", "review")
    needed = {
        canonicalize_name(need.name)
        for need in needs
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)
    }
    asked = {canonicalize_name(pin.name) for pin in pins(PIPELINES / "requirements.in")}
    assert asked == needed | {"pip", "setuptools"}


@pytest.mark.parametrize(
    "source",
    [
        (PIPELINES / "pulumi-dcs.txt").read_text(),
        "pulumi-dcs @ git+https://github.com/your-organisation/pulumi-dcs@main\n",
        "pulumi-dcs @ git+https://github.com/your-organisation/pulumi-dcs@3d3c42e\n",
        f"# pulumi-dcs @ git+https://github.com/your-organisation/pulumi-dcs@{'a' * 40}\n",
        "./pulumi_dcs-0.2.0-py3-none-any.whl\n",
    ],
    ids=["as shipped", "branch", "short commit", "comment", "wheel without a hash"],
)
def test_nothing_is_installed_without_a_full_commit_or_a_hash(tmp_path: Path, source: str) -> None:
    shutil.copy(PIPELINES / "install.sh", tmp_path)
    (tmp_path / "pulumi-dcs.txt").write_text(source)
    done = subprocess.run([tmp_path / "install.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "names no full commit and no hash, so nothing is installed" in done.stderr

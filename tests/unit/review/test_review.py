"""``review preview``, ``apply`` and ``drift``: what they refuse, and what they leave behind whatever happens.

A small program stands for the engine: it writes the event log that a test asks for, and ends as the test says.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi_dcs.review.plan import write_manifest

from tests.engine.stack import until

from .logs import diagnostic, state, step

ENGINE = """#!{python}
import json, shutil, signal, sys, time
from pathlib import Path
folder, arguments = Path({folder!r}), sys.argv[1:]
with (folder / "calls").open("a") as calls:
    calls.write(arguments[0] + "\\n")
def value(name):
    return Path(arguments[arguments.index(name) + 1])
if arguments[0] == "version":
    (folder / "asked").touch()
    time.sleep(float((folder / "slow").read_text()) if (folder / "slow").exists() else 0)
    print("v3.274.1")
if arguments[0] == "config" and (folder / "thinks").exists():
    (folder / "thinking").touch()
    time.sleep(10)
if "--event-log" in arguments:
    if "--save-plan" in arguments:
        value("--save-plan").write_text("{{}}")
    shutil.copy(folder / "events", value("--event-log"))
    if (folder / "ignores").exists():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (folder / "running").touch()
    while (folder / "waits").exists():
        time.sleep(0.02)
    sys.exit(int((folder / "code").read_text()))
"""


class Project:
    """A folder in which the commands run, with a program as the engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.engine = folder / "engine"
        self.folder.mkdir()
        self.engine.mkdir()
        program = self.engine / "pulumi"
        program.write_text(ENGINE.format(python=sys.executable, folder=str(self.engine)))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        path = os.pathsep.join([str(self.engine), os.environ["PATH"]])
        self.environment = {"PATH": path, "HOME": str(folder), "STACK": "acme/shop/prod"}
        self.says()

    def says(self, *events: Any, code: int = 0, is_whole: bool = True) -> None:
        """What the engine says from now on, and how it ends."""
        flat = [each for event in events for each in ([event] if isinstance(event, dict) else event)]
        flat += [{"summaryEvent": {"resourceChanges": {}}}] if is_whole else []
        (self.engine / "events").write_text("\n".join(map(json.dumps, flat)))
        (self.engine / "code").write_text(str(code))

    def start(self, command: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pulumi_dcs.review", command],
            cwd=self.folder,
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str, **more: str) -> tuple[int, str]:
        process = self.start(command, **more)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def hand_over(self, stack: str = "acme/shop/prod") -> Path:
        plan = self.folder / "plan" / "plan.json"
        plan.parent.mkdir(exist_ok=True)
        plan.write_text("{}")
        write_manifest(plan, stack=stack, commit="1" * 40)
        return plan

    @property
    def calls(self) -> list[str]:
        found = self.engine / "calls"
        return (
            [each for each in found.read_text().split() if each not in ("version", "config")] if found.exists() else []
        )

    @property
    def report(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return told


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    (made.engine / "waits").unlink(missing_ok=True)


def test_a_plan_that_was_reviewed_is_applied(project: Project) -> None:
    project.hand_over()
    assert project.run("apply")[0] == 0
    assert project.calls == ["up"]


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (1, 1), (255, 255)])
def test_a_plan_is_applied_once_however_that_ends(project: Project, code: int, ends: int) -> None:
    plan = project.hand_over()
    project.says(code=code)
    assert project.run("apply")[0] == ends
    assert not plan.exists()
    assert project.run("apply")[0] == 3
    assert project.calls == ["up"]


def test_a_stale_plan_ends_with_3(project: Project) -> None:
    project.hand_over()
    project.says(diagnostic("resource violates plan: properties changed: ++remark", "error"), code=255)
    code, said = project.run("apply")
    assert code == 3
    assert "The plan is stale" in said
    assert project.report["outcome"] == "plan is stale"
    assert [each["topic"] for each in project.report["warnings"]] == ["plan"]
    assert "Nothing beyond the plan was done." in project.report["warnings"][0]["message"]


def test_a_failed_preview_hands_over_nothing(project: Project) -> None:
    project.hand_over()
    project.says(step("create", "a", None, state()), diagnostic("no", "error"), code=255)
    output = project.folder / "output"
    assert project.run("preview", GITHUB_OUTPUT=str(output))[0] == 255
    assert list((project.folder / "plan").iterdir()) == []
    assert not output.exists()
    project.says(step("create", "a", None, state()))
    assert project.run("preview", GITHUB_OUTPUT=str(output))[0] == 0
    assert {each.name for each in (project.folder / "plan").iterdir()} == {"plan.json", "reviewed.json"}
    assert output.read_text().startswith("plan-name=plan-acme-shop-prod-")


@pytest.mark.parametrize(
    ("changes", "errors", "code", "outcome"),
    [
        ({"same": 2}, [], 0, "no drift"),
        ({"same": 1, "update": 1}, [], 7, "drift"),
        ({"same": 1, "update": 1}, [diagnostic("no", "error")], 1, "drift unknown"),
        ({"same": 2, "read": 1}, [], 1, "drift unknown"),
    ],
)
def test_what_a_drift_check_comes_to(
    project: Project, changes: dict[str, int], errors: list[dict[str, Any]], code: int, outcome: str
) -> None:
    project.says(*errors, {"summaryEvent": {"resourceChanges": changes}}, code=code, is_whole=False)
    assert project.run("drift")[0] == code
    assert project.report["outcome"] == outcome


def test_githubs_summary_has_the_report_once(project: Project) -> None:
    project.hand_over()
    summary = project.folder / "summary.md"
    assert project.run("apply", GITHUB_STEP_SUMMARY=str(summary))[0] == 0
    assert summary.read_text() == (project.folder / "report.md").read_text()


def test_a_plan_of_another_stack_is_not_applied(project: Project) -> None:
    project.hand_over("acme/shop/test")
    code, said = project.run("apply")
    assert (code, project.calls) == (3, [])
    assert "was made for stack 'acme/shop/test', and not for 'acme/shop/prod'" in said


def test_a_plan_that_is_not_the_one_of_its_preview_is_not_applied(project: Project) -> None:
    project.hand_over().write_text("{ }")
    code, said = project.run("apply")
    assert (code, project.calls) == (3, [])
    assert "its hash differs" in said


def test_a_plan_whose_preview_could_not_write_its_report_is_not_applied(project: Project) -> None:
    (project.folder / "report.json").mkdir()
    code, said = project.run("preview")
    assert code == 1
    assert "Traceback" not in said
    (project.folder / "report.json").rmdir()
    project.folder.joinpath("plan").mkdir(exist_ok=True)
    project.folder.joinpath("plan", "plan.json").write_text("{}")
    code, said = project.run("apply")
    assert (code, "up" in project.calls) == (3, False)
    assert "no reviewed.json" in said


@pytest.mark.parametrize("tracked", ["folder behind a link", "link"])
def test_a_plan_of_the_checkout_is_nobodys_by_whatever_path(project: Project, tracked: str) -> None:
    plan = project.hand_over()
    if tracked == "link":
        plan.rename(project.folder.parent / "elsewhere.json")
        plan.symlink_to(project.folder.parent / "elsewhere.json")
        added = ["plan/plan.json"]
    else:
        plan.parent.rename(project.folder / "kept")
        (project.folder / "plan").symlink_to("kept")
        added = ["plan", "kept"]
    for command in (["init", "-q"], ["add", *added]):
        subprocess.run(["git", *command], cwd=project.folder, check=True)
    code, said = project.run("apply")
    assert (code, project.calls) == (3, [])
    assert "is a file of the repository" in said


@pytest.mark.parametrize("settings", [{}, {"WITHOUT_PLAN": "preview"}])
def test_an_engine_that_is_not_logged_in_makes_no_plan_stale(project: Project, settings: dict[str, str]) -> None:
    """It ends with 3 as well."""
    if not settings:
        project.hand_over()
    project.says(code=3, is_whole=False)
    assert project.run("apply", **settings)[0] == 1
    assert project.report["outcome"] == "apply failed"


def test_what_a_failed_preview_had_planned_was_not_deleted(project: Project) -> None:
    project.says(step("delete", "a", state("b1")), diagnostic("no", "error"), code=1)
    assert project.run("apply", WITHOUT_PLAN="preview")[0] == 1
    assert project.calls == ["preview"]
    assert project.report["headline"] == "The apply failed: 1 error; no backup taken, none deleted"
    assert project.report["backups"] == []


def test_a_signal_that_comes_too_late_does_not_make_it_unfinished(project: Project) -> None:
    project.hand_over()
    for name in ("waits", "ignores"):
        (project.engine / name).touch()
    process = project.start("apply")
    until((project.engine / "running").exists)
    process.terminate()
    time.sleep(0.5)
    (project.engine / "waits").unlink()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert project.report["outcome"] == "applied"
    assert project.report["errors"] == []


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_leaves_the_record_to_be_written(project: Project, sent: signal.Signals) -> None:
    """A runner that cancels a job sends SIGINT, and some seconds later SIGTERM."""
    project.says(step("create", "a", None, state("b1")), code=1)
    (project.engine / "waits").touch()
    (project.engine / "slow").write_text("1.5")
    project.hand_over()
    process = project.start("apply")
    until((project.engine / "running").exists)
    (project.engine / "waits").unlink()
    until((project.engine / "asked").exists)
    process.send_signal(sent)
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert project.report["taken"] == 1


def test_the_record_is_there_before_the_service_is_asked(project: Project) -> None:
    """A runner that cancels the job while a slow service is asked kills this process in the end."""
    project.says(step("create", "a", None, state("b1")))
    (project.engine / "thinks").touch()
    project.hand_over()
    process = project.start("apply")
    until((project.engine / "thinking").exists)
    process.kill()
    process.communicate(timeout=60)
    assert project.report["outcome"] == "applied"
    assert project.report["taken"] == 1


@pytest.mark.parametrize("command", ["preview", "apply", "drift"])
def test_no_other_report_is_taken_for_this_runs(project: Project, command: str) -> None:
    for name in ("report.md", "report.json"):
        (project.folder / name).write_text("of the checkout")
    project.hand_over()
    (project.engine / "waits").touch()
    process = project.start(command)
    until((project.engine / "running").exists)
    process.kill()
    process.communicate(timeout=60)
    assert not (project.folder / "report.md").exists()
    assert not (project.folder / "report.json").exists()


def test_a_log_that_ends_too_early_is_said(project: Project) -> None:
    project.says(step("create", "a", None, state()), is_whole=False)
    assert project.run("preview")[0] == 0
    assert project.report["warnings"][0]["topic"] == "plan"
    project.says(step("create", "a", None, state()))
    assert project.run("preview")[0] == 0
    assert "plan" not in [each["topic"] for each in project.report["warnings"]]


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("REPORT", "file/report.md", "file"),
        ("REPORT", "folder", "folder"),
        ("PLAN", "file/plan.json", "file"),
        ("PLAN", "folder", "folder"),
        ("GITHUB_OUTPUT", "folder", "folder"),
        ("GITHUB_STEP_SUMMARY", "folder", "folder"),
    ],
)
def test_a_place_that_cant_be_written_to_is_one_error(project: Project, setting: str, value: str, named: str) -> None:
    (project.folder / "file").touch()
    (project.folder / "folder").mkdir()
    code, said = project.run("preview", **{setting: value})
    assert code == 1
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1].startswith(named)


def test_an_engine_that_cant_be_run(project: Project) -> None:
    (project.engine / "pulumi").chmod(0)
    code, said = project.run("drift", PATH=str(project.engine))
    assert code == 1
    assert said.startswith("`pulumi` can't be run.")

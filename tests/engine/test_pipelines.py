"""The pipelines' own steps, run as they stand: on the real engine, the local endpoint, and a forge's API over HTTP."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.endpoint import HA, LocalEndpoint
from tests.forges import HEAD, PlayedForge, Run, played_forge

from .conftest import ROOT, MakeStack
from .stack import Stack, until


@pytest.fixture
def forge() -> Iterator[PlayedForge]:
    with played_forge() as played:
        yield played


class Runner:
    """Runs the steps of a job as GitHub or GitLab does, in a checkout with the project and the pipelines."""

    def __init__(self, stack: Stack, forge: PlayedForge, kind: str) -> None:
        self.stack = stack
        self.kind = kind
        self.forge = forge
        shutil.copytree(ROOT / "pipelines", stack.folder / "pipelines")
        shutil.copytree(ROOT / "policy", stack.folder / "policy")
        event = stack.folder.parent / "event.json"
        event.write_text(json.dumps({"pull_request": {"head": {"sha": HEAD}}}))
        about = {
            "GITHUB_OUTPUT": str(stack.folder.parent / "github-output"),
            "GITHUB_STEP_SUMMARY": str(stack.folder.parent / "summary.md"),
        }
        self.environment = {**stack.environment, **forge.environment[kind], "STACK": stack.name}
        # What a runner sets for a request, and for the commit that it was merged as.
        self.of_a_request = {"PULL_REQUEST": "7", "GITHUB_EVENT_PATH": str(event)}
        if kind == "gitlab":
            self.of_a_request = {"CI_MERGE_REQUEST_IID": "7", "CI_COMMIT_SHA": HEAD}
        else:
            self.environment |= about

    def commands(self, job: str) -> dict[str, str]:
        """The job's own steps by name, but for the one that installs."""
        if self.kind == "github":
            file = ROOT / "pipelines" / "github" / f"backups-{job}.yml"
            (found,) = yaml.safe_load(file.read_text())["jobs"].values()
            steps = [step for step in found["steps"] if "run" in step and step["name"] != "Install"]
            return {step["name"]: step["run"] for step in steps}
        found = yaml.safe_load((ROOT / "pipelines" / "gitlab" / ".gitlab-ci.yml").read_text())[job]
        return {command: command for command in [*found["script"], *found.get("after_script", [])]}

    def everything(self, job: str, **more: str) -> dict[str, str]:
        """The variables of a job."""
        return {**self.environment, **(self.of_a_request if job == "preview" else {}), **more}

    def run(self, job: str, **more: str) -> tuple[int, str]:
        """Run all steps; the first failing code and everything said. Comments are written after failures too."""
        code, said = 0, ""
        for command in self.commands(job).values():
            if code and "comment" not in command:
                continue
            done = subprocess.run(
                ["bash", "-e", "-c", command],
                cwd=self.stack.folder,
                env=self.everything(job, **more),
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )
            code, said = code or done.returncode, said + done.stdout + done.stderr
        return code, said

    def start(self, job: str) -> subprocess.Popen[str]:
        """Begin the job's step that runs Pulumi."""
        (command,) = [each for each in self.commands(job).values() if f"{job}.sh" in each]
        return subprocess.Popen(
            ["bash", "-e", "-c", command],
            cwd=self.stack.folder,
            env=self.everything(job),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def keep_plan(self, **more: Any) -> None:
        """What the upload step, or GitLab's `artifacts`, does with the plan."""
        folder = self.stack.folder / "plan"
        files = {each.name: each.read_bytes() for each in folder.iterdir()}
        shutil.rmtree(folder)
        if self.kind == "gitlab":
            self.forge.runs.append(Run({f"plan/{name}": content for name, content in files.items()}, **more))
            return
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        outputs = Path(self.environment["GITHUB_OUTPUT"]).read_text().splitlines()
        self.forge.runs.append(Run({outputs[-1].removeprefix("plan-name="): packed.getvalue()}, **more))

    @property
    def comment(self) -> str:
        """The one comment on the request."""
        (found,) = self.forge.comments
        return found.body or ""

    @property
    def report(self) -> dict[str, Any]:
        """The report as JSON."""
        told: dict[str, Any] = json.loads((self.stack.folder / "report.json").read_text())
        return told


@pytest.fixture(params=["github", "gitlab"])
def runner(request: pytest.FixtureRequest, make_stack: MakeStack, forge: PlayedForge) -> Runner:
    return Runner(make_stack(), forge, request.param)


def test_a_request_that_changes_a_remark(runner: Runner, endpoint: LocalEndpoint) -> None:
    stack = runner.stack
    stack.declare(instance_id=HA, remark="before 1")
    assert stack.up().ok
    (old,) = endpoint.backup_ids()
    stack.declare(instance_id=HA, remark="before 2")
    for _ in range(2):
        code, said = runner.run("preview")
        assert code == 0, said
        assert endpoint.backup_ids() == {old}
    assert "### 1 backup will be taken, 1 deleted, none restored" in runner.comment
    assert f"Backup <code>{old}</code> of <code>orders</code>" in runner.comment
    assert re.search(r'(?m)^! +remark: "before 1" => "before 2"$', runner.comment)
    assert f"Takes a new backup of instance {HA}, then deletes backup {old}." in runner.comment
    runner.keep_plan()
    code, said = runner.run("apply")
    assert code == 0, said
    assert "### 1 backup taken, 1 deleted, none restored, in " in runner.comment
    (new,) = endpoint.backup_ids()
    assert stack.backup_ids() == {new} != {old}
    assert f"<code>{new}</code>" in runner.comment
    assert runner.run("drift")[0] == 0


def test_a_request_that_takes_a_backup_out(runner: Runner, endpoint: LocalEndpoint) -> None:
    stack = runner.stack
    stack.declare(instance_id=HA, remark="before 1")
    assert stack.up().ok
    (old,) = endpoint.backup_ids()
    stack.write("import pulumi_dcs")
    code, said = runner.run("preview", LABELS="true")
    assert code == 0, said
    assert "### No backup will be taken, 1 deleted, none restored" in runner.comment
    assert f"Backup <code>{old}</code> of <code>orders</code>" in runner.comment
    assert "the only succeeded one of <code>orders</code>" in runner.comment
    assert runner.forge.labels == {"backup: delete"}
    runner.keep_plan()
    code, said = runner.run("apply")
    assert code == 0, said
    assert "### No backup taken, 1 deleted, none restored" in runner.comment
    assert not endpoint.backups()


def test_a_request_that_restores(runner: Runner, endpoint: LocalEndpoint) -> None:
    stack = runner.stack
    backup_id = endpoint.add_backup(HA, duration=0.0)
    stack.write(
        "from pulumi_dcs import InstanceRestore\n"
        f"InstanceRestore('orders-rollback', instance_id={HA!r}, backup_id={backup_id!r})"
    )
    code, _ = runner.run("preview")
    assert code != 0
    assert "<code>dcs-restore-allowed</code>" in runner.comment
    allowed = {"dcs-restore-allowed": {"names": ["orders-rollback"], "instances": [HA]}}
    (stack.folder / "allowed.json").write_text(json.dumps(allowed))
    settings = {"POLICY_CONFIG": "allowed.json"}
    code, said = runner.run("preview", **settings)
    assert code == 0, said
    assert "none deleted, 1 restored" in runner.comment
    warning = runner.comment.partition("> [!WARNING]")[2].partition("\n\n")[0]
    assert "Overwrites all data of instance orders" in warning
    assert backup_id in warning
    runner.keep_plan()
    code, said = runner.run("apply", **settings)
    assert code == 0, said
    assert "1 restored" in runner.comment
    (restore,) = endpoint.restores()
    assert restore["task_id"] in runner.comment
    assert endpoint.backup_ids() == {backup_id}
    # The plan is done; what it says is not done once more.
    assert runner.run("apply", **settings)[0] in (0, 3)
    assert endpoint.count("create_restore") == 1


def test_a_request_with_a_retention(runner: Runner, endpoint: LocalEndpoint) -> None:
    kept = [endpoint.add_backup(HA, remark=f"nightly {day}", duration=0.0) for day in range(1, 4)]
    other = endpoint.add_backup(HA, remark="before 1", duration=0.0)
    runner.stack.write(
        "from pulumi_dcs import BackupRetention\n"
        f"BackupRetention('orders', instance_id={HA!r}, keep=1, remark='nightly .*')"
    )
    code, said = runner.run("preview")
    assert code == 0, said
    assert "2 deleted, none restored" in runner.comment
    for gone in kept[:2]:
        assert f"<code>{gone}</code>" in runner.comment
    assert f"Backup <code>{other}</code>" not in runner.comment
    runner.keep_plan()
    code, said = runner.run("apply")
    assert code == 0, said
    assert "2 deleted" in runner.comment
    assert endpoint.backup_ids() == {kept[2], other}


def test_a_proof_is_in_the_record(runner: Runner, endpoint: LocalEndpoint) -> None:
    runner.stack.write(
        "from pulumi_dcs import BackupVerification, InstanceBackup\n"
        f"backup = InstanceBackup('orders', instance_id={HA!r}, remark='nightly')\n"
        f"BackupVerification('proof', instance_id={HA!r}, backup_id=backup.backup_id)"
    )
    assert runner.run("preview")[0] == 0
    runner.keep_plan()
    code, said = runner.run("apply")
    assert code == 0, said
    (backup_id,) = endpoint.backup_ids()
    (row,) = [line for line in runner.comment.splitlines() if f"<code>{backup_id}</code>" in line]
    assert "verified: 1000 keys" in row


def test_a_request_that_breaks_a_policy(runner: Runner, endpoint: LocalEndpoint) -> None:
    runner.stack.declare(instance_id=HA, remark="token: abcdef")
    code, _ = runner.run("preview")
    assert code != 0
    assert "Merging this would fail: 1 mandatory policy violated" in runner.comment
    assert "The remark of backup looks as if it held a named secret" in runner.comment
    assert not (runner.stack.folder / "plan" / "plan.json").exists()
    code, said = runner.run("apply")
    assert code == 3
    assert "There is no reviewed plan" in said
    assert not endpoint.backups()
    code, _ = runner.run("apply", WITHOUT_PLAN="preview")
    assert code not in (0, 3)
    assert not endpoint.backups()


def test_a_plan_that_has_become_stale(runner: Runner, endpoint: LocalEndpoint) -> None:
    runner.stack.declare(instance_id=HA, remark="reviewed")
    assert runner.run("preview")[0] == 0
    runner.keep_plan()
    runner.stack.declare(instance_id=HA, remark="not reviewed")
    code, said = runner.run("apply")
    assert code == 3
    assert "The plan is stale" in said
    assert not endpoint.backups()
    runner.forge.runs.clear()
    code, said = runner.run("apply", WITHOUT_PLAN="preview")
    assert code == 0, said
    assert len(endpoint.backups()) == 1


def test_drift(runner: Runner, endpoint: LocalEndpoint) -> None:
    runner.stack.declare(instance_id=HA, remark="nightly")
    assert runner.stack.up().ok
    assert runner.run("drift")[0] == 0
    held = runner.stack.backup_ids()
    endpoint.remove_backup(next(iter(held)))
    code, said = runner.run("drift")
    assert code != 0
    assert "no changes were expected" in said
    assert runner.report["outcome"] == "drift"
    assert runner.stack.backup_ids() == held


def test_a_drift_check_that_fails_says_no_drift(runner: Runner, endpoint: LocalEndpoint) -> None:
    runner.stack.declare(instance_id=HA, remark="nightly")
    assert runner.stack.up().ok
    code, _ = runner.run("drift", HUAWEICLOUD_SDK_SK="wrong-secret-key")
    assert code != 0
    assert runner.report["outcome"] == "drift unknown"
    assert runner.report["errors"]


def test_a_cancelled_job(runner: Runner, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=600.0)
    runner.stack.declare(instance_id=HA, remark="nightly")
    assert runner.run("preview")[0] == 0
    process = runner.start("apply")
    until(endpoint.backups)
    if runner.kind == "github":
        process.send_signal(signal.SIGINT)
    else:
        os.killpg(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    (backup_id,) = endpoint.backup_ids()
    assert f"Cancelled while backup {backup_id}" in said
    assert runner.stack.backup_ids() == {backup_id}
    assert runner.report["outcome"] == "cancelled"
    endpoint.change_backup(backup_id, duration=0.0)
    code, said = runner.run("apply", WITHOUT_PLAN="preview")
    assert code == 0, said
    assert endpoint.backup_ids() == runner.stack.backup_ids() == {backup_id}
    assert endpoint.count("create_backup") == 1


def test_an_apply_of_a_reviewed_plan_that_was_cancelled(runner: Runner, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=600.0)
    runner.stack.declare(instance_id=HA, remark="nightly")
    assert runner.run("preview")[0] == 0
    runner.keep_plan()
    fetch = next(each for each in runner.commands("apply").values() if "review plan" in each)
    subprocess.run(
        ["bash", "-e", "-c", fetch],
        cwd=runner.stack.folder,
        env=runner.everything("apply"),
        check=True,
        capture_output=True,
    )
    process = runner.start("apply")
    until(endpoint.backups)
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=60)
    (backup_id,) = endpoint.backup_ids()
    assert runner.stack.backup_ids() == {backup_id}
    endpoint.change_backup(backup_id, duration=0.0)
    # The plan says create, and the state has the backup by now.
    code, said = runner.run("apply")
    assert code == 3
    assert "run the\npreview of this one again" in said
    assert runner.run("preview")[0] == 0
    runner.keep_plan()
    code, said = runner.run("apply")
    assert code == 0, said
    assert endpoint.backup_ids() == runner.stack.backup_ids() == {backup_id}
    assert endpoint.count("create_backup") == 1


def test_three_hundred_backups(runner: Runner, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=0.0)
    instances = [endpoint.add_instance(name=f"redis-{number}") for number in range(50)]
    lines = ["from pulumi_dcs import InstanceBackup", f"instances = {instances!r}", "for number in range(300):"]
    lines += ["    InstanceBackup(f'backup-{number}', instance_id=instances[number % 50], remark='nightly ' * 10)"]
    runner.stack.write("\n".join(lines))
    code, said = runner.run("preview")
    assert code == 0, said[-2000:]
    assert len(said) > 60_000
    assert "### 300 backups will be taken, none deleted" in runner.comment
    assert "<summary>All 300 rows</summary>" in runner.comment
    assert "lines are left out" in runner.comment
    assert len(runner.comment) <= 65_000
    assert len(runner.report["backups"]) == 300
    runner.keep_plan()
    code, said = runner.run("apply")
    assert code == 0, said[-2000:]
    assert len(endpoint.backups()) == 300
    assert "### 300 backups taken" in runner.comment


def test_hostile_texts_do_nothing(runner: Runner, endpoint: LocalEndpoint) -> None:
    hostile = "``` </details> <!-- @everyone | "
    instance = endpoint.add_instance(name=hostile)
    runner.stack.declare(instance_id=instance, remark=f"{hostile}````")
    code, said = runner.run("preview")
    assert code == 0, said
    shown, _, folded = runner.comment.partition("<details>")
    assert "@everyone" not in shown
    assert "<!--" not in shown.removeprefix("<!-- backups of dev -->")
    # The fence is longer than what the remark could close, and the end of the comment is still there.
    assert "`````diff" in folded
    assert "To apply it, merge the request" in folded.rpartition("`````")[2]


def test_a_plan_in_the_checkout_is_nobodys(runner: Runner, endpoint: LocalEndpoint) -> None:
    runner.stack.declare(instance_id=HA, remark="reviewed")
    assert runner.run("preview")[0] == 0
    for command in (["git", "init", "-q"], ["git", "add", "-f", "plan"]):
        subprocess.run(command, cwd=runner.stack.folder, check=True)
    code, said = runner.run("apply")
    assert code == 3
    assert "No reviewed plan was found." in said
    assert not (runner.stack.folder / "plan" / "plan.json").exists()
    assert runner.run("preview")[0] == 0
    process = runner.start("apply")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "is a file of the repository" in said
    assert not endpoint.backups()


def test_a_foreign_artifact_is_not_the_plan(runner: Runner, endpoint: LocalEndpoint) -> None:
    runner.stack.declare(instance_id=HA, remark="reviewed")
    assert runner.run("preview")[0] == 0
    runner.keep_plan(head="4" * 40)
    code, said = runner.run("apply")
    assert code == 3, said
    assert not endpoint.backups()


def test_a_failed_backup_is_in_the_record(runner: Runner, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=0.0)
    runner.stack.declare(instance_id=HA, remark="nightly")
    assert runner.run("preview")[0] == 0
    runner.keep_plan()
    endpoint.behave(duration=0.0, failure="dcs.08.0002")
    code, _ = runner.run("apply")
    assert code not in (0, 3)
    assert "### The apply failed: 1 error; no backup taken" in runner.comment
    assert "dcs.08.0002" in runner.comment

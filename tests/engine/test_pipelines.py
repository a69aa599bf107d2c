"""The pipelines' own steps, run as they stand: on the real engine, the local endpoint, and a forge's API over HTTP."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import pytest
import yaml

from tests.endpoint import HA, LocalEndpoint

from .conftest import ROOT, MakeStack
from .stack import Stack, until

HEAD: Final = "1" * 40
MERGED: Final = "2" * 40


@dataclass
class Forge:
    """The part of GitHub's and GitLab's API that the pipelines use: comments, merged requests, kept artifacts."""

    url: str = ""
    comments: dict[int, str] = field(default_factory=dict)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        self.seen.append(f"{method} {path}")
        place, _, query = path.partition("?")
        if place.endswith(("/issues/7/comments", "/merge_requests/7/notes")) and method == "GET":
            return 200, json.dumps([{"id": key, "body": text} for key, text in self.comments.items()]).encode()
        if "/comments" in place or "/notes" in place:
            number = len(self.comments) + 1 if method == "POST" else int(place.rpartition("/")[2])
            self.comments[number] = body["body"]
            return 200, b"{}"
        if place.endswith(f"/commits/{MERGED}/pulls"):
            return 200, json.dumps([{"head": {"sha": HEAD}}]).encode()
        if place.endswith(f"/commits/{MERGED}/merge_requests"):
            return 200, json.dumps([{"iid": 7}]).encode()
        if place.endswith("/actions/artifacts"):
            name = query.removeprefix("name=")
            found = (
                [{"expired": False, "archive_download_url": f"{self.url}/zip/{name}"}] if name in self.artifacts else []
            )
            return 200, json.dumps({"artifacts": found}).encode()
        name = place.rpartition("/")[2] if "/zip/" in place else "gitlab"
        if name in self.artifacts:
            return 200, self.artifacts[name]
        return 404, b"{}"


@pytest.fixture
def forge() -> Iterator[Forge]:
    served = Forge()

    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = served.answer(self.command, self.path, json.loads(body) if body else None)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = do_PUT = serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield served
        server.shutdown()


class Runner:
    """Runs the steps of a job as GitHub or GitLab does, in a checkout with the project and the pipelines."""

    def __init__(self, stack: Stack, forge: Forge, kind: str) -> None:
        self.stack = stack
        self.kind = kind
        self.forge = forge
        shutil.copytree(ROOT / "pipelines", stack.folder / "pipelines")
        shutil.copytree(ROOT / "policy", stack.folder / "policy")
        about = {
            "GITHUB_API_URL": forge.url,
            "GITHUB_REPOSITORY": "shop/infrastructure",
            "GITHUB_TOKEN": "t",
            "GITHUB_SHA": MERGED,
            "PULL_REQUEST": "7",
            "HEAD": HEAD,
            "GITHUB_OUTPUT": str(stack.folder / "github-output"),
            "GITHUB_STEP_SUMMARY": str(stack.folder / "summary.md"),
        }
        if kind == "gitlab":
            about = {
                "GITLAB_CI": "true",
                "CI_API_V4_URL": forge.url,
                "CI_PROJECT_ID": "1",
                "CI_COMMIT_SHA": MERGED,
                "CI_MERGE_REQUEST_IID": "7",
                "GITLAB_TOKEN": "t",
            }
        self.environment = {**stack.environment, **about, "STACK": stack.name}

    def commands(self, job: str) -> list[str]:
        """The job's own steps, but for those that install or belong to somebody else."""
        if self.kind == "github":
            workflow = ROOT / "pipelines" / "github" / f"backups-{job}.yml"
            steps = yaml.safe_load(workflow.read_text())["jobs"][job]["steps"]
            return [step["run"] for step in steps if "run" in step and step.get("name") != "Install"]
        found = yaml.safe_load((ROOT / "pipelines" / "gitlab" / ".gitlab-ci.yml").read_text())[job]
        return [*found["script"], *found.get("after_script", [])]

    def run(self, job: str, **more: str) -> tuple[int, str]:
        """Run all steps; the first failing code and everything said. Comments are written after failures too."""
        code, said = 0, ""
        for command in self.commands(job):
            if code and "comment" not in command:
                continue
            done = subprocess.run(
                ["bash", "-e", "-c", command],
                cwd=self.stack.folder,
                env={**self.environment, **more},
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )
            code, said = code or done.returncode, said + done.stdout + done.stderr
        return code, said

    def start(self, job: str) -> subprocess.Popen[str]:
        """Begin the job's last step."""
        return subprocess.Popen(
            # A shell can't trap what was ignored when it began, as SIGINT is in a background job.
            ["env", "--default-signal=INT", "bash", "-e", "-c", self.commands(job)[-1]],
            cwd=self.stack.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def keep_plan(self) -> None:
        """What the upload step, or GitLab's `artifacts`, does with the plan."""
        packed = io.BytesIO()
        plan = self.stack.folder / "plan" / "plan.json"
        with zipfile.ZipFile(packed, "w") as archive:
            archive.write(plan, "plan.json" if self.kind == "github" else "plan/plan.json")
        name = "gitlab"
        if self.kind == "github":
            outputs = (self.stack.folder / "github-output").read_text().splitlines()
            name = outputs[-1].removeprefix("name=")
        self.forge.artifacts[name] = packed.getvalue()
        plan.unlink()


@pytest.fixture(params=["github", "gitlab"])
def runner(request: pytest.FixtureRequest, make_stack: MakeStack, forge: Forge) -> Runner:
    return Runner(make_stack(), forge, request.param)


def test_a_request_that_changes_a_remark(runner: Runner, endpoint: LocalEndpoint) -> None:
    stack, forge = runner.stack, runner.forge
    stack.declare(instance_id=HA, remark="before 1")
    assert stack.up().ok
    (old,) = endpoint.backup_ids()
    stack.declare(instance_id=HA, remark="before 2")
    for _ in range(2):
        code, said = runner.run("preview")
        assert code == 0, said
        assert endpoint.backup_ids() == {old}
    (comment,) = forge.comments.values()
    assert re.search(r'(?m)^! +remark: "before 1" => "before 2"$', comment)
    assert f"Takes a new backup of instance {HA}, then deletes backup {old}." in comment
    runner.keep_plan()
    code, said = runner.run("apply")
    assert code == 0, said
    (new,) = endpoint.backup_ids()
    assert stack.backup_ids() == {new} != {old}
    assert runner.run("drift")[0] == 0


def test_a_request_that_breaks_a_policy(runner: Runner, endpoint: LocalEndpoint) -> None:
    runner.stack.declare(instance_id=HA, remark="token: abcdef")
    code, _ = runner.run("preview")
    assert code != 0
    (comment,) = runner.forge.comments.values()
    assert "Merging this would fail" in comment
    assert "The remark of backup looks as if it held a named secret" in comment
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
    runner.forge.artifacts.clear()
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
    assert runner.stack.backup_ids() == held


def test_a_cancelled_job(runner: Runner, endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=600.0)
    runner.stack.declare(instance_id=HA, remark="nightly")
    assert runner.run("preview")[0] == 0
    process = runner.start("apply")
    until(lambda: endpoint.count("list_backups") > 1)
    if runner.kind == "github":
        process.send_signal(signal.SIGINT)
    else:
        os.killpg(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    (backup_id,) = endpoint.backup_ids()
    assert f"Cancelled while backup {backup_id}" in said
    assert runner.stack.backup_ids() == {backup_id}
    endpoint.change_backup(backup_id, duration=0.0)
    code, said = runner.run("apply", WITHOUT_PLAN="preview")
    assert code == 0, said
    assert endpoint.backup_ids() == runner.stack.backup_ids() == {backup_id}
    assert endpoint.count("create_backup") == 1

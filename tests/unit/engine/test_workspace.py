"""Where the engine runs; what the real one makes of the same settings is seen in ``tests/engine/host``."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from pulumi_dcs.engine import workspace


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a program in ``src``, as its host's process sees it."""
    (tmp_path / "src").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\nmain: src\n")
    monkeypatch.chdir(tmp_path / "src")
    monkeypatch.setattr(workspace, "_engine_process", lambda: None)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def test_without_an_engine_the_project_is_where_relative_paths_start(project: Path) -> None:
    assert workspace.project_root() == project
    assert workspace.backend_url({"PULUMI_BACKEND_URL": "file://./state?no_tmp_dir=true"}) == f"file://{project}/state"


@pytest.mark.parametrize(
    ("url", "resolved"),
    [
        ("file:///abs/../state/", "file:///state"),
        ("file://~", "file://{home}"),
        ("file://~/state", "file://{home}/state"),
        ("https://app.pulumi.com/", "https://app.pulumi.com"),
        ("s3://bucket/sub?region=x&awssdk=v2", "s3://bucket/sub?awssdk=v2&region=x"),
        (
            "postgres://user:s3cret@host:5432/db?sslmode=disable&password=s3cret",
            "postgres://user@host:5432/db?sslmode=disable",
        ),
        ("azblob://[broken", ""),
        ("", ""),
    ],
)
def test_urls(url: str, resolved: str, project: Path) -> None:
    assert workspace.backend_url({"PULUMI_BACKEND_URL": url}) == resolved.format(home=project / "home")


def test_the_order(project: Path) -> None:
    home = project / "home" / ".pulumi"
    home.mkdir(parents=True)
    (home / "credentials.json").write_text(json.dumps({"current": "https://logged.in", "accessTokens": {"a": "b"}}))
    assert workspace.backend_url({}) == "https://logged.in"
    (home / "other").mkdir()
    (home / "other" / "credentials.json").write_text(json.dumps({"current": "https://other"}))
    assert workspace.backend_url({"PULUMI_HOME": str(home / "other")}) == "https://other"
    assert workspace.backend_url({"PULUMI_CREDENTIALS_PATH": str(home / "other")}) == "https://other"
    (project / "Pulumi.yaml").write_text("name: shop\nruntime: python\nbackend:\n  url: gs://projects\n")
    assert workspace.backend_url({}) == "gs://projects"
    assert workspace.backend_url({"PULUMI_BACKEND_URL": "gs://set"}) == "gs://set"


@pytest.mark.parametrize("text", ["", "[]", "backend: x", "backend: {url: 1}", "{", "\ufeffname: x"])
def test_odd_project_files(text: str, project: Path) -> None:
    (project / "Pulumi.yaml").write_text(text, encoding="utf-8")
    assert workspace.backend_url({}) == ""


def test_the_engine_among_the_ancestors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    ancestors = [
        workspace._Process(5, 4, "/usr/bin/dash"),
        workspace._Process(4, 3, "/opt/pulumi/pulumi-language-python"),
        workspace._Process(3, 2, "/opt/pulumi/pulumi"),
        workspace._Process(2, 1, "/usr/bin/pulumi-wrapper"),
    ]
    monkeypatch.setattr(workspace, "_ancestors", lambda: iter(ancestors))
    engine = workspace._engine_process()
    assert engine is not None
    assert engine.pid == 3


def test_the_engine_can_be_the_first_process_of_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    processes = {1: workspace._Process(1, 0, "/pulumi/bin/pulumi")}
    monkeypatch.setattr(os, "getppid", lambda: 1)
    monkeypatch.setattr(workspace, "_process", processes.get)
    assert workspace.engine_process_id() == 1


def test_a_run_of_the_engine_is_told_from_others_by_its_process_and_its_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run_of(pid: int) -> str:
        engine = workspace._Process(pid, 1, "/bin/pulumi")
        monkeypatch.setattr(workspace, "_engine_process", lambda: engine)
        return workspace.engine_run()

    own = run_of(os.getpid())
    assert re.fullmatch(rf"{os.getpid()} \S.*", own)
    assert run_of(os.getpid()) == own
    assert run_of(os.getppid()) != own
    monkeypatch.setattr(workspace, "_engine_process", lambda: None)
    assert workspace.engine_run() == ""

"""The comment and the plan, through PyGithub's and python-gitlab's own requests."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi_dcs.review.forges.commands import fetch_plan, write_comment
from pulumi_dcs.review.forges.forge import ForgeError
from pulumi_dcs.review.plan import artifact_name, write_manifest

from tests.forges import HEAD, OURS, TOKEN, Comment, PlayedForge, Run, played_forge

STACK = "acme/shop-eu/prod"
MARKER = f"<!-- backups of {STACK} -->"
PLAN = b'{"manifest": {}}'


@pytest.fixture
def forge() -> Iterator[PlayedForge]:
    with played_forge() as played:
        yield played


@pytest.fixture(params=["github", "gitlab"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def environment(forge: PlayedForge, kind: str, **more: str) -> dict[str, str]:
    request = {"github": "PULL_REQUEST", "gitlab": "CI_MERGE_REQUEST_IID"}[kind]
    return {**forge.environment[kind], "STACK": STACK, request: "7", **more}


def report(folder: Path, text: str = "### 1 backup", label: str = "backup: create") -> Path:
    path = folder / "report.md"
    path.write_text(text)
    path.with_suffix(".json").write_text(json.dumps({"label": label}))
    return path


def handed_over(kind: str, stack: str = STACK, commit: str = HEAD, plan: bytes = PLAN, **more: Any) -> Run:
    """A run that handed over a plan, as the pipelines' files have it kept."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        path.write_bytes(PLAN)
        manifest = write_manifest(path, stack=stack, commit=commit).read_bytes()
    files = {"plan.json": plan, "reviewed.json": manifest}
    if kind == "gitlab":
        return Run({f"plan/{name}": content for name, content in files.items()}, **more)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return Run({artifact_name(stack): packed.getvalue()}, **more)


def test_a_comment_is_written_once_and_then_edited(forge: PlayedForge, kind: str, tmp_path: Path) -> None:
    for text in ("first", "second"):
        assert write_comment(report(tmp_path, text), environment(forge, kind)) == 0
    (comment,) = forge.comments
    assert comment.body == f"{MARKER}\nsecond"


def test_a_comment_is_never_longer_than_a_forge_takes(forge: PlayedForge, kind: str, tmp_path: Path) -> None:
    assert write_comment(report(tmp_path, "a" * 70_000), environment(forge, kind)) == 0
    (comment,) = forge.comments
    assert 65_000 < len(comment.body or "") < 65_536


def test_a_file_of_the_checkout_hides_no_library(forge: PlayedForge, kind: str, tmp_path: Path) -> None:
    (tmp_path / f"{kind}.py").write_text("raise SystemExit('the checkout was imported')")
    report(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pulumi_dcs.review", "comment"],
        cwd=tmp_path,
        env={**os.environ, **environment(forge, kind)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (comment,) = forge.comments
    assert comment.body == f"{MARKER}\n### 1 backup"


def test_a_comment_is_found_on_any_page_and_others_are_left_alone(
    forge: PlayedForge, kind: str, tmp_path: Path
) -> None:
    forge.comments = [Comment(number, "somebody", f"comment {number}") for number in range(1, 251)]
    forge.comments[10].body = None
    forge.comments[20].body = f"{MARKER}\nnot the pipeline's"
    forge.comments.append(Comment(251, OURS, f"{MARKER}\nold"))
    write_comment(report(tmp_path), environment(forge, kind))
    assert len(forge.comments) == 251
    assert forge.comments[250].body == f"{MARKER}\n### 1 backup"
    assert forge.comments[20].body == f"{MARKER}\nnot the pipeline's"


def test_two_stacks_have_two_comments(forge: PlayedForge, kind: str, tmp_path: Path) -> None:
    for stack in (STACK, "acme/shop/eu-prod"):
        write_comment(report(tmp_path), environment(forge, kind, STACK=stack))
    assert len(forge.comments) == 2


def test_a_comment_that_was_deleted_in_between_is_written_again(forge: PlayedForge, kind: str, tmp_path: Path) -> None:
    forge.comments = [Comment(1, OURS, f"{MARKER}\nold")]
    path = {"github": "/issues/comments/1", "gitlab": "/notes/1"}[kind]
    forge.failures = [(path, 404, {}, {"message": "Not Found"})]
    write_comment(report(tmp_path), environment(forge, kind))
    assert forge.comments[-1].body == f"{MARKER}\n### 1 backup"


def test_a_jobs_own_token_at_github_comments_as_actions(forge: PlayedForge, tmp_path: Path) -> None:
    forge.comments = [Comment(1, OURS, f"{MARKER}\nx"), Comment(2, "github-actions[bot]", f"{MARKER}\nold")]
    forge.failures = [("/user", 403, {}, {"message": "Resource not accessible by integration"})]
    write_comment(report(tmp_path), environment(forge, "github"))
    assert forge.comments[1].body == f"{MARKER}\n### 1 backup"
    write_comment(report(tmp_path, "named"), environment(forge, "github", COMMENT_AUTHOR=OURS))
    assert forge.comments[0].body == f"{MARKER}\nnamed"


def test_after_the_merge_the_same_comment_becomes_the_record(forge: PlayedForge, kind: str, tmp_path: Path) -> None:
    forge.comments = [Comment(1, OURS, f"{MARKER}\npreview")]
    after = environment(forge, kind, PULL_REQUEST="", CI_MERGE_REQUEST_IID="")
    write_comment(report(tmp_path, "record"), after)
    assert [each.body for each in forge.comments] == [f"{MARKER}\nrecord"]


def test_a_direct_push_has_no_request_to_comment_on(
    forge: PlayedForge, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge.request = {"merge_commit_sha": "9" * 40, "sha": "8" * 40}
    after = environment(forge, kind, PULL_REQUEST="", CI_MERGE_REQUEST_IID="")
    assert write_comment(report(tmp_path), after) == 0
    assert "is no merged" in capsys.readouterr().out
    assert forge.comments == []


def test_labels_are_set_on_request(forge: PlayedForge, kind: str, tmp_path: Path) -> None:
    forge.labels = {"backup: none", "bug"}
    write_comment(report(tmp_path), environment(forge, kind))
    assert forge.labels == {"backup: none", "bug"}
    write_comment(report(tmp_path), environment(forge, kind, LABELS="true"))
    assert forge.labels == {"backup: create", "bug"}


@pytest.mark.parametrize("status", [403, 401, 404, 422])
def test_a_refusal_is_one_message_without_the_token(forge: PlayedForge, kind: str, tmp_path: Path, status: int) -> None:
    path = {"github": "/issues/7/comments", "gitlab": "/notes"}[kind]
    forge.failures = [(path, status, {}, {"message": "no <b>rights</b>"})]
    with pytest.raises(ForgeError) as failure:
        write_comment(report(tmp_path), environment(forge, kind))
    assert f"Could not write the comment: HTTP {status}" in str(failure.value)
    assert "What to do: give" in str(failure.value)
    assert TOKEN not in str(failure.value) + repr(failure.value.__context__)
    assert failure.value.__suppress_context__


def test_a_rate_limit_is_waited_for(forge: PlayedForge, kind: str, tmp_path: Path) -> None:
    path = {"github": "/issues/7/comments", "gitlab": "/notes"}[kind]
    status = {"github": 403, "gitlab": 429}[kind]
    told = {"message": "You have exceeded a secondary rate limit."}
    forge.failures = [(path, status, {"Retry-After": "1"}, told)]
    write_comment(report(tmp_path), environment(forge, kind))
    assert len(forge.comments) == 1


def test_a_forge_out_of_reach(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = PlayedForge(url="http://127.0.0.1:1")
    monkeypatch.setattr("pulumi_dcs.review.forges.github.GithubRetry", lambda **_: 0)
    monkeypatch.setattr("gitlab.utils.Retry.handle_retry_on_status", lambda *_, **__: False)
    monkeypatch.setattr("gitlab.utils.Retry.handle_retry", lambda *_: False)
    with pytest.raises(ForgeError, match="no response"):
        write_comment(report(tmp_path), environment(gone, kind))


@pytest.mark.parametrize("name", ["STACK", "GITHUB_TOKEN", "GITLAB_TOKEN"])
def test_a_missing_variable_is_named(forge: PlayedForge, name: str, tmp_path: Path) -> None:
    kind = "gitlab" if name == "GITLAB_TOKEN" else "github"
    with pytest.raises(ForgeError, match=f"{name} is not set"):
        write_comment(report(tmp_path), environment(forge, kind, **{name: ""}))


def fetched(forge: PlayedForge, kind: str, folder: Path) -> bytes | None:
    after = environment(forge, kind, PULL_REQUEST="", CI_MERGE_REQUEST_IID="")
    assert fetch_plan(folder, after) == 0
    plan = folder / "plan.json"
    return plan.read_bytes() if plan.exists() else None


def test_the_reviewed_plan_is_fetched_without_a_token_for_the_store(
    forge: PlayedForge, kind: str, tmp_path: Path
) -> None:
    forge.runs = [handed_over(kind)]
    assert fetched(forge, kind, tmp_path / "plan") == PLAN
    assert (tmp_path / "plan" / "reviewed.json").exists()
    stores = [token for host, token in forge.tokens if host.startswith("localhost")]
    assert stores
    assert set(stores) == {""}
    assert any(TOKEN in token for _, token in forge.tokens)


WRONG: dict[str, dict[str, Any]] = {
    "older commit": {"head": "4" * 40},
    "failed": {"conclusion": "failed"},
    "expired": {"expired": True},
    "another stack": {"stack": "acme/shop/eu-prod"},
    "manifest of another commit": {"commit": "5" * 40},
    "changed since": {"plan": b'{"evil": true}'},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_not_the_reviewed_plan_is_refused(
    forge: PlayedForge, kind: str, wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge.runs = [handed_over(kind, **WRONG[wrong])]
    assert fetched(forge, kind, tmp_path / "plan") is None
    assert "No reviewed plan was found. " in capsys.readouterr().out


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_artifact_is_one_error(forge: PlayedForge, method: int, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("plan.json", PLAN * 100)
    damaged = bytearray(packed.getvalue())
    begin = 30 + len("plan.json")
    damaged[begin : begin + 20] = b"\xff" * 20
    forge.runs = [Run({artifact_name(STACK): bytes(damaged)})]
    with pytest.raises(ForgeError, match="can't be unpacked"):
        fetched(forge, "github", tmp_path / "plan")


@pytest.mark.parametrize("wrong", [{"repository": "fork/infrastructure"}, {"workflow": "evil.yml"}, {"event": "push"}])
def test_github_takes_only_this_workflows_previews_in_this_repository(
    forge: PlayedForge, wrong: dict[str, Any], tmp_path: Path
) -> None:
    forge.runs = [handed_over("github", **wrong)]
    assert fetched(forge, "github", tmp_path / "plan") is None


@pytest.mark.parametrize("wrong", [{"job": "evil"}])
def test_gitlab_takes_only_the_preview_job(forge: PlayedForge, wrong: dict[str, Any], tmp_path: Path) -> None:
    forge.runs = [handed_over("gitlab", **wrong)]
    assert fetched(forge, "gitlab", tmp_path / "plan") is None


@pytest.mark.parametrize(
    ("kind", "request_"),
    [
        ("github", {"merged_at": None}),
        ("github", {"merge_commit_sha": "9" * 40}),
        ("github", {"base": {"repo": {"full_name": "upstream/infrastructure"}}}),
        ("gitlab", {"state": "opened"}),
        ("gitlab", {"merge_commit_sha": "9" * 40}),
        ("gitlab", {"source_project_id": 2}),
        ("gitlab", {"target_project_id": 2}),
    ],
)
def test_only_a_merged_request_of_this_repository_counts(
    forge: PlayedForge, kind: str, request_: dict[str, Any], tmp_path: Path
) -> None:
    forge.request = request_
    forge.runs = [handed_over(kind)]
    assert fetched(forge, kind, tmp_path / "plan") is None


def test_the_newest_preview_counts(forge: PlayedForge, kind: str, tmp_path: Path) -> None:
    old = handed_over(kind)
    old.artifacts = dict.fromkeys(old.artifacts, b"old")
    forge.runs = [old, handed_over(kind)]
    assert fetched(forge, kind, tmp_path / "plan") == PLAN


def test_gitlabs_pipelines_of_merged_results_have_the_head_as_a_parent(forge: PlayedForge, tmp_path: Path) -> None:
    forge.runs = [handed_over("gitlab", head="3" * 40)]
    assert fetched(forge, "gitlab", tmp_path / "plan") == PLAN


def test_what_lies_there_already_is_removed_first(forge: PlayedForge, kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "plan"
    folder.mkdir()
    (folder / "plan.json").write_text("from the checkout")
    assert fetched(forge, kind, folder) is None
    (folder / "plan.json").write_text("from the checkout")
    forge.failures = [("/commits/", 401, {}, {"message": "bad"})]
    with pytest.raises(ForgeError):
        fetched(forge, kind, folder)
    assert not (folder / "plan.json").exists()


def test_names_of_artifacts_differ_where_stacks_do() -> None:
    names = {artifact_name(stack) for stack in ("acme/shop-eu/prod", "acme/shop/eu-prod", "a" * 300, "a" * 301)}
    assert len(names) == 4
    assert all(len(name) <= 100 and "/" not in name for name in names)


@pytest.mark.parametrize("newer", ["failed", "cancelled", "running"])
def test_an_older_preview_of_the_same_commit_does_not_count(
    forge: PlayedForge, kind: str, newer: str, tmp_path: Path
) -> None:
    """Reviewers see the report of the newest one, which says that merging would fail, or is not written yet."""
    forge.runs = [handed_over(kind), handed_over(kind, conclusion=newer)]
    assert fetched(forge, kind, tmp_path / "plan") is None


def test_a_preview_that_was_skipped_or_anothers_takes_no_plans_place(
    forge: PlayedForge, kind: str, tmp_path: Path
) -> None:
    another: dict[str, Any] = {"repository": "fork/infrastructure"} if kind == "github" else {"job": "other"}
    forge.runs = [handed_over(kind), handed_over(kind, conclusion="skipped"), handed_over(kind, **another)]
    assert fetched(forge, kind, tmp_path / "plan") == PLAN


ODD: tuple[Any, ...] = (None, [], {}, "text", 7, [None], [7], {"message": None})


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_responses_of_another_shape_are_one_error_or_none(
    forge: PlayedForge, kind: str, odd: Any, tmp_path: Path
) -> None:
    github = ["/repos/shop/infrastructure", "/pulls/7", "/issues/7/comments", "/user", "/runs", "/artifacts", "/zip/"]
    gitlab = ["/user", "/merge_requests", "/notes", "/pipelines", "/jobs", "/artifacts/"]
    for path in {"github": github, "gitlab": gitlab}[kind]:
        for speak in (
            lambda: write_comment(report(tmp_path), environment(forge, kind)),
            lambda: fetched(forge, kind, tmp_path / "plan"),
        ):
            forge.runs = [handed_over(kind)]
            forge.failures = [(path, 200, {"Content-Type": "application/json"}, odd)]
            try:
                speak()
            except ForgeError as error:
                assert str(error).startswith("Could not ")
            assert forge.comments == [] or forge.comments[0].body == f"{MARKER}\n### 1 backup"


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "99999"},
        {"Retry-After": "soon"},
        {"RateLimit-Reset": "99999999999"},
        {"RateLimit-Reset": "1"},
        {"RateLimit-Reset": "never"},
    ],
    ids=str,
)
def test_a_wait_has_an_end_whatever_the_headers_say(
    forge: PlayedForge, kind: str, headers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"pulumi_dcs.review.forges.{kind}.MAX_WAIT", 1.0)
    path = {"github": "/issues/7/comments", "gitlab": "/notes"}[kind]
    forge.failures = [(path, 429, headers, {"message": "rate limit"})]
    try:
        write_comment(report(tmp_path), environment(forge, kind))
    except ForgeError as error:
        assert "Could not write the comment" in str(error)
    assert len(forge.comments) <= 1


def test_a_redirect_to_itself_or_elsewhere_is_one_error(forge: PlayedForge, tmp_path: Path) -> None:
    path = "/repos/shop/infrastructure/issues/7/comments"
    for location in (f"{forge.url}{path}", "http://localhost:1/elsewhere"):
        forge.failures = [(path, 301, {"Location": location}, {})]
        with pytest.raises(ForgeError, match="Could not write the comment"):
            write_comment(report(tmp_path), environment(forge, "github"))


@pytest.mark.parametrize("character", ["\n", "\r\nX: y\n", "é🔒"])
def test_a_token_that_cant_be_sent_is_not_shown(forge: PlayedForge, kind: str, character: str, tmp_path: Path) -> None:
    name = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN"}[kind]
    report(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pulumi_dcs.review", "comment"],
        cwd=tmp_path,
        env={**os.environ, **environment(forge, kind, **{name: f"{TOKEN}{character}more"})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert TOKEN not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_token_with_a_line_feed_behind_it_is_sent_without(forge: PlayedForge, kind: str, tmp_path: Path) -> None:
    name = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN"}[kind]
    assert write_comment(report(tmp_path), environment(forge, kind, **{name: f"{TOKEN}\n"})) == 0
    assert all(token.endswith(TOKEN) for _, token in forge.tokens)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("github", "GITHUB_API_URL", "garbage"),
        ("github", "PULL_REQUEST", "seven"),
        ("gitlab", "CI_API_V4_URL", "garbage"),
        ("gitlab", "CI_API_V4_URL", "http://[garbage"),
        ("gitlab", "CI_MERGE_REQUEST_IID", "²"),
    ],
)
def test_a_setting_that_cant_be_used_is_one_error(
    forge: PlayedForge, kind: str, name: str, value: str, tmp_path: Path
) -> None:
    with pytest.raises(ForgeError):
        write_comment(report(tmp_path), environment(forge, kind, **{name: value}))

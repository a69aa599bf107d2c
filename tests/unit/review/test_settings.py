"""What the pipeline's environment says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pulumi_dcs.review.settings import ReviewSettings, SettingRefused, commit_of


def test_the_stack_is_the_only_one_that_has_to_be_set() -> None:
    with pytest.raises(SettingRefused, match="STACK is not set"):
        ReviewSettings.of({"STACK": ""})
    found = ReviewSettings.of({"STACK": "acme/shop/prod"})
    assert found == ReviewSettings(
        stack="acme/shop/prod",
        plan=Path("plan/plan.json"),
        policy_pack="policy/run",
        policy_config="",
        report=Path("report.md"),
        previews_without_plan=False,
        commit="",
        run_url="",
        summary=None,
        step_output=None,
    )


def test_a_report_that_would_be_overwritten_by_its_json() -> None:
    with pytest.raises(SettingRefused, match=r"REPORT must not end in \.json"):
        ReviewSettings.of({"STACK": "s", "REPORT": "out/report.json"})


def test_an_empty_policy_pack_is_none() -> None:
    assert ReviewSettings.of({"STACK": "s", "POLICY_PACK": ""}).policy_pack == ""


@pytest.mark.parametrize(("value", "expected"), [("preview", True), ("refuse", False), ("true", False), ("", False)])
def test_only_one_word_lets_an_apply_make_its_own_plan(value: str, expected: bool) -> None:
    assert ReviewSettings.of({"STACK": "s", "WITHOUT_PLAN": value}).previews_without_plan is expected


def test_the_commit_is_the_requests_head(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"sha": "head"}}}))
    assert commit_of({"GITHUB_EVENT_PATH": str(event), "GITHUB_SHA": "merge"}) == "head"
    event.write_text(json.dumps({"ref": "refs/heads/main"}))
    assert commit_of({"GITHUB_EVENT_PATH": str(event), "GITHUB_SHA": "main"}) == "main"
    for broken in ("", "[]", "{"):
        event.write_text(broken)
        assert commit_of({"GITHUB_EVENT_PATH": str(event), "GITHUB_SHA": "main"}) == "main"
    assert commit_of({"CI_COMMIT_SHA": "merged result", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "head"}) == "head"
    assert commit_of({"CI_COMMIT_SHA": "head", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": ""}) == "head"
    assert commit_of({}) == ""


def test_the_page_of_the_run() -> None:
    github = {
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_RUN_ID": "7",
    }
    assert ReviewSettings.of({"STACK": "s", **github}).run_url == "https://github.com/acme/shop/actions/runs/7"
    assert ReviewSettings.of({"STACK": "s", "CI_JOB_URL": "https://gitlab.com/j/1"}).run_url == "https://gitlab.com/j/1"


def test_an_empty_setting_is_the_default() -> None:
    found = ReviewSettings.of({"STACK": "s", "PLAN": "", "REPORT": ""})
    assert (found.plan, found.report) == (Path("plan/plan.json"), Path("report.md"))


def test_a_plan_that_would_be_overwritten_by_what_is_written_beside_it() -> None:
    with pytest.raises(SettingRefused, match=r"PLAN must not be named reviewed\.json"):
        ReviewSettings.of({"STACK": "s", "PLAN": "plan/reviewed.json"})


@pytest.mark.parametrize("request_", [None, [], {"head": None}, {"head": {"sha": None}}, {"head": {"sha": ""}}])
def test_an_event_of_another_shape_tells_no_head(tmp_path: Path, request_: object) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": request_}))
    assert commit_of({"GITHUB_EVENT_PATH": str(event), "GITHUB_SHA": "main"}) == "main"

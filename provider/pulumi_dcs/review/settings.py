"""What the pipeline's environment says: the stack, the plan, the policies, the commit, and where the report goes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .plan import MANIFEST


class SettingRefused(Exception):
    """A variable is missing or can't be used; its text says which, and what to set it to."""


@dataclass(frozen=True)
class ReviewSettings:
    """The settings of the pipelines' commands.

    Attributes:
        stack: ``STACK``, such as organisation/shop/prod.
        plan: ``PLAN``: where the plan is kept; by default plan/plan.json.
        policy_pack: ``POLICY_PACK``: the policy pack's executable; by default policy/run, empty for none.
        policy_config: ``POLICY_CONFIG``: its configuration file; by default none.
        report: ``REPORT``: where the text for reviewers goes; by default report.md.
        previews_without_plan: ``WITHOUT_PLAN=preview``: where no reviewed plan is there, make one and apply it.
        commit: the commit that is previewed or applied; empty where the environment does not tell.
        run_url: the page of this run; empty where the environment does not tell.
        summary: GitHub's file for what the run's page shows; None elsewhere.
        step_output: GitHub's file for what a step hands on; None elsewhere.
    """

    stack: str
    plan: Path
    policy_pack: str
    policy_config: str
    report: Path
    previews_without_plan: bool
    commit: str
    run_url: str
    summary: Path | None
    step_output: Path | None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> ReviewSettings:
        """Read them.

        Raises:
            SettingRefused: ``STACK`` is not set, or ``REPORT`` or ``PLAN`` is a name that something else has.
        """
        if not environment.get("STACK"):
            raise SettingRefused("STACK is not set: set it to the stack's name, such as organisation/shop/prod.")
        report = report_path(environment)
        if report.suffix == ".json":
            raise SettingRefused("REPORT must not end in .json, which report.json beside it does: set it to report.md.")
        plan = plan_path(environment)
        if plan.name == MANIFEST:
            raise SettingRefused(
                f"PLAN must not be named {MANIFEST}, which is written beside it: set it to plan/plan.json."
            )
        return cls(
            stack=environment["STACK"],
            plan=plan,
            policy_pack=environment.get("POLICY_PACK", "policy/run"),
            policy_config=environment.get("POLICY_CONFIG", ""),
            report=report,
            previews_without_plan=environment.get("WITHOUT_PLAN") == "preview",
            commit=commit_of(environment),
            run_url=_run_url(environment),
            summary=_path(environment.get("GITHUB_STEP_SUMMARY")),
            step_output=_path(environment.get("GITHUB_OUTPUT")),
        )


def plan_path(environment: Mapping[str, str]) -> Path:
    """``PLAN``: where the plan is kept."""
    return Path(environment.get("PLAN") or "plan/plan.json")


def report_path(environment: Mapping[str, str]) -> Path:
    """``REPORT``: where the text for reviewers goes."""
    return Path(environment.get("REPORT") or "report.md")


def commit_of(environment: Mapping[str, str]) -> str:
    """The commit that a reviewer sees: the request's head, not the merge that the forge makes of it for a run."""
    event = _github_event(environment.get("GITHUB_EVENT_PATH"))
    request = event.get("pull_request")
    head = request.get("head") if isinstance(request, Mapping) else None
    commit = head.get("sha") if isinstance(head, Mapping) else None
    if isinstance(commit, str) and commit:
        return commit
    # GitLab tells the head only for pipelines of merged results; elsewhere the commit is the head.
    names = ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "GITHUB_SHA", "CI_COMMIT_SHA")
    return next((environment[name] for name in names if environment.get(name)), "")


def _github_event(path: str | None) -> Mapping[str, Any]:
    try:
        event = json.loads(Path(path).read_text("utf-8")) if path else {}
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, Mapping) else {}


def _run_url(environment: Mapping[str, str]) -> str:
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    if all(environment.get(name) for name in names):
        server, repository, run_id = (environment[name] for name in names)
        return f"{server}/{repository}/actions/runs/{run_id}"
    return environment.get("CI_JOB_URL", "")


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None

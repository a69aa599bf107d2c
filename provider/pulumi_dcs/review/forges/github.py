"""GitHub, through PyGithub."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Final

import github
import requests
from github import Auth, GithubException, GithubRetry
from github.PullRequest import PullRequest
from github.Repository import Repository
from github.WorkflowRun import WorkflowRun
from urllib3 import BaseHTTPResponse

from ..plan import MANIFEST, MAX_SIZE, PLAN, artifact_name
from .forge import (
    LABELS,
    MAX_WAIT,
    UNREADABLE,
    ForgeError,
    NoRequestError,
    NothingReviewed,
    Reviewed,
    refused,
    request_number,
    required,
    unreadable,
)

_ACTIONS_USER: Final = "github-actions[bot]"
"""Who comments with a job's own token, which may not ask who it is."""
_TIMEOUT: Final = 60
_PREVIEW_WORKFLOW: Final = "backups-preview.yml"


class GitHubForge:
    """One repository at GitHub.

    Args:
        environment: ``GITHUB_TOKEN`` and what Actions sets; ``PULL_REQUEST``, ``PREVIEW_WORKFLOW``, ``COMMENT_AUTHOR``.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        token, self._repository_name = required(environment, "GITHUB_TOKEN", "GITHUB_REPOSITORY")
        self._environment = environment
        with _told("reach GitHub", "set GITHUB_API_URL to the address of its API."):
            self._github = github.Github(
                base_url=environment.get("GITHUB_API_URL") or "https://api.github.com",
                auth=Auth.Token(token),
                timeout=_TIMEOUT,
                retry=_Retry(total=5, max_rate_limit_wait=MAX_WAIT, secondary_rate_wait=MAX_WAIT / 2),
            )

    @cached_property
    def _repository(self) -> Repository:
        return self._github.get_repo(self._repository_name)

    def comment(self, marker: str, text: str) -> str:
        """Write the comment with this marker on the request, or edit our own that is there; its URL."""
        body = f"{marker}\n{text}"
        with _told("write the comment", "give the job the permission `pull-requests: write`."):
            issue = self._request().as_issue()
            author = self._author()
            for comment in issue.get_comments():
                if comment.user and comment.user.login == author and (comment.body or "").startswith(marker):
                    try:
                        comment.edit(body)
                    except github.UnknownObjectException:
                        break  # Deleted in between.
                    return comment.html_url
            return issue.create_comment(body).html_url

    def label(self, label: str) -> None:
        """Give the request this one of ``LABELS`` and take the others off."""
        with _told("label the request", "give the job the permissions `pull-requests: write` and `issues: write`."):
            request = self._request()
            there = {each.name for each in request.get_labels()}
            if label not in there:
                try:
                    self._repository.get_label(label)
                except github.UnknownObjectException:
                    self._repository.create_label(label, LABELS[label])
                request.add_to_labels(label)
            for other in there & set(LABELS) - {label}:
                request.remove_from_labels(other)

    def reviewed(self, stack: str) -> Reviewed:
        """What the preview of the merged request's head commit handed over."""
        with _told(
            "fetch the reviewed plan", "give the job the permissions `actions: read` and `pull-requests: read`."
        ):
            request = self._merged_request()
            head = request.head.sha
            name = artifact_name(stack)
            workflow = self._environment.get("PREVIEW_WORKFLOW") or _PREVIEW_WORKFLOW
            found = self._repository.get_workflow(workflow).get_runs(event="pull_request", head_sha=head)
            runs = [run for run in found if self._is_preview(run, head)]
            # Only the newest one counts: reviewers see its report.
            run = max(runs, key=lambda each: each.run_number, default=None)
            if run is not None and run.conclusion == "success":
                for artifact in run.get_artifacts():
                    if artifact.name == name and not artifact.expired:
                        files = self._unpacked(artifact.archive_download_url)
                        return Reviewed(files, head, run.html_url)
        raise NothingReviewed(
            f"No run of {workflow} for commit {head[:12]}, the head of request {request.number}, "
            f"handed over the plan {name}: the last one failed or has not "
            "ended, was a fork's, or its artifact has expired."
        )

    def _request(self) -> PullRequest:
        number = request_number(self._environment, "PULL_REQUEST")
        return self._repository.get_pull(number) if number is not None else self._merged_request()

    def _merged_request(self) -> PullRequest:
        """The request that was merged into this repository as this commit."""
        (commit,) = required(self._environment, "GITHUB_SHA")
        for request in self._repository.get_commit(commit).get_pulls():
            is_merge = request.merge_commit_sha == commit and request.merged_at is not None
            if is_merge and request.base.repo.full_name == self._repository_name:
                return request
        raise NoRequestError(f"Commit {commit[:12]} is no merged pull request of {self._repository_name}.")

    def _is_preview(self, run: WorkflowRun, head: str) -> bool:
        """Whether the run is a preview of that very commit, in this repository and not in a fork."""
        repository = run.head_repository
        return (
            run.head_sha == head
            and run.event == "pull_request"
            and run.conclusion != "skipped"
            and repository is not None
            and repository.full_name == self._repository_name
        )

    def _author(self) -> str:
        if author := self._environment.get("COMMENT_AUTHOR"):
            return author
        try:
            return self._github.get_user().login
        except GithubException as error:
            if error.status != 403:
                raise
            return _ACTIONS_USER

    def _unpacked(self, url: str) -> dict[str, bytes]:
        """The files of an artifact. GitHub answers with a link to its store, which is asked without the token."""
        status, headers, _ = self._github.requester.requestJson("GET", url)
        link = headers.get("location", "")
        if status != 302 or not link:
            raise refused("fetch the reviewed plan", status, "no link to the artifact", "run the preview again.")
        response = requests.get(link, timeout=_TIMEOUT)
        if not response.ok:
            raise refused("fetch the reviewed plan", response.status_code, "", "run the preview again.")
        try:
            with zipfile.ZipFile(io.BytesIO(response.content)) as packed:
                names = [each for each in packed.infolist() if each.filename in (PLAN, MANIFEST)]
                if any(each.file_size > MAX_SIZE for each in names):
                    raise ForgeError(f"The reviewed plan is larger than {MAX_SIZE} bytes.")
                return {each.filename: packed.read(each) for each in names}
        except ForgeError:
            raise
        except Exception:
            # Of zipfile, zlib, bz2, lzma or the system: a damaged archive can raise the errors of each.
            raise ForgeError("The artifact of the reviewed plan can't be unpacked. Run the preview again.") from None


@contextmanager
def _told(action: str, advice: str) -> Iterator[None]:
    """Say in one error what went wrong. The library's own ones hold headers and bodies."""
    try:
        yield
    except GithubException as error:
        data = error.data if isinstance(error.data, Mapping) else {}
        raise refused(action, error.status or None, data.get("message") or error.message, advice) from None
    except requests.RequestException as error:
        raise refused(action, None, type(error).__name__, "look whether GitHub is up, and run the job again.") from None
    except UNREADABLE as error:
        raise unreadable(action, error) from None


class _Retry(GithubRetry):
    """As the library's, but the wait that a header asks for has an end as well."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """The seconds that ``Retry-After`` asks for."""
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, MAX_WAIT)

"""GitLab, through python-gitlab."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import gitlab
import requests

from ..plan import MANIFEST, MAX_SIZE, PLAN
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

_TIMEOUT: Final = 60
_FOLDER: Final = "plan"
"""Where the preview job of .gitlab-ci.yml keeps the plan among its artifacts."""
_ADVICE: Final = "give GITLAB_TOKEN the scope `api` and the role Developer in this project."


class GitLabForge:
    """One project at GitLab.

    Args:
        environment: ``GITLAB_TOKEN`` and what CI sets; ``PREVIEW_JOB``.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        token, api, self._project_id = required(environment, "GITLAB_TOKEN", "CI_API_V4_URL", "CI_PROJECT_ID")
        self._environment = environment
        session = requests.Session()
        session.hooks["response"].append(_limit_wait)
        # As a bearer token: requests does not send that one on to another host, such as the store of the artifacts.
        with _told("reach GitLab"):
            url = urlsplit(api)
            self._gitlab = gitlab.Gitlab(
                f"{url.scheme}://{url.netloc}{url.path.removesuffix('/api/v4')}",
                oauth_token=token,
                timeout=_TIMEOUT,
                retry_transient_errors=True,
                session=session,
            )
            self._project = self._gitlab.projects.get(self._project_id, lazy=True)

    def comment(self, marker: str, text: str) -> str:
        """Write the comment with this marker on the request, or edit our own that is there; its URL."""
        body = f"{marker}\n{text}"
        with _told("write the comment"):
            request = self._request()
            self._gitlab.auth()
            user = self._gitlab.user
            for note in request.notes.list(iterator=True):
                is_ours = user is not None and (note.author or {}).get("id") == user.id
                if is_ours and (note.body or "").startswith(marker):
                    try:
                        self._project.mergerequests.get(request.iid, lazy=True).notes.update(note.id, {"body": body})
                    except gitlab.exceptions.GitlabUpdateError as error:
                        if error.response_code != 404:
                            raise
                        break  # Deleted in between.
                    return f"{request.web_url}#note_{note.id}"
            return f"{request.web_url}#note_{request.notes.create({'body': body}).id}"

    def label(self, label: str) -> None:
        """Give the request this one of ``LABELS`` and take the others off."""
        with _told("label the request"):
            request = self._request()
            others = ",".join(sorted(set(LABELS) - {label}))
            self._project.mergerequests.update(request.iid, {"add_labels": label, "remove_labels": others})

    def reviewed(self, stack: str) -> Reviewed:
        """What the preview of the merged request's head commit handed over."""
        name = self._environment.get("PREVIEW_JOB") or "preview"
        with _told("fetch the reviewed plan"):
            request = self._merged_request()
            if str(request.source_project_id) != self._project_id:
                raise NothingReviewed(f"Request {request.iid} comes from a fork, whose plans don't count.")
            head = str(request.sha)
            for found in request.pipelines.list(iterator=True):
                if str(getattr(found, "project_id", self._project_id)) != self._project_id:
                    continue
                if not self._is_of(str(found.sha), head):
                    continue
                pipeline = self._project.pipelines.get(found.id, lazy=True)
                jobs = [
                    job for job in pipeline.jobs.list(iterator=True) if job.name == name and job.status != "skipped"
                ]
                for job in jobs:
                    if job.status == "success" and (files := self._files(job.id)):
                        return Reviewed(files, head, str(job.web_url))
                if jobs:
                    break  # Only the newest preview counts: reviewers see its report.
        raise NothingReviewed(
            f"No job {name!r} of a pipeline for commit {head[:12]}, the head of request {request.iid}, handed over a "
            "plan: the last one failed or has not ended, or its artifacts have expired."
        )

    def _is_of(self, commit: str, head: str) -> bool:
        """Whether a pipeline's commit is the head, or what GitLab merged of it for a pipeline of merged results."""
        if commit == head:
            return True
        try:
            return head in self._project.commits.get(commit).parent_ids
        except gitlab.exceptions.GitlabGetError as error:
            if error.response_code == 404:
                return False
            raise

    def _files(self, job_id: int) -> dict[str, bytes]:
        """The plan and its manifest; empty where the job has kept none."""
        job = self._project.jobs.get(job_id, lazy=True)
        files: dict[str, bytes] = {}
        for name in (PLAN, MANIFEST):
            parts: list[bytes] = []

            def keep(part: bytes, parts: list[bytes] = parts) -> None:
                parts.append(part)
                if sum(map(len, parts)) > MAX_SIZE:
                    raise ForgeError(f"The reviewed plan is larger than {MAX_SIZE} bytes.")

            try:
                job.artifact(f"{_FOLDER}/{name}", streamed=True, action=keep, chunk_size=1 << 20)
            except gitlab.exceptions.GitlabGetError as error:
                if error.response_code == 404:
                    return {}
                raise
            files[name] = b"".join(parts)
        return files

    def _request(self) -> Any:
        number = request_number(self._environment, "CI_MERGE_REQUEST_IID")
        return self._project.mergerequests.get(number) if number is not None else self._merged_request()

    def _merged_request(self) -> Any:
        """The request that was merged into this project as this commit."""
        (commit,) = required(self._environment, "CI_COMMIT_SHA")
        found = self._project.commits.get(commit, lazy=True).merge_requests()
        for each in found:
            ends = (each.get("merge_commit_sha"), each.get("squash_commit_sha"), each.get("sha"))
            is_here = str(each.get("target_project_id", self._project_id)) == self._project_id
            if each.get("state") == "merged" and is_here and commit in ends:
                return self._project.mergerequests.get(each["iid"])
        raise NoRequestError(f"Commit {commit[:12]} is no merged request of project {self._project_id}.")


@contextmanager
def _told(action: str) -> Iterator[None]:
    """Say in one error what went wrong. The library's own ones hold bodies of responses."""
    try:
        yield
    except gitlab.exceptions.GitlabError as error:
        raise refused(action, error.response_code, error.error_message, _ADVICE) from None
    except requests.RequestException as error:
        raise refused(action, None, type(error).__name__, "look whether GitLab is up, and run the job again.") from None
    except UNREADABLE as error:
        raise unreadable(action, error) from None


def _limit_wait(response: requests.Response, **_: object) -> None:
    """Limit what the library would wait for: it takes the headers at their word."""
    asked = response.headers.pop("Retry-After", None)
    reset = response.headers.pop("RateLimit-Reset", None)
    if asked is None and reset is not None and reset.isdigit():
        asked = str(max(0, int(reset) - int(time.time())))
    if asked is not None and asked.isascii() and asked.isdigit():
        response.headers["Retry-After"] = str(min(int(asked), int(MAX_WAIT)))

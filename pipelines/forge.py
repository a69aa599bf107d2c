#!/usr/bin/env python3
"""Talks to GitHub or GitLab for the pipelines: a comment on the pull or merge request, and the plan that was reviewed.

    python pipelines/forge.py comment REPORT     writes the report as a comment, or edits the last one
    python pipelines/forge.py plan FOLDER        fetches the reviewed plan of the merged request, if there is one
    python pipelines/forge.py artifact-name SHA  prints the name under which GitHub keeps the plan of a commit

GitHub: GITHUB_TOKEN and what Actions sets. GitLab: GITLAB_TOKEN (a project access token, `api`) and what CI sets.
The name in STACK distinguishes the comments and plans of several stacks.
"""

from __future__ import annotations

import io
import os
import sys
import zipfile
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import requests

LONGEST_NAME: Final = 80


class Forge:
    """The API of the place that the pipeline runs at."""

    def __init__(self, api: str, headers: dict[str, str]) -> None:
        self.api: Final = api
        self._session = requests.Session()
        self._session.headers.update(headers)

    def call(self, method: str, path: str, **details: Any) -> Any:
        """Send one request; the JSON of the response."""
        answer = self.fetch(method, path, **details)
        return answer.json() if answer.content else None

    def fetch(self, method: str, path: str, **details: Any) -> requests.Response:
        """Send one request; the response."""
        url = path if path.startswith(("http://", "https://")) else self.api + path
        answer = self._session.request(method, url, timeout=60, **details)
        answer.raise_for_status()
        return answer

    def comment(self, comments: str, edit: str, text: str, *, edit_method: str) -> None:
        """Write the comment that starts with this stack's marker, or edit the one that is there."""
        marker = f"<!-- backups of {os.environ['STACK']} -->"
        body = {"body": f"{marker}\n{text}"}
        for row in self.call("GET", f"{comments}?per_page=100"):
            if row["body"].startswith(marker):
                self.call(edit_method, f"{edit}/{row['id']}", json=body)
                return
        self.call("POST", comments, json=body)


def comment(text: str) -> None:
    """Write the report as a comment on the request."""
    if "GITLAB_CI" in os.environ:
        notes = f"/projects/{os.environ['CI_PROJECT_ID']}/merge_requests/{os.environ['CI_MERGE_REQUEST_IID']}/notes"
        _gitlab().comment(notes, notes, text, edit_method="PUT")
    else:
        repository = f"/repos/{os.environ['GITHUB_REPOSITORY']}"
        number = os.environ["PULL_REQUEST"]
        comments = f"{repository}/issues/{number}/comments"
        _github().comment(comments, f"{repository}/issues/comments", text, edit_method="PATCH")


def plan(folder: Path) -> None:
    """Fetch the plan of the request that was merged as this commit."""
    archive = _gitlab_plan() if "GITLAB_CI" in os.environ else _github_plan()
    if archive is None:
        print("No reviewed plan was found for this commit.")
        return
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        for name in packed.namelist():
            if Path(name).name == "plan.json":
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "plan.json").write_bytes(packed.read(name))
                print("Fetched the plan that was reviewed.")


def _github_plan() -> bytes | None:
    github, repository = _github(), f"/repos/{os.environ['GITHUB_REPOSITORY']}"
    for request in github.call("GET", f"{repository}/commits/{os.environ['GITHUB_SHA']}/pulls"):
        found = github.call("GET", f"{repository}/actions/artifacts?name={artifact_name(request['head']['sha'])}")
        for artifact in found["artifacts"]:
            if not artifact["expired"]:
                return github.fetch("GET", artifact["archive_download_url"]).content
    return None


def _gitlab_plan() -> bytes | None:
    gitlab, project = _gitlab(), f"/projects/{os.environ['CI_PROJECT_ID']}"
    for request in gitlab.call("GET", f"{project}/repository/commits/{os.environ['CI_COMMIT_SHA']}/merge_requests"):
        reference = quote(f"refs/merge-requests/{request['iid']}/head", safe="")
        try:
            return gitlab.fetch("GET", f"{project}/jobs/artifacts/{reference}/download?job=preview").content
        except requests.HTTPError as error:
            if error.response.status_code != requests.codes.not_found:
                raise
    return None


def artifact_name(commit: str) -> str:
    """Return the name under which GitHub keeps a plan. Stack names may have slashes, artifacts may not."""
    return f"plan-{os.environ['STACK'].replace('/', '-')[:LONGEST_NAME]}-{commit}"


def _github() -> Forge:
    headers = {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
    return Forge(os.environ.get("GITHUB_API_URL", "https://api.github.com"), headers)


def _gitlab() -> Forge:
    return Forge(os.environ["CI_API_V4_URL"], {"PRIVATE-TOKEN": os.environ["GITLAB_TOKEN"]})


def main() -> None:
    """Run the command that the arguments name."""
    if len(sys.argv) != 3 or sys.argv[1] not in ("comment", "plan", "artifact-name"):
        sys.exit(__doc__)
    if sys.argv[1] == "comment":
        comment(Path(sys.argv[2]).read_text())
    elif sys.argv[1] == "plan":
        plan(Path(sys.argv[2]))
    else:
        print(artifact_name(sys.argv[2]))


if __name__ == "__main__":
    main()

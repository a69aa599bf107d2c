"""GitHub and GitLab, played over HTTP for the libraries that speak to them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

HEAD: Final = "1" * 40
MERGED: Final = "2" * 40
REPOSITORY: Final = "shop/infrastructure"
OURS: Final = "our-bot"
TOKEN: Final = "secret-forge-token"


@dataclass
class Comment:
    """A comment on the request."""

    id: int
    author: str
    body: str | None


@dataclass
class Run:
    """A run of the preview at GitHub, or a pipeline's job at GitLab, with what it handed over."""

    artifacts: dict[str, bytes] = field(default_factory=dict)
    head: str = HEAD
    repository: str = REPOSITORY
    workflow: str = "backups-preview.yml"
    conclusion: str = "success"
    event: str = "pull_request"
    job: str = "preview"
    expired: bool = False


@dataclass
class PlayedForge:
    """One request, number 7, and everything around it.

    Attributes:
        request: what is different about the request, over what GitHub or GitLab would say.
        failures: responses to be given instead, each once: a part of the path, the status, the headers, the body.
        log: every request as method and path; tokens: what each of them had as a token, with the host that it went to.
    """

    url: str = ""
    page_size: int = 30
    comments: list[Comment] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    known_labels: set[str] = field(default_factory=set)
    runs: list[Run] = field(default_factory=list)
    request: dict[str, Any] = field(default_factory=dict)
    failures: list[tuple[str, int, dict[str, str], Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    tokens: list[tuple[str, str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, dict[str, str]]:
        """What each forge's runner sets."""
        github = {
            "GITHUB_API_URL": self.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_SHA": MERGED,
        }
        gitlab = {"GITLAB_CI": "true", "CI_API_V4_URL": f"{self.url}/api/v4", "CI_PROJECT_ID": "1"}
        gitlab |= {"GITLAB_TOKEN": TOKEN, "CI_COMMIT_SHA": MERGED}
        return {"github": github, "gitlab": gitlab}

    def respond(self, method: str, path: str, body: Any, headers: Any) -> tuple[int, dict[str, str], bytes]:
        """One response: status, headers, body."""
        self.log.append(f"{method} {path}")
        token = headers.get("Authorization") or headers.get("PRIVATE-TOKEN") or headers.get("JOB-TOKEN") or ""
        self.tokens.append((headers.get("Host", ""), token))
        for index, (part, status, more, told) in enumerate(self.failures):
            if part in path:
                del self.failures[index]
                return status, more, json.dumps(told).encode()
        place, query = urlsplit(path).path, {key: each[-1] for key, each in parse_qs(urlsplit(path).query).items()}
        if place.startswith("/store/"):
            number, _, name = place.removeprefix("/store/").partition("/")
            return 200, {}, self.runs[int(number)].artifacts[unquote(name)]
        answer = self._gitlab if place.startswith("/api/v4/") else self._github
        return answer(method, unquote(place), query, body)

    def _json(self, value: Any, status: int = 200, link: str = "") -> tuple[int, dict[str, str], bytes]:
        headers = {"Content-Type": "application/json", **({"Link": link} if link else {})}
        return status, headers, json.dumps(value).encode()

    def _page(self, place: str, query: dict[str, str], rows: list[Any]) -> tuple[int, dict[str, str], bytes]:
        page, size = int(query.get("page", 1)), int(query.get("per_page", self.page_size))
        part = rows[(page - 1) * size : page * size]
        link = f'<{self.url}{place}?page={page + 1}&per_page={size}>; rel="next"' if page * size < len(rows) else ""
        return self._json(part, link=link)

    def _store(self, run: Run, name: str) -> dict[str, str]:
        # Another host, so that nothing may be sent there which was meant for this one.
        store = self.url.replace("127.0.0.1", "localhost")
        return {"Location": f"{store}/store/{self.runs.index(run)}/{name}"}

    def _write(self, body: Any, author: str = OURS) -> Comment:
        comment = Comment(len(self.comments) + 1, author, body["body"])
        self.comments.append(comment)
        return comment

    # GitHub

    def _github(self, method: str, place: str, query: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        repository = f"/repos/{REPOSITORY}"
        here = place.removeprefix(repository)
        if place == "/user":
            return self._json({"login": OURS, "url": f"{self.url}/user"})
        if here == "":
            return self._json({"full_name": REPOSITORY, "url": f"{self.url}{repository}"})
        if here == "/pulls/7":
            return self._json(self._pull())
        if here == "/issues/7":
            return self._json({"number": 7, "url": f"{self.url}{place}"})
        if here == f"/commits/{MERGED}":
            return self._json({"sha": MERGED, "url": f"{self.url}{place}"})
        if here == f"/commits/{MERGED}/pulls":
            return self._page(place, query, [self._pull()])
        if here == "/issues/7/comments":
            if method == "POST":
                return self._json(self._comment(self._write(body)), 201)
            return self._page(place, query, [self._comment(each) for each in self.comments])
        if found := re.fullmatch(r"/issues/comments/(\d+)", here):
            comment = next(each for each in self.comments if each.id == int(found[1]))
            comment.body = body["body"]
            return self._json(self._comment(comment))
        if here == "/issues/7/labels":
            self.labels |= set(body or []) if method == "POST" else set()
            return self._page(place, query, [{"name": each, "url": f"{self.url}/l"} for each in sorted(self.labels)])
        if here.startswith("/issues/7/labels/") and method == "DELETE":
            self.labels.discard(here.removeprefix("/issues/7/labels/"))
            return self._json([])
        if here.startswith("/labels"):
            name = body["name"] if method == "POST" else here.removeprefix("/labels/")
            self.known_labels |= {name} if method == "POST" else set()
            return (
                self._json({"name": name}) if name in self.known_labels else self._json({"message": "Not Found"}, 404)
            )
        if found := re.fullmatch(r"/actions/workflows/([^/]+)(/runs)?", here):
            if not found[2]:
                return self._json({"id": 1, "url": f"{self.url}{place}", "path": f".github/workflows/{found[1]}"})
            runs = [(number, each) for number, each in enumerate(self.runs) if each.workflow == found[1]]
            # As GitHub does: the filter is the asker's, what comes is not to be trusted blindly.
            return self._json({"total_count": len(runs), "workflow_runs": [self._run(*each) for each in runs]})
        if found := re.fullmatch(r"/actions/runs/(\d+)/artifacts", here):
            run = self.runs[int(found[1])]
            kept = [
                {
                    "id": number,
                    "name": name,
                    "expired": run.expired,
                    "archive_download_url": f"{self.url}{repository}/actions/zip/{found[1]}/{name}",
                }
                for number, name in enumerate(run.artifacts)
            ]
            return self._json({"total_count": len(kept), "artifacts": kept})
        if found := re.fullmatch(r"/actions/zip/(\d+)/(.+)", here):
            return 302, self._store(self.runs[int(found[1])], found[2]), b""
        return self._json({"message": "Not Found"}, 404)

    def _pull(self) -> dict[str, Any]:
        told = {
            "number": 7,
            "url": f"{self.url}/repos/{REPOSITORY}/pulls/7",
            "issue_url": f"{self.url}/repos/{REPOSITORY}/issues/7",
            "head": {"sha": HEAD, "repo": {"full_name": REPOSITORY}},
            "base": {"repo": {"full_name": REPOSITORY}},
            "merge_commit_sha": MERGED,
            "merged_at": "2026-11-26T08:00:00Z",
        }
        return {**told, **self.request}

    def _comment(self, comment: Comment) -> dict[str, Any]:
        url = f"{self.url}/repos/{REPOSITORY}/issues/comments/{comment.id}"
        return {"id": comment.id, "body": comment.body, "user": {"login": comment.author}, "url": url, "html_url": url}

    def _run(self, number: int, run: Run) -> dict[str, Any]:
        url = f"{self.url}/repos/{REPOSITORY}/actions/runs/{number}"
        return {
            "id": number,
            "run_number": number,
            "url": url,
            "html_url": url,
            "artifacts_url": f"{url}/artifacts",
            "head_sha": run.head,
            "event": run.event,
            "conclusion": run.conclusion,
            "head_repository": {"full_name": run.repository},
        }

    # GitLab

    def _gitlab(self, method: str, place: str, query: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        here = place.removeprefix("/api/v4/projects/1")
        if place == "/api/v4/user":
            return self._json({"id": OURS, "username": OURS})
        if here == "/merge_requests/7":
            if method == "PUT":
                self.labels -= set(body["remove_labels"].split(","))
                self.labels.add(body["add_labels"])
            return self._json(self._merge_request())
        if here == f"/repository/commits/{MERGED}/merge_requests":
            return self._page(place, query, [self._merge_request()])
        if found := re.fullmatch(r"/repository/commits/(\w+)", here):
            # A pipeline of merged results runs for a commit that has the head as a parent.
            return self._json({"id": found[1], "parent_ids": [HEAD] if found[1] == "3" * 40 else []})
        if here == "/merge_requests/7/notes":
            if method == "POST":
                return self._json(self._note(self._write(body)), 201)
            return self._page(place, query, [self._note(each) for each in self.comments])
        if found := re.fullmatch(r"/merge_requests/7/notes/(\d+)", here):
            comment = next(each for each in self.comments if each.id == int(found[1]))
            comment.body = body["body"]
            return self._json(self._note(comment))
        if here == "/merge_requests/7/pipelines":
            rows = [{"id": number, "sha": run.head, "project_id": 1} for number, run in enumerate(self.runs)]
            return self._page(place, query, rows[::-1])
        if found := re.fullmatch(r"/pipelines/(\d+)/jobs", here):
            run = self.runs[int(found[1])]
            job = {"id": int(found[1]), "name": run.job, "status": run.conclusion, "web_url": f"{self.url}/jobs/1"}
            return self._page(place, query, [job])
        if found := re.fullmatch(r"/jobs/(\d+)/artifacts/(.+)", here):
            run = self.runs[int(found[1])]
            if found[2] not in run.artifacts or run.expired:
                return self._json({"message": "404 Not Found"}, 404)
            return 302, self._store(run, found[2]), b""
        return self._json({"message": "404 Not Found"}, 404)

    def _merge_request(self) -> dict[str, Any]:
        told = {
            "iid": 7,
            "sha": HEAD,
            "state": "merged",
            "merge_commit_sha": MERGED,
            "squash_commit_sha": None,
            "source_project_id": 1,
            "target_project_id": 1,
            "web_url": f"{self.url}/shop/-/merge_requests/7",
        }
        return {**told, **self.request}

    def _note(self, comment: Comment) -> dict[str, Any]:
        return {"id": comment.id, "body": comment.body, "author": {"id": comment.author}}


@contextmanager
def played_forge() -> Iterator[PlayedForge]:
    """A forge on a port of its own."""
    forge = PlayedForge()

    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, told = forge.respond(
                self.command, self.path, json.loads(body) if body else None, self.headers
            )
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        forge.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield forge
        server.shutdown()

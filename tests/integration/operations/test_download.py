"""Downloads from a storage that breaks, lies, forgets and redirects: whole files under their final names, or none."""

from __future__ import annotations

import io
import logging
import os
import threading
import traceback
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from pulumi_dcs.api.errors import ConnectionFailed, DcsError, ServiceError
from pulumi_dcs.api.files import FileRefused, Files
from pulumi_dcs.api.links import Link, Links
from pulumi_dcs.operations.download import Download
from pulumi_dcs.operations.errors import CancelledError, DownloadFailedError
from pulumi_dcs.operations.file_names import UnsafeNameError
from pulumi_dcs.operations.operation import Operation

from tests.clocks import LeapingClock
from tests.endpoint import CLUSTER, HA, LocalEndpoint
from tests.integration.service import client_at

SIZE = 1_000_000


class Attempt:
    """Downloads of one backup into one folder."""

    def __init__(self, endpoint: LocalEndpoint, folder: Path, instance_id: str = HA) -> None:
        self.endpoint = endpoint
        self.folder = folder
        self.instance_id = instance_id
        self.backup_id = endpoint.add_backup(instance_id)
        endpoint.change_backup(self.backup_id, size=SIZE)
        self.clock = LeapingClock()
        self.told: list[str] = []

    def make_links(self, expiration: int = 300) -> tuple[Link, ...]:
        return Links(client_at(self.endpoint.url)).create(self.instance_id, self.backup_id, expiration=expiration)

    def run(self, make_links: Callable[[], Sequence[Link]] | None = None) -> list[Path]:
        operation = Operation("download", clock=self.clock, timeout=86_400, report_progress=self.told.append)
        backup = f"{self.instance_id}/{self.backup_id}"
        download = Download(make_links or self.make_links, Files(), operation, backup=backup, folder=self.folder)
        return download.run()

    def refused(self, kind: type[DcsError], make_links: Callable[[], Sequence[Link]] | None = None) -> str:
        """The error of a run, in which no link is, nor in anything that a traceback shows."""
        with pytest.raises(kind) as caught:
            self.run(make_links)
        shown = "".join(traceback.format_exception(caught.value)) + "".join(self.told)
        assert "signature" not in shown
        return str(caught.value)

    def content(self) -> list[bytes]:
        """The files' true content."""
        with_faults_gone = [Files().open(link) for link in self.make_links()]
        found = []
        for each in with_faults_gone:
            with each as source:
                found.append(b"".join(source.chunks()))
        return found

    def bytes_there(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.folder.iterdir()) if not path.name.startswith(".")]

    def hidden(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.name.startswith(".")]


@pytest.fixture
def attempt(endpoint: LocalEndpoint, tmp_path: Path) -> Attempt:
    return Attempt(endpoint, tmp_path / "saved" / "deep")


def fault(**what: Any) -> dict[str, Any]:
    return {"operation": "download_file", **what}


def test_one_file(attempt: Attempt) -> None:
    (path,) = attempt.run()
    assert path.parent == attempt.folder
    assert path.suffix == ".rdb"
    assert path.read_bytes() == attempt.content()[0]
    assert path.stat().st_size == SIZE
    assert path.stat().st_mode & 0o777 == 0o600
    assert attempt.hidden() == []
    assert attempt.told[-1] == f"'{path.name}': all 1.0 MB have come, file 1 of 1."


def test_a_file_for_each_shard(endpoint: LocalEndpoint, tmp_path: Path) -> None:
    attempt = Attempt(endpoint, tmp_path, CLUSTER)
    paths = attempt.run()
    assert [path.read_bytes() for path in paths] == attempt.content()
    assert len(paths) == 2
    assert sum(path.stat().st_size for path in paths) == SIZE


def test_what_is_there_is_not_downloaded_again(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    (path,) = attempt.run()
    before = path.stat()
    assert attempt.run() == [path]
    assert path.stat().st_ino == before.st_ino
    assert attempt.hidden() == []


def test_another_file_of_that_name_is_left_alone(attempt: Attempt) -> None:
    (path,) = attempt.run()
    for content in (b"mine", bytes(SIZE)):
        path.write_bytes(content)
        os.utime(path, (0, 0))
        assert "is there already" in attempt.refused(DownloadFailedError)
        assert path.read_bytes() == content


def test_a_link_of_that_name_is_left_alone(attempt: Attempt, tmp_path: Path) -> None:
    (path,) = attempt.run()
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    assert "is there already" in attempt.refused(DownloadFailedError)
    assert not (tmp_path / "elsewhere").exists()


def test_a_broken_connection_is_resumed(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    endpoint.plan(fault(break_after=300_000, times=3))
    (path,) = attempt.run()
    assert path.read_bytes() == attempt.content()[0]
    assert endpoint.count("download_file") == 4 + 1
    assert [row["status"] for row in endpoint.requests("download_file")[:4]] == [200, 206, 206, 206]
    assert any("broke after 300,000 of 1,000,000 bytes" in message for message in attempt.told)


def test_a_dropped_connection_and_a_failing_storage_are_tried_again(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    endpoint.plan(fault(drop=True), fault(status=503), fault(status=500, body="<html>"), fault(status=429))
    (path,) = attempt.run()
    assert path.stat().st_size == SIZE
    assert endpoint.count("download_file") == 5


def test_a_storage_that_stays_down_ends_it_and_the_next_run_goes_on(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    endpoint.plan(fault(break_after=400_000), fault(status=503, times=-1))
    message = attempt.refused(FileRefused)
    assert "HTTP 503" in message
    assert attempt.bytes_there() == []
    (part,) = attempt.hidden()
    assert part.stat().st_size == 400_000
    assert part.stat().st_mode & 0o777 == 0o600
    endpoint.control("DELETE", "/faults")
    endpoint.control("DELETE", "/requests")
    (path,) = attempt.run()
    assert endpoint.requests("download_file")[0]["status"] == 206
    assert endpoint.count("download_file") == 1
    assert path.read_bytes() == attempt.content()[0]
    assert attempt.hidden() == []


def test_a_whole_file_that_was_not_named_yet_needs_one_byte(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_part: Path, _final: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", killed)
        attempt.run()
    assert attempt.bytes_there() == []
    (path,) = attempt.run()
    assert path.read_bytes() == attempt.content()[0]
    # It has the storage's time, and is therefore known again.
    assert attempt.run() == [path]


def test_a_part_that_is_longer_than_the_file_is_begun_again(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    endpoint.plan(fault(break_after=10), fault(status=503, times=-1))
    attempt.refused(FileRefused)
    (part,) = attempt.hidden()
    part.write_bytes(bytes(SIZE + 5))
    endpoint.control("DELETE", "/faults")
    (path,) = attempt.run()
    assert path.read_bytes() == attempt.content()[0]


def test_a_storage_that_can_not_resume_sends_all_of_it(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    endpoint.plan(fault(break_after=300_000), fault(no_range=True))
    (path,) = attempt.run()
    assert [row["status"] for row in endpoint.requests("download_file")] == [200, 200]
    assert path.read_bytes() == attempt.content()[0]


def test_a_storage_that_never_comes_to_the_end_is_given_up(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    endpoint.plan(fault(break_after=300_000, no_range=True, times=-1))
    assert "does not send" in attempt.refused(DownloadFailedError)
    assert attempt.bytes_there() == []
    assert endpoint.count("download_file") == 5


@pytest.mark.parametrize("claimed", [SIZE + 1, SIZE * 3])
def test_a_wrong_size_once_is_found_out(attempt: Attempt, endpoint: LocalEndpoint, claimed: int) -> None:
    endpoint.plan(fault(claimed_size=claimed))
    (path,) = attempt.run()
    assert path.read_bytes() == attempt.content()[0]


def test_a_wrong_size_each_time_is_no_file(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    endpoint.plan(fault(claimed_size=SIZE + 10, times=-1))
    message = attempt.refused(DcsError)
    assert "broke after 1,000,000 of 1,000,010 bytes" in message
    assert attempt.bytes_there() == []


def test_expired_links_are_made_again(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    made = []

    def make_links() -> tuple[Link, ...]:
        made.append(attempt.make_links())
        if len(made) == 1:
            endpoint.behave(clock_offset=301.0)
        return made[-1]

    (path,) = attempt.run(make_links)
    assert path.stat().st_size == SIZE
    assert len(made) == 2
    assert [row["status"] for row in endpoint.requests("download_file")] == [403, 200]


def test_links_that_expire_in_the_middle(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    endpoint.plan(fault(break_after=300_000), fault(status=403))
    (path,) = attempt.run()
    assert path.read_bytes() == attempt.content()[0]
    assert [row["status"] for row in endpoint.requests("download_file")][:3] == [200, 403, 206]


def test_a_link_that_is_never_accepted(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    endpoint.plan(fault(status=403, body="AccessDenied", times=-1))
    message = attempt.refused(FileRefused)
    assert "HTTP 403" in message
    assert endpoint.count("create_links") == 3
    assert endpoint.count("download_file") == 3
    assert attempt.bytes_there() == []


def test_a_backup_that_goes_meanwhile(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    first = attempt.make_links()
    endpoint.remove_backup(attempt.backup_id)
    links = [first]
    message = attempt.refused(ServiceError, lambda: links.pop() if links else attempt.make_links())
    assert "DCS.4031" in message


def test_a_file_that_is_no_longer_listed(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    links = [attempt.make_links(), (Link("other.rdb", "https://127.0.0.1/x"),)]
    endpoint.plan(fault(status=404))
    assert "no longer has the file" in attempt.refused(DownloadFailedError, lambda: links.pop(0))


def test_a_redirect_is_followed(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    endpoint.plan(*[fault(status=307, headers={"Location": attempt.make_links()[0].url})] * 2)
    (path,) = attempt.run()
    assert path.read_bytes() == attempt.content()[0]


def test_a_circle_of_redirects_ends(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    endpoint.plan(fault(status=302, headers={"Location": attempt.make_links()[0].url}, times=-1))
    assert "HTTP 302" in attempt.refused(FileRefused)
    assert endpoint.count("download_file") == 5


@pytest.mark.parametrize(
    "target", ["ftp://127.0.0.1/x?signature=1", "http://192.0.2.1/x?signature=1", "http://[::1", "http://a@b/"]
)
def test_a_redirect_to_where_nothing_may_be_asked(attempt: Attempt, endpoint: LocalEndpoint, target: str) -> None:
    endpoint.plan(fault(status=307, headers={"Location": target}, times=-1))
    assert "not shown" in attempt.refused(DownloadFailedError)


@pytest.mark.parametrize(
    "name",
    [
        "../escape.rdb",
        "..",
        ".",
        "",
        "/etc/passwd",
        "sub/file.rdb",
        "..\\escape.rdb",
        ".hidden",
        "nul\0byte",
        "line\nbreak",
        "back\u202ewards",
        "x" * 201,
        "ü" * 101,
        "lone\ud800surrogate",
    ],
)
def test_a_name_is_data(attempt: Attempt, name: str) -> None:
    url = attempt.make_links()[0].url
    message = attempt.refused(UnsafeNameError, lambda: (Link(name, url),))
    message.encode()
    assert message.replace("\n", "").isprintable()
    assert attempt.bytes_there() == []
    assert sorted(path.name for path in attempt.folder.parent.iterdir()) == ["deep"]


@pytest.mark.parametrize("names", [("a.rdb", "a.rdb"), ("a.rdb", "A.RDB"), ("\u00e9.rdb", "e\u0301.rdb")])
def test_names_that_some_file_systems_take_for_the_same(attempt: Attempt, names: tuple[str, str]) -> None:
    url = attempt.make_links()[0].url
    assert "another file" in attempt.refused(UnsafeNameError, lambda: [Link(name, url) for name in names])
    assert attempt.bytes_there() == []


def test_a_name_beyond_ascii_is_fine(attempt: Attempt) -> None:
    url = attempt.make_links()[0].url
    (path,) = attempt.run(lambda: (Link("Sicherung 发布.rdb", url),))
    assert path.name == "Sicherung 发布.rdb"
    assert attempt.told[-1].startswith("'Sicherung 发布.rdb': all")
    assert path.stat().st_size == SIZE


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:///etc/passwd",
        "http://example.com/x",
        "https://user:word@example.com/x",
        "https://",
        "x:y",
        "https://exa mple.com/x?signature=1",
        "https://example.com:99999/x?signature=1",
        "https://example.com:port/x?signature=1",
        "https://[fe80::1/x?signature=1",
    ],
)
def test_a_link_that_is_none(attempt: Attempt, url: str) -> None:
    message = attempt.refused(DownloadFailedError, lambda: (Link("a.rdb", url),))
    assert "not shown" in message
    assert not url or url not in message


def test_an_unfinished_file_is_never_written_through_a_link(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    endpoint.plan(fault(break_after=10), fault(status=503, times=-1))
    attempt.refused(FileRefused)
    (part,) = attempt.hidden()
    part.unlink()
    victim = attempt.folder.parent / "victim"
    victim.write_bytes(b"")
    part.symlink_to(victim)
    endpoint.control("DELETE", "/faults")
    assert "can't be written" in attempt.refused(DownloadFailedError)
    assert victim.read_bytes() == b""


def test_a_folder_that_is_a_file(attempt: Attempt) -> None:
    attempt.folder.parent.mkdir(parents=True)
    attempt.folder.write_bytes(b"mine")
    assert "can't be written" in attempt.refused(DownloadFailedError)
    assert attempt.folder.read_bytes() == b"mine"


def test_a_full_disk(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("os.fsync", full)
    assert "No space left on device" in attempt.refused(DownloadFailedError)
    assert attempt.bytes_there() == []
    monkeypatch.undo()
    (path,) = attempt.run()
    assert path.read_bytes() == attempt.content()[0]


def test_two_at_once_do_not_write_into_each_other(attempt: Attempt, endpoint: LocalEndpoint) -> None:
    outcomes: list[str] = []

    def second_one() -> tuple[Link, ...]:
        outcomes.append(attempt.refused(DownloadFailedError))
        return attempt.make_links()

    (path,) = attempt.run(second_one)
    assert "is being downloaded" in outcomes[0]
    assert path.read_bytes() == attempt.content()[0]
    assert attempt.hidden() == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, None], ids=["Ctrl-C", "cancelled"])
def test_interrupted_and_run_again(
    attempt: Attempt, endpoint: LocalEndpoint, error: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0
    receive = Operation.check_deadline

    def interrupted(self: Operation) -> None:
        nonlocal count
        count += 1
        if count == 2:
            if error is not None:
                raise error
            raise CancelledError("Cancelled.")
        receive(self)

    monkeypatch.setattr(Operation, "check_deadline", interrupted)
    with pytest.raises(error or CancelledError):
        attempt.run()
    monkeypatch.undo()
    assert attempt.bytes_there() == []
    (part,) = attempt.hidden()
    assert 0 < part.stat().st_size < SIZE
    endpoint.control("DELETE", "/requests")
    (path,) = attempt.run()
    assert endpoint.requests("download_file")[0]["status"] == 206
    assert path.read_bytes() == attempt.content()[0]


def test_no_link_is_logged(attempt: Attempt, endpoint: LocalEndpoint, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint.plan(fault(drop=True), fault(break_after=1000))
    attempt.run()
    assert "create" in caplog.text or "/links" in caplog.text  # urllib3 does log the other requests
    assert "signature" not in caplog.text
    assert "/files/" not in caplog.text


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_a_redirect_never_leaves_tls(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    sent: list[str] = []

    def redirect(_adapter: object, _route: object, url: str, *_rest: object) -> requests.Response:
        sent.append(url)
        response = requests.Response()
        response.status_code = 307
        response.headers["Location"] = "http://127.0.0.1:1/a?signature=1"
        response.raw = io.BytesIO()
        return response

    monkeypatch.setattr("pulumi_dcs.api.files._sent", redirect)
    link = Link("a.rdb", f"{scheme}://storage.example.com/a?signature=1")
    with pytest.raises(ConnectionFailed, match="without TLS"), Files().open(link):
        pass
    assert len(sent) == 1


class Odd(BaseHTTPRequestHandler):
    """A storage with responses that no storage should give."""

    headers_sent: list[tuple[str, str]]
    status = 200
    body = b""

    def do_GET(self) -> None:
        self.send_response(self.status)
        for name, value in self.headers_sent:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (200, [], b"abc", "does not say how long"),
        (200, [("Transfer-Encoding", "chunked")], b"3\r\nabc\r\n0\r\n\r\n", "does not say how long"),
        (200, [("Content-Length", "9" * 5000)], b"abc", ""),
        (200, [("Content-Length", "-3")], b"abc", ""),
        (206, [("Content-Range", "bytes 0-2/3"), ("Content-Length", "3")], b"abc", None),
        (206, [("Content-Range", "bytes 1-2/3"), ("Content-Length", "2")], b"bc", "does not send"),
        (206, [("Content-Length", "3")], b"abc", "does not send"),
        (206, [("Content-Range", "bytes */*"), ("Content-Length", "3")], b"abc", "does not send"),
        (416, [("Content-Range", "bytes */0"), ("Content-Length", "0")], b"", "does not send"),
        (204, [], b"", "HTTP 204"),
        (200, [("Content-Length", "0")], b"", None),
    ],
)
def test_odd_responses(
    attempt: Attempt, status: int, headers: list[tuple[str, str]], body: bytes, said: str | None
) -> None:
    handler = type("Handler", (Odd,), {"status": status, "headers_sent": headers, "body": body})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/a?signature=1"
        if said is None:
            (path,) = attempt.run(lambda: (Link("a.rdb", url),))
            assert path.read_bytes() == body
        else:
            assert said in attempt.refused(DcsError, lambda: (Link("a.rdb", url),))
            assert attempt.bytes_there() == []
        server.shutdown()

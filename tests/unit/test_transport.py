"""One exchange: bounded, never redirected, and clear on whether the request may have arrived."""

from __future__ import annotations

import contextlib
import pickle
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from pulumi_dcs.api import transport
from pulumi_dcs.api.credentials import AccessKey, AuthToken
from pulumi_dcs.api.errors import AuthenticationError, DcsError, NoAnswerError, ServiceError, UnreadableAnswerError

from tests.endpoint import ACCESS_KEY, AUTH_TOKEN, HA, PROJECT_ID, SECRET_KEY, LocalEndpoint

from .service import Heard, raw_server, service_at, take


def answer(head: str, body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {head}\r\nContent-Type: application/json\r\n\r\n".encode() + body


def look(url: str) -> DcsError:
    """The error that one look at the list ends in."""
    service = service_at(url)
    with pytest.raises(DcsError) as caught:
        service._lists.look(Heard(HA, timeout=5.0).operation, patience=0.0)
    return caught.value


@contextlib.contextmanager
def listener(tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[tuple[str, dict[str, str]]]]]:
    """A server with an empty list and a cookie for everybody: its port, and the targets and headers that it heard."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            heard.append((self.path, dict(self.headers)))
            self.send_response(204)
            self.send_header("Set-Cookie", "session=1; Path=/")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, heard
        server.shutdown()


@pytest.mark.row("17")
def test_an_answer_of_a_gigabyte_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 1024 * 1024)
    sent = 0

    def serve(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(answer("200 OK"))
        while sent < 1024**3:
            sent += connection.send(b" " * 65536)

    with raw_server(serve) as url:
        assert isinstance(look(url), UnreadableAnswerError)
    assert sent < 64 * 1024 * 1024


@pytest.mark.row("17")
def test_an_answer_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LONGEST_ANSWER", 0.5)

    def serve(connection: socket.socket) -> None:
        connection.sendall(answer("200 OK"))
        while True:
            connection.sendall(b" ")
            time.sleep(0.05)

    with raw_server(serve) as url:
        error = look(url)
    assert isinstance(error, UnreadableAnswerError)
    assert "the answer was cut off" in str(error)


def test_a_redirect_is_refused_and_named() -> None:
    with raw_server(lambda c: c.sendall(answer("302 Found\r\nLocation: http://elsewhere.example/"))) as url:
        error = look(url)
    assert isinstance(error, ServiceError)
    assert not isinstance(error, UnreadableAnswerError)
    assert "it points to http://elsewhere.example/; redirects are not followed" in str(error)


@pytest.mark.parametrize("partial", [b"", b"HT", b"HTTP/1.1 200 OK\r\nContent-"])
def test_a_connection_that_ends_before_the_answer_may_have_been_heard(partial: bytes) -> None:
    with raw_server(lambda c: c.sendall(partial)) as url:
        error = look(url)
    assert isinstance(error, (NoAnswerError, UnreadableAnswerError))
    assert getattr(error, "sent", True)


def test_what_is_no_http_at_all() -> None:
    with raw_server(lambda c: c.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")) as url:
        error = look(url)
    assert isinstance(error, NoAnswerError)
    assert error.sent


@pytest.mark.row("1")
def test_a_host_that_does_not_exist_was_never_reached() -> None:
    error = look("https://dcs.invalid")
    assert isinstance(error, NoAnswerError)
    assert not error.sent
    assert error.can_pass
    assert "0x" not in str(error)


@pytest.mark.row("1")
def test_a_certificate_that_is_not_trusted_ends_it_at_once() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    connections = 0

    def serve(listener: socket.socket) -> None:
        nonlocal connections
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections += 1
            with connection, contextlib.suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        heard = Heard(HA)
        with pytest.raises(NoAnswerError, match="No trusted connection to DCS") as caught:
            take(service_at(f"https://127.0.0.1:{listener.getsockname()[1]}"), heard)
    assert not caught.value.sent
    assert not caught.value.can_pass
    assert "no backup was begun" in str(caught.value)
    assert connections == 1
    assert not heard.said


def test_certificates_are_trusted_that_the_environment_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with listener(context) as (port, heard):
        assert service_at(f"https://127.0.0.1:{port}").find(Heard(HA).operation, "b") is None
    assert len(heard) == 1


def test_a_proxy_is_asked_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as (port, heard):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "other.invalid")
        assert service_at("http://dcs.invalid").find(Heard(HA).operation, "b") is None
        assert [target.partition("?")[0] for target, _ in heard] == [
            f"http://dcs.invalid/v2/{PROJECT_ID}/instances/{HA}/backups"
        ]
        monkeypatch.setenv("NO_PROXY", "dcs.invalid")
        assert isinstance(look("http://dcs.invalid"), NoAnswerError)
        assert len(heard) == 1


def test_a_cookie_is_not_sent_back() -> None:
    with listener() as (port, heard):
        service = service_at(f"http://127.0.0.1:{port}")
        for _ in range(2):
            assert service.find(Heard(HA).operation, "b") is None
    assert ["Cookie" in headers for _, headers in heard] == [False, False]


def test_a_netrc_file_does_not_replace_the_signature(
    endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert service_at(endpoint.url).find(Heard(HA).operation, "b") is None


def test_a_token_is_as_good_as_a_signature(endpoint: LocalEndpoint) -> None:
    assert service_at(endpoint.url, credentials=AuthToken(AUTH_TOKEN)).find(Heard(HA).operation, "b") is None
    with pytest.raises(AuthenticationError):
        service_at(endpoint.url, credentials=AuthToken("wrong")).find(Heard(HA).operation, "b")


def test_credentials_never_show(endpoint: LocalEndpoint) -> None:
    keys = AccessKey(ACCESS_KEY, SECRET_KEY, "SECURITYTOKEN")
    for credentials in (keys, AuthToken("SECURITYTOKEN")):
        assert not any(secret in repr(credentials) for secret in keys.secrets)
        with pytest.raises(TypeError):
            pickle.dumps(credentials)
    endpoint.plan({"status": 400, "body": f'{{"error_msg": "bad {ACCESS_KEY} and {SECRET_KEY}", "error_code": "X"}}'})
    text = str(look(endpoint.url))
    assert "bad *** and ***" in text
    assert ACCESS_KEY not in text
    assert SECRET_KEY not in text

"""One exchange over real sockets: bounded, never redirected, and clear on whether the request may have arrived."""

from __future__ import annotations

import contextlib
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
from pulumi_dcs.api.backups import Backups
from pulumi_dcs.api.client import Client
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.api.errors import ConnectionFailed, DcsError, ServiceError, UnexpectedResponse
from pulumi_dcs.api.location import Location

from tests.endpoint import PROJECT_ID, port_that_refuses

from .support import INSTANCE, KEYS, client_at, raw_server

LIST = f"/v2/{PROJECT_ID}/instances/{INSTANCE}/backups?limit=1000&offset=0"


def http(head: str, body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {head}\r\nContent-Type: application/json\r\n\r\n".encode() + body


def list_at(url: str) -> None:
    Backups(client_at(url)).list_page(INSTANCE)


def error_at(url: str) -> DcsError:
    """The error that listing the backups ends in."""
    with pytest.raises(DcsError) as caught:
        list_at(url)
    return caught.value


@contextlib.contextmanager
def listener(tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[tuple[str, dict[str, str]]]]]:
    """A server with an empty list and a cookie for everybody: its port, and targets and headers that it received."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            received.append((self.path, dict(self.headers)))
            self.send_response(204)
            self.send_header("Set-Cookie", "session=1; Path=/")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, received
        server.shutdown()


@pytest.mark.row("17")
def test_a_response_of_a_gigabyte_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_RESPONSE_BYTES", 1024 * 1024)
    sent = 0

    def serve(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(http("200 OK"))
        while sent < 1024**3:
            sent += connection.send(b" " * 65536)

    with raw_server(serve) as url:
        assert isinstance(error_at(url), UnexpectedResponse)
    assert sent < 64 * 1024 * 1024


@pytest.mark.row("17")
def test_a_response_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_RESPONSE_SECONDS", 0.5)

    def serve(connection: socket.socket) -> None:
        connection.sendall(http("200 OK"))
        while True:
            connection.sendall(b" ")
            time.sleep(0.05)

    with raw_server(serve) as url:
        error = error_at(url)
    assert isinstance(error, UnexpectedResponse)
    assert "the response was cut off" in str(error)


def test_a_redirect_is_refused_and_named() -> None:
    with raw_server(lambda c: c.sendall(http("302 Found\r\nLocation: http://elsewhere.example/"))) as url:
        error = error_at(url)
    assert isinstance(error, ServiceError)
    assert not isinstance(error, UnexpectedResponse)
    assert "it points to http://elsewhere.example/; redirects are not followed" in str(error)


@pytest.mark.parametrize("partial", [b"", b"HT", b"HTTP/1.1 200 OK\r\nContent-"])
def test_a_connection_that_ends_before_the_response_may_have_brought_the_request(partial: bytes) -> None:
    with raw_server(lambda c: c.sendall(partial)) as url:
        error = error_at(url)
    assert isinstance(error, (ConnectionFailed, UnexpectedResponse))
    assert getattr(error, "sent", True)


@pytest.mark.parametrize("nonsense", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\xff\xfe\r\n\r\n"])
def test_what_is_no_http_at_all(nonsense: bytes) -> None:
    with raw_server(lambda c: c.sendall(nonsense)) as url:
        error = error_at(url)
    assert isinstance(error, ConnectionFailed)
    assert error.sent


@pytest.mark.parametrize(
    "garbage",
    [
        b"Content-Encoding: gzip\r\n\r\nno gzip",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Content-Length: x\r\n\r\n",
    ],
)
def test_a_body_that_can_not_be_read_is_unexpected(garbage: bytes) -> None:
    with raw_server(lambda c: c.sendall(b"HTTP/1.1 200 OK\r\n" + garbage)) as url:
        assert isinstance(error_at(url), (UnexpectedResponse, ConnectionFailed))


def test_a_port_that_refuses() -> None:
    with port_that_refuses() as port:
        error = error_at(f"http://127.0.0.1:{port}")
    assert isinstance(error, ConnectionFailed)
    assert (error.sent, error.is_transient) == (False, True)
    assert str(error) == (
        f"No connection to DCS at http://127.0.0.1:{port}.\n"
        f"  tried to list the backups of instance {INSTANCE}: GET {LIST.partition('?')[0]} in cn-north-4\n"
        "  Connection refused\n"
        "  What to do: check the endpoint, the network and the proxy."
    )


@pytest.mark.row("1")
def test_a_host_that_does_not_exist_was_never_reached() -> None:
    error = error_at("https://dcs.invalid")
    assert isinstance(error, ConnectionFailed)
    assert (error.sent, error.is_transient) == (False, True)
    assert "the host name could not be resolved" in error.facts


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://dcs..myhuaweicloud.com",
        "https://[::zz]",
        f"https://dcs.{'r' * 70}.example",
        "https://",
        "x",
        "https://x:port",
        "https://*.example",
        "https://ex ample",
        "https://xn--a.example\ud800",
        "ftp://x.example",
    ],
)
def test_an_endpoint_that_can_not_exist_is_never_transient(endpoint: str) -> None:
    error = error_at(endpoint)
    assert isinstance(error, ConnectionFailed)
    assert (error.sent, error.is_transient) == (False, False)


@pytest.mark.parametrize("project_id", ["p\nX-Other: 1", "p\u200b", "é", "€"])
def test_a_header_that_can_not_be_sent_is_found_before_the_connection(project_id: str) -> None:
    with listener() as (port, received):
        client = Client(Location(f"http://127.0.0.1:{port}", project_id), lambda: KEYS, SystemClock())
        with pytest.raises(ConnectionFailed, match="the request could not be written") as caught:
            Backups(client).list_page(INSTANCE)
    assert (caught.value.sent, caught.value.is_transient) == (False, False)
    assert not received


@pytest.mark.row("1")
def test_a_certificate_that_is_not_trusted_is_not_tried_again() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with listener(context) as (port, received):
        error = error_at(f"https://127.0.0.1:{port}")
    assert isinstance(error, ConnectionFailed)
    assert error.summary == f"No trusted connection to DCS at https://127.0.0.1:{port}."
    assert (error.sent, error.is_transient) == (False, False)
    assert any(fact.startswith("its certificate is not trusted: ") for fact in error.facts)
    assert not received


def test_plain_http_where_tls_is_expected_was_never_sent() -> None:
    with raw_server(lambda c: c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as url:
        error = error_at(url.replace("http:", "https:"))
    assert isinstance(error, ConnectionFailed)
    assert not error.sent


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_are_trusted_that_the_environment_names(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv(variable, str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with listener(context) as (port, received):
        list_at(f"https://127.0.0.1:{port}")
    assert len(received) == 1


def test_a_proxy_is_asked_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as (port, received):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "other.invalid")
        list_at("http://dcs.invalid")
        assert [target for target, _ in received] == [f"http://dcs.invalid{LIST}"]
        monkeypatch.setenv("NO_PROXY", "dcs.invalid")
        assert isinstance(error_at("http://dcs.invalid"), ConnectionFailed)
        assert len(received) == 1


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY", "http_proxy"])
def test_what_goes_to_this_machine_goes_through_no_proxy(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as (proxy_port, through_proxy), listener() as (port, received):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy_port}")
        for host in ("127.0.0.1", "localhost"):
            list_at(f"http://{host}:{port}")
    assert (len(through_proxy), len(received)) == (0, 2)


def test_a_cookie_is_not_sent_back() -> None:
    with listener() as (port, received):
        backups = Backups(client_at(f"http://127.0.0.1:{port}"))
        for _ in range(2):
            backups.list_page(INSTANCE)
    assert ["Cookie" in headers for _, headers in received] == [False, False]


def test_nothing_is_sent_twice() -> None:
    connections = 0

    def serve(connection: socket.socket) -> None:
        nonlocal connections
        connections += 1
        connection.sendall(b"HT")

    with raw_server(serve) as url, pytest.raises(DcsError):
        Backups(client_at(url)).create(INSTANCE)
    assert connections == 1

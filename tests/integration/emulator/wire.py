"""Requests to the endpoint's process, sent as they are: no client changes their headers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from tests.endpoint import PROJECT_ID, LocalEndpoint
from tests.unit.emulator.signing import Headers, date_of, signed

INSTANCES = f"/v2/{PROJECT_ID}/instances"


def send(
    endpoint: LocalEndpoint, method: str, target: str, headers: Headers, body: bytes = b"", *, chunked: bool = False
) -> tuple[int, Any]:
    """Send exactly these headers, and what the body's length needs; the status and the document that came back."""
    connection = HTTPConnection(urlsplit(endpoint.url).netloc, timeout=30)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value.encode())
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders(pieces(body), encode_chunked=True)
        else:
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
        response: HTTPResponse = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None
    finally:
        connection.close()


def call(endpoint: LocalEndpoint, method: str, path: str, document: Any = None) -> tuple[int, Any]:
    """A request as a well-behaved client makes it."""
    body = b"" if document is None else json.dumps(document).encode()
    headers = [("Host", host_of(endpoint)), ("X-Sdk-Date", date_of(time.time()))]
    return send(endpoint, method, path, signed(method, path, headers, body, names=["host", "x-sdk-date"]), body)


def host_of(endpoint: LocalEndpoint) -> str:
    return urlsplit(endpoint.url).netloc


def pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 7):
        yield body[start : start + 7]

"""The API layer as its tests use it: clients, clocks, a transport that sends nothing, a server that does anything."""

from __future__ import annotations

import json
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pulumi_dcs.api.client import Client
from pulumi_dcs.api.clock import Clock, SystemClock
from pulumi_dcs.api.credentials import AccessKey, Credentials
from pulumi_dcs.api.location import Location
from pulumi_dcs.api.transport import Request, Response, Transport
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict

from tests.endpoint import ACCESS_KEY, HA, PROJECT_ID, REGION, SECRET_KEY

KEYS = AccessKey(ACCESS_KEY, SECRET_KEY)
INSTANCE = HA


def client_at(url: str, *, credentials: Credentials = KEYS, clock: Clock | None = None) -> Client:
    return Client(Location(url, PROJECT_ID, REGION), lambda: credentials, clock or SystemClock())


def response(status: int = 200, body: Any = b"", **headers: str) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, CaseInsensitiveDict(named), content)


class Service:
    """Takes the transport's place: keeps what is sent, responds as planned."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.auths: list[AuthBase] = []
        self.responses: list[Response | Exception] = []

    def plan(self, *responses: Response | Exception) -> None:
        self.responses += responses

    def exchange(self, request: Request, auth: AuthBase, *, attempt: str = "") -> Response:
        self.requests.append(request)
        self.auths.append(auth)
        found = self.responses.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()
    monkeypatch.setattr(
        Transport,
        "exchange",
        lambda _, request, auth, *, attempt="": service.exchange(request, auth, attempt=attempt),
    )
    return service


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does with each connection whatever ``serve`` does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=respond, args=(connection,), daemon=True).start()

        def respond(connection: socket.socket) -> None:
            with connection:
                try:
                    connection.recv(65536)
                    serve(connection)
                except OSError:
                    pass

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def chain_text(error: BaseException | None) -> str:
    """Everything that a traceback, a log or a debugger's line could show of an error."""
    parts: list[str] = []
    seen: set[int] = set()
    if error is not None:
        parts += traceback.format_exception(error)
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        parts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(parts)

"""The endpoint without a process: its application called directly, at a clock that stands still until it is moved."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from pulumi_dcs.emulator.app import create_app
from pulumi_dcs.emulator.signatures import Accepted
from pulumi_dcs.emulator.store import Store
from pulumi_dcs.emulator.world import Behaviour, World

from tests.endpoint import ACCESS_KEY, HA, PROJECT_ID, REGION, SECRET_KEY

from .signing import Headers, date_of, signed

HOST = "127.0.0.1:1"
INSTANCES = f"/v2/{PROJECT_ID}/instances"
START = 1_557_477_076.166
"""2019-05-10T08:31:16.166Z, from the documentation's sample."""


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        return self.status, self.json()["error_code"]


@dataclass
class Local:
    """One endpoint."""

    accepted: Accepted = field(default_factory=lambda: Accepted(ACCESS_KEY, SECRET_KEY))
    now: float = START
    world: World = field(init=False)
    app: FastAPI = field(init=False)

    def __post_init__(self) -> None:
        store = Store(":memory:", PROJECT_ID, lambda: self.now)
        self.world = World(store, self.accepted, PROJECT_ID, (REGION,), Behaviour(duration=60.0))
        self.app = create_app(self.world)

    def behave(self, **changes: Any) -> None:
        self.control("PATCH", "/behaviour", changes)

    def control(self, method: str, path: str, document: Any = None) -> Any:
        response = self.try_control(method, path, document)
        assert response.status == 200, response.body
        return response.json()

    def try_control(self, method: str, path: str, document: Any = None) -> Response:
        path, _, query = path.partition("?")
        body = b"" if document is None else json.dumps(document).encode()
        return self.send(method, f"/control{path}", [("Content-Type", "application/json")], body, query)

    def call(self, method: str, path: str, document: Any = None, *, host: str = HOST, **query: Any) -> Response:
        """A request as a well-behaved client makes it."""
        body = b"" if document is None else json.dumps(document).encode()
        pairs = sorted((name, str(value)) for name, value in query.items())
        text = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
        headers = [("Host", host), ("X-Sdk-Date", date_of(self.world.store.now()))]
        headers = signed(method, path, headers, body, names=["host", "x-sdk-date"], query=text)
        return self.send(method, path, headers, body, text)

    def back_up(self, instance_id: str = HA, **document: Any) -> str:
        response = self.call("POST", f"{INSTANCES}/{instance_id}/backups", document)
        assert response.status == 200, response.body
        backup_id: str = response.json()["backup_id"]
        return backup_id

    def backups(self, instance_id: str = HA, **query: Any) -> Response:
        return self.call("GET", f"{INSTANCES}/{instance_id}/backups", **query)

    def ids(self, instance_id: str = HA) -> list[str]:
        response = self.backups(instance_id)
        return [] if response.status == 204 else [row["backup_id"] for row in response.json()["backup_record_response"]]

    def show(self, instance_id: str = HA) -> Any:
        return self.call("GET", f"{INSTANCES}/{instance_id}").json()

    def send(
        self, method: str, path: str, headers: Headers | None = None, body: bytes = b"", query: str = ""
    ) -> Response:
        """Send exactly this."""
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers or []],
            "scheme": "http",
            "server": ("127.0.0.1", 1),
            "http_version": "1.1",
        }
        asyncio.run(self.app(scope, receive, send))
        received = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Response(sent[0]["status"], received, b"".join(part.get("body", b"") for part in sent[1:]))

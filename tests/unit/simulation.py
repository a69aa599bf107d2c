"""A whole world in one thread: the provider, the local endpoint's own routes, an engine's bookkeeping, virtual time.

Everything is the real thing but four: sockets (requests go to the endpoint's application directly), time (a sleep
moves the clock), the engine (:class:`Stack` keeps the state as Pulumi does), and death (:class:`Killed`).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import requests
from fastapi import FastAPI
from google.protobuf import json_format, struct_pb2
from pulumi.dynamic import Config, ConfigureRequest
from pulumi_dcs.api.clock import Cancelled
from pulumi_dcs.api.errors import DcsError, NoAnswerError
from pulumi_dcs.api.transport import Answer, Request, Transport
from pulumi_dcs.emulator.app import create_app
from pulumi_dcs.emulator.faults import Fault
from pulumi_dcs.emulator.signatures import Accepted
from pulumi_dcs.emulator.store import Store
from pulumi_dcs.emulator.world import Behaviour, World
from pulumi_dcs.engine.host import Ability, Call, Host, PropertyChange, Severity
from pulumi_dcs.instance_backup.lifecycle import Lifecycle

from tests.endpoint import ACCESS_KEY, PROJECT_ID, REGION, SECRET_KEY

ENDPOINT: Final = "http://127.0.0.1:1"
CONFIGURATION: Final = {
    "dcs:accessKey": ACCESS_KEY,
    "dcs:secretKey": SECRET_KEY,
    "dcs:endpoint": ENDPOINT,
    "dcs:region": REGION,
    "dcs:projectId": PROJECT_ID,
}


class Killed(BaseException):
    """``kill -9``: nothing after it runs."""


class VirtualClock:
    """Time that passes by sleeping only, and a little with every request."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.is_cancelled = False

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        if self.is_cancelled:
            raise Cancelled
        self.now += max(0.0, seconds)

    def cancel(self) -> None:
        self.is_cancelled = True


class SimulatedHost(Host):
    """The host as the provider sees it, without a process."""

    def __init__(self) -> None:
        self.urn = ""
        self.timeout: float | None = None
        self.partial: tuple[str, dict[str, Any]] | None = None
        self.told: list[str] = []
        self.inputs_before: Mapping[str, Any] | None = None
        super().__init__(lambda: None, lambda: None)

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset(Ability)

    def call(self) -> Call:
        return Call(self.urn, self.timeout)

    def fail(self, message: str) -> None:
        self.told.append(message)

    def fail_partially(self, message: str, resource_id: str, outputs: struct_pb2.Struct) -> None:
        self.told.append(message)
        self.partial = (resource_id, json_format.MessageToDict(outputs))

    def old_inputs(self) -> Mapping[str, Any] | None:
        return self.inputs_before

    def set_detailed_diff(self, changes: Mapping[str, PropertyChange], outputs: frozenset[str] = frozenset()) -> None:
        pass

    def show(self, urn: str, message: str) -> None:
        pass

    def tell(self, urn: str, message: str, severity: Severity) -> None:
        self.told.append(message)


@dataclass
class Resource:
    """What the state holds of a resource."""

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    has_init_errors: bool = False


@dataclass
class Service:
    """The endpoint, and what happens to requests on their way to it."""

    clock: VirtualClock
    world: World = field(init=False)
    app: FastAPI = field(init=False)
    before: Callable[[Request], None] = lambda _: None
    after: Callable[[Request], None] = lambda _: None

    def __post_init__(self) -> None:
        store = Store(":memory:", PROJECT_ID, self.clock.time)
        self.world = World(store, Accepted(ACCESS_KEY, SECRET_KEY), PROJECT_ID, (REGION,), Behaviour(duration=60.0))
        self.app = create_app(self.world)

    def exchange(self, transport: Transport, request: Request) -> Answer:
        """What ``Transport.exchange`` does, without the sockets."""
        prepared = requests.Request(
            request.method,
            ENDPOINT + request.path,
            params=list(request.query),
            data=json.dumps(dict(request.body)).encode() if request.body is not None else None,
            headers={"Content-Type": "application/json"} if request.body is not None else {},
            auth=transport._auth,
        ).prepare()
        self.clock.now += 0.05
        self.before(request)
        sent: list[Any] = []
        lost = False
        try:
            asyncio.run(self._serve(prepared, sent))
        except ConnectionAbortedError:
            lost = True
        self.clock.now += 0.05
        self.after(request)
        if lost or not sent:
            raise NoAnswerError("The connection was lost before an answer came.", sent=True)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        body = b"".join(part.get("body", b"") for part in sent[1:])
        return Answer(sent[0]["status"], requests.structures.CaseInsensitiveDict(headers), body)

    async def _serve(self, prepared: requests.PreparedRequest, sent: list[Any]) -> None:
        url = urlsplit(prepared.url or "")
        body = prepared.body if isinstance(prepared.body, bytes) else b""
        headers = [(name.lower().encode(), str(value).encode()) for name, value in prepared.headers.items()]
        if "host" not in {name.lower() for name in prepared.headers}:
            headers.append((b"host", url.netloc.encode()))

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        class Aborting:
            def abort(self) -> None:
                raise ConnectionAbortedError

        scope = {
            "type": "http",
            "method": prepared.method,
            "path": url.path,
            "raw_path": url.path.encode(),
            "query_string": urlencode(sorted(_pairs(url.query))).encode(),
            "headers": headers,
            "scheme": "http",
            "server": ("127.0.0.1", 1),
            "state": {"pulumi_dcs.transport": Aborting()},
            "http_version": "1.1",
        }
        await self.app(scope, receive, send)


def _pairs(query: str) -> list[tuple[str, str]]:
    return [tuple(pair.split("=", 1)) for pair in query.split("&") if pair]  # type: ignore[misc]


class Stack:
    """A stack's state, and an engine that works on it as Pulumi does: check, diff, then what follows from it."""

    def __init__(self, service: Service, home: Path, name: str, configuration: Mapping[str, str] | None = None) -> None:
        self.name: Final = name
        self.state: dict[str, Resource] = {}
        self.pending_delete: list[tuple[str, Resource]] = []
        self._service = service
        self._home = home
        self._configuration = {**CONFIGURATION, **(configuration or {})}
        self.told: list[str] = []

    @property
    def backup_ids(self) -> list[str]:
        """The backups that the state holds."""
        everything = [*self.state.values(), *(resource for _, resource in self.pending_delete)]
        return [resource.id.rpartition("/")[2] for resource in everything]

    def urn(self, name: str) -> str:
        return f"urn:pulumi:{self.name}::shop::pulumi-python:dynamic/dcs:InstanceBackup::{name}"

    def up(self, declared: Mapping[str, Mapping[str, Any]], *, timeout: float | None = None) -> bool:
        """Bring the state to what is declared; whether that succeeded. A kill leaves the state as it is then."""
        provider, host = self._start()
        self._service.clock.is_cancelled = False
        is_good = True
        for name, inputs in declared.items():
            host.urn, host.timeout, host.partial = self.urn(name), timeout, None
            try:
                self._apply(provider, host, dict(inputs))
            except DcsError:
                is_good = False
        if is_good:
            is_good = self._delete_the_rest(provider, host, declared)
        provider.session.close()
        return is_good

    def refresh(self) -> bool:
        """Look what has become of everything; whether that succeeded."""
        provider, host = self._start()
        for urn, resource in list(self.state.items()):
            host.urn, host.timeout, host.inputs_before = urn, None, resource.inputs
            try:
                result = provider.read(resource.id, resource.outputs)
            except DcsError:
                return False
            if not result.id:
                del self.state[urn]
            else:
                self.state[urn] = Resource(resource.id, result.inputs or resource.inputs, result.outs or {})
        provider.session.close()
        return True

    def _start(self) -> tuple[Lifecycle, SimulatedHost]:
        host = SimulatedHost()
        host.told = self.told
        environment = {"PULUMI_HOME": str(self._home), "PULUMI_BACKEND_URL": f"sim://{self.name}"}
        configuration = Config(self._configuration, "shop")
        provider = Lifecycle(
            ConfigureRequest(configuration),
            clock=self._service.clock,
            host=host,
            environment=environment,
            held_backups=lambda *_: frozenset(self.backup_ids),
        )
        return provider, host

    def _apply(self, provider: Lifecycle, host: SimulatedHost, declared: dict[str, Any]) -> None:
        old = self.state.get(host.urn)
        checked = provider.check(old.inputs if old else {}, declared)
        assert not checked.failures, checked.failures
        inputs = checked.inputs
        if old is None:
            self._create(provider, host, inputs, None)
            return
        host.inputs_before = old.inputs
        diff = provider.diff(old.id, old.outputs, inputs)
        if diff.replaces:
            self._create(provider, host, inputs, old)
        elif diff.changes or old.has_init_errors:
            try:
                outs = provider.update(old.id, old.outputs, inputs).outs or {}
            except DcsError:
                if host.partial:
                    self.state[host.urn] = Resource(old.id, inputs, host.partial[1], has_init_errors=True)
                raise
            self.state[host.urn] = Resource(old.id, inputs, outs)
        else:
            self.state[host.urn] = Resource(old.id, inputs, old.outputs)

    def _create(self, provider: Lifecycle, host: SimulatedHost, inputs: dict[str, Any], old: Resource | None) -> None:
        try:
            result = provider.create(inputs)
        except DcsError:
            if host.partial:
                self.state[host.urn] = Resource(host.partial[0], inputs, host.partial[1], has_init_errors=True)
                if old is not None:
                    self.pending_delete.append((host.urn, old))
            raise
        self.state[host.urn] = Resource(result.id, inputs, result.outs or {})
        if old is not None:
            self.pending_delete.append((host.urn, old))

    def _delete_the_rest(self, provider: Lifecycle, host: SimulatedHost, declared: Mapping[str, Any]) -> bool:
        wanted = {self.urn(name) for name in declared}
        for urn in [urn for urn in self.state if urn not in wanted]:
            self.pending_delete.append((urn, self.state.pop(urn)))
        for urn, resource in list(self.pending_delete):
            host.urn, host.timeout = urn, None
            try:
                provider.delete(resource.id, resource.outputs)
            except DcsError:
                return False
            self.pending_delete.remove((urn, resource))
        return True


LOST: Final = (
    {"drop": True},
    {"status": 500, "body": '{"error_code": "DCS.5010", "error_msg": "Failed to operate"}'},
    {"status": 502, "body": "<html>Bad gateway</html>"},
    {"status": 200, "body": "{}"},
    {"status": 504},
)
REFUSED: Final = (
    {"status": 400, "body": '{"error_code": "DCS.4111", "error_msg": "Restarting"}'},
    {"status": 429, "headers": {"Retry-After": "7"}},
    {"status": 403, "body": '{"error_code": "DCS.0005", "error_msg": "No"}'},
    {"status": 400, "body": "nonsense"},
)
OPERATIONS: Final = ("create_backup", "create_backup", "create_backup", "list_backups", "delete_backup")


def random_fault(source: random.Random) -> Fault:
    """Something that goes wrong once or a few times."""
    operation = source.choice(OPERATIONS)
    details: dict[str, Any] = dict(source.choice(LOST if source.random() < 0.7 else REFUSED))
    is_lost = details in LOST
    return Fault(
        operation=operation,
        times=source.choice((1, 1, 2, 3)),
        skip=source.choice((0, 0, 0, 1, 3)),
        carried_out=is_lost and source.random() < 0.5,
        **details,
    )


def numbered(prefix: str) -> Callable[[], str]:
    """Names that are never the same."""
    numbers = itertools.count()
    return lambda: f"{prefix}{next(numbers)}"

"""A whole world in one thread: the provider, the local endpoint's own routes, an engine's bookkeeping, virtual time.

Everything is the real thing but four: sockets (requests go to the endpoint's application directly), time (a sleep moves
the clock), the engine (:class:`Stack` keeps and saves the state as Pulumi does), and death (:class:`Killed`).
"""

from __future__ import annotations

import asyncio
import copy
import json
import random
import sqlite3
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from fastapi import FastAPI
from pulumi_dcs.api.clock import Cancelled
from pulumi_dcs.api.errors import ConnectionFailed
from pulumi_dcs.api.transport import Request, Response, Transport
from pulumi_dcs.emulator.app import create_app
from pulumi_dcs.emulator.faults import Fault
from pulumi_dcs.emulator.signatures import Accepted
from pulumi_dcs.emulator.store import Store
from pulumi_dcs.emulator.world import Behaviour, World
from pulumi_dcs.engine.errors import DiagnosticError, ResourceInitFailedError
from pulumi_dcs.engine.requests import (
    CheckRequest,
    CreateRequest,
    DeleteRequest,
    DiffRequest,
    ProgramFacts,
    Provider,
    ReadRequest,
    UpdateRequest,
)
from pulumi_dcs.engine.stack_state import PendingCreate, StackState, StackStateUnavailable, StateResource
from pulumi_dcs.instance_backup.lifecycle import Lifecycle
from pulumi_dcs.session import Session
from requests.auth import AuthBase

from tests.endpoint import ACCESS_KEY, HA, PROJECT_ID, REGION, SECRET_KEY

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


class SaveFailed(Exception):
    """The engine could not write the state, and ends the run."""


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


class Messages:
    """The engine's log."""

    def __init__(self) -> None:
        self.lasting: list[str] = []

    def report_progress(self, urn: str, message: str) -> None:
        pass

    def info(self, urn: str, message: str) -> None:
        self.lasting.append(message)

    def warn(self, urn: str, message: str) -> None:
        self.lasting.append(message)


@dataclass
class Service:
    """The endpoint, and what happens to requests on their way to it."""

    clock: VirtualClock
    world: World = field(init=False)
    app: FastAPI = field(init=False)
    before: Callable[[Request], None] = lambda _: None
    after: Callable[[Request], None] = lambda _: None
    is_killed: bool = False

    def __post_init__(self) -> None:
        store = Store(":memory:", PROJECT_ID, self.clock.time)
        self.world = World(store, Accepted(ACCESS_KEY, SECRET_KEY), PROJECT_ID, (REGION,), Behaviour(duration=60.0))
        self.app = create_app(self.world)

    def serve(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have every request of this process served here."""

        def exchange(_: Transport, request: Request, auth: AuthBase, *, attempt: str = "") -> Response:
            return self.exchange(request, auth, attempt)

        monkeypatch.setattr(Transport, "exchange", exchange)

    def exchange(self, request: Request, auth: AuthBase, attempt: str) -> Response:
        """What ``Transport.exchange`` does, without the sockets."""
        prepared = requests.Request(
            request.method,
            ENDPOINT + request.path,
            params=list(request.query),
            data=json.dumps(dict(request.body)).encode() if request.body is not None else None,
            headers={"Content-Type": "application/json"} if request.body is not None else {},
            auth=auth,
        ).prepare()
        self.clock.now += 0.05
        self._call(self.before, request)
        sent: list[Any] = []
        lost = False
        try:
            asyncio.run(self._serve(prepared, sent))
        except ConnectionAbortedError:
            lost = True
        self.clock.now += 0.05
        self._call(self.after, request)
        if lost or not sent:
            raise ConnectionFailed("The connection was lost before a response came.", sent=True, facts=[attempt])
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        body = b"".join(part.get("body", b"") for part in sent[1:])
        return Response(sent[0]["status"], requests.structures.CaseInsensitiveDict(headers), body)

    def _call(self, hook: Callable[[Request], None], request: Request) -> None:
        try:
            hook(request)
        except Killed:
            self.is_killed = True
            raise

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


@dataclass
class Resource:
    """What the state holds of a resource."""

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    has_init_errors: bool = False
    is_pending_replacement: bool = False
    is_tainted: bool = False

    @property
    def is_retained(self) -> bool:
        """Whether the engine leaves it at the service when it goes."""
        return bool(self.inputs.get("retain_on_delete"))

    @property
    def backup_id(self) -> str:
        return self.id.rpartition("/")[2]


@dataclass
class State:
    """A stack's state, in the engine's memory or saved."""

    resources: dict[str, Resource] = field(default_factory=dict)
    pending_deletes: list[tuple[str, Resource]] = field(default_factory=list)
    pending_creates: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def all(self) -> list[tuple[str, Resource, bool]]:
        """Each resource with its URN, and whether it is about to be deleted."""
        living = [(urn, resource, False) for urn, resource in self.resources.items()]
        return [*living, *((urn, resource, True) for urn, resource in self.pending_deletes)]

    @property
    def backup_ids(self) -> list[str]:
        return [resource.backup_id for _, resource, _ in self.all()]


class Stack:
    """A stack, and an engine that works on it as Pulumi does: check, diff, then what follows from it.

    Attributes:
        saved: the state as it is on disk.
        home: Pulumi's home: another one is another machine.
        is_readable: whether the engine's command line can export the state.
        exports: how often it has.
        saves_left: after how many saves they fail; None for never.
        retries: how often a failed create is tried again at once, as an ``on_error`` hook has it.
        outlives_its_host: whether the engine lives on when the provider is killed, and saves that the create failed.
        current: the URN of the resource that is being created.
        organization: the stack's; empty where the backend has none.
        lifecycle: of the kind of resource that it declares.
        resource_type: that kind, as URNs have it.
        previewed: inputs of that kind.
    """

    lifecycle: Callable[[Session], Provider] = Lifecycle
    resource_type = "InstanceBackup"
    previewed: Mapping[str, Any] = MappingProxyType({"instance_id": HA})

    def __init__(
        self,
        service: Service,
        home: Path,
        name: str,
        configuration: Mapping[str, str] | None = None,
        *,
        backend: str = "",
    ) -> None:
        self.name: Final = name
        self.saved = State()
        self.home = home
        self.is_readable = True
        self.exports = 0
        self.saves_left: int | None = None
        self.retries = 0
        self.outlives_its_host = False
        self.messages = Messages()
        self.errors: list[str] = []
        self.current = ""
        self.organization = ""
        self.backend = backend or f"sim://{name}"
        self._export: StackState | None = None
        self._service = service
        self._configuration = {**CONFIGURATION, **(configuration or {})}

    @property
    def backup_ids(self) -> list[str]:
        """The backups that the saved state holds."""
        return self.saved.backup_ids

    def urn(self, name: str) -> str:
        return f"urn:pulumi:{self.name}::shop::pulumi-python:dynamic/dcs:{self.resource_type}::{name}"

    def read(self, urn: str, organization: str = "", *, not_before: float = 0.0) -> StackState:
        """What the engine's command line exports (see ``engine.stack_state``)."""
        if not self.is_readable:
            raise StackStateUnavailable("no such command")
        if organization != self.organization:
            raise StackStateUnavailable(f"no stack of {organization!r}")
        if self._export is None or self._export.started_at < not_before:
            self._export = self._read()
            self.exports += 1
            self._service.clock.now += 0.5
        return self._export

    def _read(self) -> StackState:
        saved = self.saved
        return StackState(
            tuple(
                StateResource(
                    urn,
                    resource.id,
                    resource.inputs,
                    resource.outputs,
                    is_pending_delete=is_old,
                    retains_on_delete=resource.is_retained,
                )
                for urn, resource, is_old in saved.all()
            ),
            tuple(PendingCreate(urn, inputs) for urn, inputs in saved.pending_creates),
            self._service.clock.monotonic(),
        )

    def up(
        self,
        declared: Mapping[str, Mapping[str, Any]],
        *,
        timeout: float | None = None,
        refreshes: bool = False,
        replaced: Collection[str] = (),
        deleted_first: Collection[str] = (),
    ) -> bool:
        """Bring the state to what is declared; whether that succeeded. A kill leaves the saved state as it is then.

        Args:
            refreshes: ``--refresh``.
            replaced: the resources that ``--replace`` names, or that are tainted.
            deleted_first: those with the option ``delete_before_replace``.
        """

        def command(engine: Engine) -> bool:
            engine.replaced = {self.urn(name) for name in replaced}
            engine.deleted_first = {self.urn(name) for name in deleted_first}
            return (not refreshes or engine.refresh()) and engine.up(declared, timeout)

        return self._run(command)

    def destroy(self) -> bool:
        """Delete everything, without running the program."""
        return self._run(lambda engine: engine.up({}, None))

    def refresh(self) -> bool:
        """Look what has become of everything; whether that succeeded."""
        return self._run(lambda engine: engine.refresh())

    def clear_pending_creates(self) -> None:
        """``pulumi refresh --clear-pending-creates``, after a preview has named what is left."""
        self.preview()
        self.saved.pending_creates.clear()

    def preview(self) -> bool:
        """Preview a new resource."""
        return self._run(lambda engine: engine.preview())

    def _run(self, command: Callable[[Engine], bool]) -> bool:
        self.messages.lasting.clear()
        self.errors.clear()
        self._service.clock.is_cancelled = False
        self._service.is_killed = False
        self._export = None
        environment = {"PULUMI_HOME": str(self.home), "PULUMI_BACKEND_URL": self.backend}
        session = Session(
            self._configuration,
            self.messages,
            clock=self._service.clock,
            environment=environment,
            stack_states=self,
        )
        # No process holds the run's lock: this one lives on when a run is killed.
        session.journal._hold_run_lock = lambda: None  # type: ignore[method-assign]
        write = session.journal._database.transaction

        def transaction() -> AbstractContextManager[sqlite3.Connection]:
            if self._service.is_killed:
                raise Killed
            return write()

        session.journal._database.transaction = transaction  # type: ignore[method-assign, assignment]
        engine = Engine(self, type(self).lifecycle(session))
        try:
            is_good = command(engine)
        except SaveFailed:
            return False
        except Killed:
            if self.outlives_its_host:
                engine.end_without_host()
            raise
        session.close()
        return is_good


class Engine:
    """One run of the engine."""

    def __init__(self, stack: Stack, provider: Provider) -> None:
        self._stack = stack
        self._provider = provider
        self._state = copy.deepcopy(stack.saved)
        self._earlier = list(stack.saved.pending_creates)
        self._own: list[tuple[str, dict[str, Any]]] = []
        self._program = ProgramFacts(organization=stack.organization)
        self.replaced: set[str] = set()
        self.deleted_first: set[str] = set()

    def up(self, declared: Mapping[str, Mapping[str, Any]], timeout: float | None) -> bool:
        is_good = True
        for name, inputs in declared.items():
            is_good = self._apply(self._stack.urn(name), dict(inputs), timeout) and is_good
        return is_good and self._delete_the_rest({self._stack.urn(name) for name in declared})

    def preview(self) -> bool:
        self._check(self._stack.urn("preview"), {}, self._stack.previewed)
        return True

    def end_without_host(self) -> None:
        """Save that the create which was under way has failed, and so made nothing."""
        self._own.clear()
        self._save()

    def refresh(self) -> bool:
        for urn, resource in list(self._state.resources.items()):
            try:
                response = self._provider.read(ReadRequest(urn, resource.id, resource.outputs, resource.inputs))
            except DiagnosticError as error:
                self._stack.errors.append(error.message)
                return False
            if response.id:
                inputs = dict(response.inputs) if response.inputs is not None else resource.inputs
                self._state.resources[urn] = replace(resource, inputs=inputs, outputs=dict(response.properties))
            else:
                del self._state.resources[urn]
            self._save()
        return True

    def _save(self) -> None:
        """Write the state, as the engine does before and after each step."""
        if self._stack.saves_left is not None:
            if self._stack.saves_left <= 0:
                raise SaveFailed
            self._stack.saves_left -= 1
        saved = copy.deepcopy(self._state)
        saved.pending_creates = [*self._own, *self._earlier]
        self._stack.saved = saved

    def _apply(self, urn: str, declared: dict[str, Any], timeout: float | None) -> bool:
        old = self._state.resources.get(urn)
        try:
            is_forced = old is not None and (urn in self.replaced or old.is_tainted)
            inputs = self._check(urn, old.inputs if old and not is_forced else {}, declared)
            if old is None:
                return self._create(urn, inputs, None, timeout)
            if is_forced:
                return self._replace(urn, inputs, old, timeout)
            diff = self._provider.diff(DiffRequest(urn, old.id, old.inputs, old.outputs, inputs))
        except DiagnosticError as error:
            self._stack.errors.append(error.message)
            return False
        if old.is_pending_replacement or any(kind.replaces for kind in diff.changes.values()):
            return self._replace(urn, self._check(urn, {}, declared), old, timeout)
        if diff.has_changes or old.has_init_errors:
            return self._update(urn, inputs, old, timeout)
        self._state.resources[urn] = Resource(old.id, inputs, old.outputs)
        self._save()
        return True

    def _replace(self, urn: str, inputs: dict[str, Any], old: Resource, timeout: float | None) -> bool:
        if urn in self.deleted_first and not old.is_pending_replacement:
            if not old.is_retained:
                try:
                    self._provider.delete(DeleteRequest(urn, old.id, old.outputs, old.inputs))
                except DiagnosticError as error:
                    self._stack.errors.append(error.message)
                    return False
            # The engine keeps it in the state until the new one is there.
            old.is_pending_replacement = True
            self._save()
        return self._create(urn, inputs, old, timeout)

    def _check(self, urn: str, old_inputs: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
        response = self._provider.check(CheckRequest(urn, old_inputs, declared, self._program))
        assert not response.failures, response.failures
        return dict(response.inputs)

    def _create(self, urn: str, inputs: dict[str, Any], old: Resource | None, timeout: float | None) -> bool:
        self._stack.current = urn
        self._own.append((urn, inputs))
        self._save()
        failure: Exception | None = None
        for _ in range(1 + self._stack.retries):
            failure = None
            try:
                response = self._provider.create(CreateRequest(urn, inputs, timeout))
            except (DiagnosticError, ResourceInitFailedError) as error:
                failure = error
                self._stack.errors.append(error.message)
            else:
                break
        self._own.remove((urn, inputs))
        if failure is None:
            self._state.resources[urn] = Resource(response.id, inputs, dict(response.properties))
        elif isinstance(failure, ResourceInitFailedError):
            properties = dict(failure.properties)
            self._state.resources[urn] = Resource(failure.id, inputs, properties, has_init_errors=True)
        is_replaced = old is not None and not isinstance(failure, DiagnosticError)
        if old is not None and is_replaced and not old.is_pending_replacement:
            self._state.pending_deletes.append((urn, old))
        self._save()
        return failure is None

    def _update(self, urn: str, inputs: dict[str, Any], old: Resource, timeout: float | None) -> bool:
        request = UpdateRequest(urn, old.id, old.inputs, old.outputs, inputs, timeout)
        try:
            self._state.resources[urn] = Resource(old.id, inputs, dict(self._provider.update(request).properties))
        except DiagnosticError as error:
            self._stack.errors.append(error.message)
            return False
        except ResourceInitFailedError as error:
            self._stack.errors.append(error.message)
            kept = Resource(old.id, inputs, dict(error.properties), has_init_errors=True)
            self._state.resources[urn] = kept
            self._save()
            return False
        self._save()
        return True

    def _delete_the_rest(self, wanted: set[str]) -> bool:
        for urn in [urn for urn in self._state.resources if urn not in wanted]:
            self._state.pending_deletes.append((urn, self._state.resources.pop(urn)))
            if self._state.pending_deletes[-1][1].is_pending_replacement:
                self._state.pending_deletes.pop()
        for urn, resource in list(self._state.pending_deletes):
            if not resource.is_retained:
                try:
                    self._provider.delete(DeleteRequest(urn, resource.id, resource.outputs, resource.inputs))
                except DiagnosticError as error:
                    self._stack.errors.append(error.message)
                    self._save()
                    return False
            self._state.pending_deletes.remove((urn, resource))
            self._save()
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
CONTRADICTION: Final = {"status": 200, "body": '{"total_num": 3, "backup_record_response": []}'}
OPERATIONS: Final = ("create_backup", "create_backup", "create_backup", "list_backups", "delete_backup")


def random_fault(source: random.Random) -> Fault:
    """Something that goes wrong once or a few times."""
    operation = source.choice(OPERATIONS)
    details: dict[str, Any] = dict(source.choice(LOST if source.random() < 0.7 else REFUSED))
    if operation == "list_backups" and source.random() < 0.4:
        details = dict(CONTRADICTION)
    is_lost = details in LOST
    return Fault(
        operation=operation,
        times=source.choice((1, 1, 2, 3, 12 if operation == "list_backups" else 4)),
        skip=source.choice((0, 0, 0, 1, 3)),
        carried_out=is_lost and source.random() < 0.5,
        **details,
    )

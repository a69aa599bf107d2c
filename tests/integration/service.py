"""The API layer as tests use it: a service at the local endpoint, and a raw socket server for what no endpoint does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pulumi_dcs.api.client import Place
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.api.credentials import AccessKey, Credentials
from pulumi_dcs.api.parsing import BackupFormat
from pulumi_dcs.operations.operation import Operation
from pulumi_dcs.operations.ownership import Claims, Ledger
from pulumi_dcs.operations.service import BackupService

from tests.endpoint import ACCESS_KEY, PROJECT_ID, REGION, SECRET_KEY

KEYS = AccessKey(ACCESS_KEY, SECRET_KEY)


def service_at(
    url: str, *, credentials: Credentials = KEYS, claims: Claims | None = None, clock: SystemClock | None = None
) -> BackupService:
    place = Place(url, PROJECT_ID, REGION)
    return BackupService(place, lambda: credentials, clock or SystemClock(), claims or Claims())


def fast_service_at(url: str) -> BackupService:
    return service_at(url, clock=FastClock())


class FastClock(SystemClock):
    """Ten seconds of the API layer's patience pass in one."""

    def monotonic(self) -> float:
        return super().monotonic() * 10

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 10)


class LeapingClock(SystemClock):
    """Time passes in sleeps only, which take none, and when it is set; what is signed has the right date."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Heard:
    """An operation on an instance, and everything it said."""

    def __init__(self, instance_id: str, *, timeout: float = 30.0, clock: SystemClock | None = None) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []
        self.operation = Operation(
            f"back up instance {instance_id}",
            instance_id=instance_id,
            clock=clock or SystemClock(),
            timeout=timeout,
            say=self.said.append,
            warn=self.warned.append,
        )


def take(
    service: BackupService,
    heard: Heard,
    remark: str = "",
    backup_format: BackupFormat | None = None,
    *,
    ledger: Ledger | None = None,
    mark: str = "",
) -> str:
    """Take a backup as a create does."""
    return service.take(heard.operation, service.ownership(remark, backup_format, ledger=ledger, mark=mark))


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
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        def answer(connection: socket.socket) -> None:
            with connection:
                try:
                    connection.recv(65536)
                    serve(connection)
                except OSError:
                    pass

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"

"""Backups as the tests of operations use them: a service at the local endpoint."""

from __future__ import annotations

from pulumi_dcs.api.backup_format import BackupFormat
from pulumi_dcs.api.client import Client
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.api.credentials import AccessKey, Credentials
from pulumi_dcs.api.location import Location
from pulumi_dcs.operations.operation import Operation
from pulumi_dcs.operations.ownership import Attempt, Evidence, Unrecorded
from pulumi_dcs.resources.backups import BackupService, WantedBackup

from tests.clocks import FastClock
from tests.endpoint import ACCESS_KEY, HA, PROJECT_ID, REGION, SECRET_KEY

KEYS = AccessKey(ACCESS_KEY, SECRET_KEY)


def client_at(url: str, *, credentials: Credentials = KEYS, clock: SystemClock | None = None) -> Client:
    return Client(Location(url, PROJECT_ID, REGION), lambda: credentials, clock or SystemClock())


def service_at(url: str, *, credentials: Credentials = KEYS, clock: SystemClock | None = None) -> BackupService:
    return BackupService(client_at(url, credentials=credentials, clock=clock))


def fast_service_at(url: str) -> BackupService:
    return service_at(url, clock=FastClock())


class Reported:
    """An operation, and everything it has reported."""

    def __init__(self, *, timeout: float = 30.0, clock: SystemClock | None = None) -> None:
        self.progress: list[str] = []
        self.warnings: list[str] = []
        self.operation = Operation(
            "back up the instance",
            clock=clock or SystemClock(),
            timeout=timeout,
            report_progress=self.progress.append,
            warn=self.warnings.append,
        )


class Uninterrupted:
    """A saved state without interrupted creates."""

    def evidence(self, enough: int) -> Evidence:
        return Evidence()


def create(
    service: BackupService,
    reported: Reported,
    remark: str = "",
    backup_format: BackupFormat | None = None,
    *,
    instance_id: str = HA,
    attempt: Attempt | None = None,
) -> str:
    """Have a backup started as a create does; its id."""
    return service.create(
        reported.operation,
        instance_id,
        WantedBackup(remark, backup_format),
        attempt=attempt or Unrecorded(),
        saved_state=Uninterrupted(),
    )

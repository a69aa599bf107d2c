"""What one host process works with: settings, services by place, time; made once, when the host is configured."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from importlib import metadata
from typing import Any, Final

from .api import retries
from .api.client import DcsClient, Place
from .api.clock import CancellableClock, SystemClock
from .api.errors import DcsError, SettingsError
from .config.settings import Settings
from .engine.host import Ability, Host, Severity
from .engine.stack_state import HeldBackups, held_backups
from .operations.operation import Operation
from .operations.ownership import Claims
from .operations.service import BackupService
from .recovery.journal import Journal

CREATE_TIMEOUT: Final = 30 * 60.0
DELETE_TIMEOUT: Final = 10 * 60.0
READ_TIMEOUT: Final = 2 * 60.0


class Session:
    """Shared by all requests that one host process serves.

    Args:
        configuration: the stack's configuration, by full key.
        clock: the time that it lives in; the system's by default.
        host: the host's process; this one by default.
        environment: the environment's variables; this process's by default.
        held_backups: tells what the state of a URN's stack holds; asks the engine's command line by default.
    """

    def __init__(
        self,
        configuration: Mapping[str, Any],
        *,
        clock: CancellableClock | None = None,
        host: Host | None = None,
        environment: Mapping[str, str] = os.environ,
        held_backups: HeldBackups = held_backups,
    ) -> None:
        self.settings: Final = Settings(configuration, environment)
        self.clock: Final = clock or SystemClock()
        self.host: Final = host or Host(on_cancel=self.clock.cancel, on_close=self.close)
        # An entry needs a resource to belong to, and to be dropped when the engine has ended well.
        is_of_use = {Ability.CALLS, Ability.ENGINE_WATCH} <= self.host.abilities
        self.journal: Final = Journal.of_environment(environment, self._warn, is_kept=is_of_use)
        self._held_backups = held_backups
        self.organization = ""
        """The stack's, once a resource of the program has told it; empty where there is none."""
        self.claims: Final = Claims()
        self.adopted: Final = Claims()
        self._version = _version()
        if self.settings.is_debugging:
            in_force = ", ".join(sorted(ability.name for ability in self.host.abilities))
            self.host.tell(self.host.call().urn, f"pulumi-dcs {self._version}, abilities: {in_force}", Severity.INFO)
        self._lock = threading.Lock()
        self._services: dict[Place, BackupService] = {}
        self._projects: dict[str, str | DcsError] = {}
        self._previewed: set[str] = set()
        self.is_out_of_reach = False
        """Whether a preview has found the service out of reach: it says so once, and asks no more."""

    def service(self, region: str, project_id: str) -> BackupService:
        """The backups of a project in a region; empty texts where the settings shall tell.

        Raises:
            DcsError: a setting is missing, or the project could not be found out.
        """
        region = region or self.settings.region
        project_id = project_id or self.project_id(region)
        place = Place(self.settings.endpoint(region), project_id, region)
        with self._lock:
            if place not in self._services:
                self._services[place] = BackupService(
                    place, self.settings.credentials(), self.clock, self.claims, self._version
                )
            return self._services[place]

    def project_id(self, region: str) -> str:
        """The configured project, or the one that IAM knows by the region's name.

        Raises:
            DcsError: there is none, there are several, or IAM could not be asked.
        """
        configured = self.settings.project_id
        if configured:
            return configured
        with self._lock:
            if region not in self._projects:
                try:
                    self._projects[region] = self._look_up_project(region)
                except DcsError as error:
                    self._projects[region] = error
            found = self._projects[region]
        if isinstance(found, DcsError):
            raise found
        return found

    def held_backups(self, urn: str) -> frozenset[str] | None:
        """The backups in the state of the URN's stack; None where that could not be found out."""
        return self._held_backups(urn, self.organization)

    def note_preview(self, urn: str, *, is_dry_run: bool) -> None:
        """Note whether what is asked of a resource now is for a preview; only check is told."""
        with self._lock:
            (self._previewed.add if is_dry_run else self._previewed.discard)(urn)

    def is_previewed(self, urn: str) -> bool:
        """Whether what is asked of a resource is for a preview."""
        with self._lock:
            return urn in self._previewed

    def operation(self, name: str, instance_id: str, timeout: float) -> Operation:
        """An operation of the request that this thread serves; a custom timeout goes before the given one."""
        call = self.host.call()
        return Operation(
            name,
            instance_id=instance_id,
            clock=self.clock,
            timeout=call.timeout or timeout,
            say=lambda message: self.host.show(call.urn, message),
            warn=lambda message: self.host.tell(call.urn, message, Severity.WARNING),
        )

    def _warn(self, message: str) -> None:
        self.host.tell(self.host.call().urn, message, Severity.WARNING)

    def close(self) -> None:
        """The engine ends the host's process in good order."""
        self.journal.close()

    def _look_up_project(self, region: str) -> str:
        advice = "set dcs:projectId, HUAWEICLOUD_SDK_PROJECT_ID or HW_PROJECT_ID to the project's id."
        if not region:
            raise SettingsError("No project id for DCS, and no region to look it up by.", advice=advice)
        iam = DcsClient(
            Place(self.settings.iam_endpoint(region), "", region),
            self.settings.credentials(),
            self.clock,
            self._version,
        )
        operation = Operation(f"look up the project of {region} at IAM", instance_id="", clock=self.clock, timeout=30.0)
        try:
            found = retries.read(operation, lambda: iam.find_project(operation, region), patience=10.0)
        except DcsError as error:
            error.add_fact("looked up because neither project_id nor dcs:projectId nor a variable gives it")
            raise
        if len(found) != 1:
            many = f"several projects ({', '.join(found)})" if found else "no project"
            raise SettingsError(f"IAM knows {many} named {region!r}.", advice=advice)
        return found[0]


def _version() -> str:
    try:
        return metadata.version("pulumi-dcs")
    except metadata.PackageNotFoundError:
        return "0"

"""One client per location, made when it is first needed; also for programs, which have no engine."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import Future
from typing import Final

from .api import retries
from .api.client import Client
from .api.clock import CancellableClock
from .api.credentials import CredentialSource
from .api.errors import DcsError
from .api.location import Location
from .api.projects import Projects
from .config.errors import SettingsError
from .config.location import resolve_location
from .config.settings import Settings

PROJECT_RETRY_TIMEOUT: Final = 10.0
"""Seconds for which IAM is asked again for a project's id: everything waits for it, and a setting spares it."""

_PROJECT_ADVICE: Final = (
    "set dcs:projectId, huaweicloud:projectId, HUAWEICLOUD_SDK_PROJECT_ID or HW_PROJECT_ID to the project's id."
)


class Clients:
    """The clients of one process, for any number of threads.

    Args:
        version: this package's, for the User-Agent.
    """

    def __init__(self, settings: Settings, clock: CancellableClock, version: str = "0") -> None:
        self.settings: Final = settings
        self.clock: Final = clock
        self._version = version
        self._lock = threading.Lock()
        self._clients: dict[Location, Client] = {}
        self._credentials: CredentialSource | None = None
        self._projects: dict[str, Future[str]] = {}

    def client(self, region: str = "", project_id: str = "") -> Client:
        """The client for a project in a region; empty texts where the settings decide.

        Raises:
            SettingsError: a setting is missing, or can't be used.
            DcsError: the project's id could not be found out.
        """
        location = self.location(region, project_id)
        with self._lock:
            if (found := self._clients.get(location)) is not None:
                return found
        credentials = self._shared_credentials()
        with self._lock:
            if location not in self._clients:
                self._clients[location] = Client(location, credentials, self.clock, self._version)
            return self._clients[location]

    def location(self, region: str = "", project_id: str = "") -> Location:
        """Where the requests for a project in a region go; empty texts where the settings decide."""
        return resolve_location(self.settings, region, project_id, find_project=self._find_project)

    def project_id(self, region: str, *, retry_timeout: float = PROJECT_RETRY_TIMEOUT) -> str:
        """The configured project, or the one that IAM knows by the region's name.

        Args:
            retry_timeout: for how many seconds IAM is asked again if it fails to respond; 0 for one try.

        Raises:
            DcsError: there is none, there are several, or IAM could not be asked.
        """
        return self.settings.project_id or self._find_project(region, retry_timeout)

    def _shared_credentials(self) -> CredentialSource:
        """One source for all clients, so that temporary keys are renewed once."""
        if self._credentials is None:
            self._credentials = self.settings.credentials()
        return self._credentials

    def _find_project(self, region: str, retry_timeout: float = PROJECT_RETRY_TIMEOUT) -> str:
        """Asked once per region: whoever comes meanwhile waits for the same response, and shares a failure."""
        with self._lock:
            future = self._projects.get(region)
            is_first = future is None
            if future is None:
                future = self._projects[region] = Future()
        if is_first:
            try:
                future.set_result(self._ask_iam(region, retry_timeout))
            except BaseException as error:
                future.set_exception(error)
        failure = future.exception()
        if isinstance(failure, DcsError):
            # A copy for each: a raised exception carries its own traceback.
            raise copy.copy(failure)
        return future.result()

    def _ask_iam(self, region: str, retry_timeout: float) -> str:
        if not region:
            raise SettingsError("No project id for DCS, and no region to look it up by.", advice=_PROJECT_ADVICE)
        location = Location(self.settings.iam_endpoint(region), "", region)
        iam = Client(location, self._shared_credentials(), self.clock, self._version, service="IAM")
        projects = Projects(iam)
        try:
            found = retries.read(
                lambda: projects.ids_named(region),
                clock=self.clock,
                pause=self.clock.sleep,
                retry_timeout=retry_timeout,
            )
        except DcsError as error:
            raise error.with_facts(
                "looked up because no setting names the project's id", advice=f"{error.advice} Or {_PROJECT_ADVICE}"
            ) from error
        if len(found) != 1:
            many = f"{len(found)} projects ({', '.join(found)})" if found else "no project"
            raise SettingsError(f"IAM knows {many} of the name {region}.", advice=_PROJECT_ADVICE)
        return found[0]

"""Asks the service what a reviewer wants to know of each instance: two requests for each, with a read-only key."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from ..api import retries
from ..api.backups import BackupRecord, Backups
from ..api.clock import SystemClock
from ..api.errors import DcsError
from ..api.instances import Instance, Instances
from ..clients import Clients
from ..config.settings import Settings
from ..operations.operation import Operation
from ..operations.record_cache import RecordCache, Snapshot
from ..session import version
from .changes import Location

_TIMEOUT: Final = 15.0
"""Seconds for each request with its retries: the report is worth more than one more fact in it."""
_SIDE_BY_SIDE: Final = 8
"""Instances that are asked about at the same time; the client's own pace keeps to the service's limit."""


@dataclass(frozen=True)
class InstanceFacts:
    """What the service says of an instance.

    Attributes:
        instance: None where it could not be asked.
        backups: None where they were not asked for, or could not be listed.
        trouble: why something is missing; empty where nothing is.
    """

    instance: Instance | None = None
    backups: Snapshot[BackupRecord] | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Known:
    """What could be found out.

    Attributes:
        instances: by location.
        trouble: why nothing could be asked at all, such as missing credentials; empty where it could.
    """

    instances: Mapping[Location, InstanceFacts]
    trouble: str = ""

    def of(self, location: Location) -> InstanceFacts:
        """What is known of one."""
        return self.instances.get(location, InstanceFacts())


def ask(
    locations: Iterable[Location], configuration: Mapping[str, Any], environment: Mapping[str, str], *, backups: bool
) -> Known:
    """Ask about each instance; what can't be found out is said in its place.

    Args:
        configuration: the stack's, by full key.
        environment: the process's.
        backups: whether to list the backups too; else only the instance is shown.
    """
    wanted = list(dict.fromkeys(location for location in locations if location.instance_id))
    if not wanted:
        return Known({})
    settings = Settings(configuration, environment)
    clients = Clients(settings, SystemClock(), version())
    try:
        settings.credentials()
    except DcsError as error:
        return Known({}, str(error))
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        found = pool.map(lambda location: _ask_one(clients, location, backups=backups), wanted)
        return Known(dict(zip(wanted, found, strict=True)))


def stack_configuration(stack: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """The stack's configuration, secrets included; empty where it can't be read: the environment may suffice."""
    done = subprocess.run(
        ["pulumi", "config", "--stack", stack, "--json", "--show-secrets", "--non-interactive"],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return {}
    return {key: each.get("value") for key, each in found.items()} if isinstance(found, dict) else {}


def _ask_one(clients: Clients, location: Location, *, backups: bool) -> InstanceFacts:
    instance, snapshot = None, None
    try:
        client = clients.client(location.region, location.project_id)
        showing = Operation("show an instance", clock=clients.clock, timeout=_TIMEOUT)
        instance = retries.read(
            lambda: Instances(client, showing.pause).show(location.instance_id),
            clock=clients.clock,
            pause=showing.pause,
            retry_timeout=_TIMEOUT,
        )
        if backups:
            listing = Operation("list backups", clock=clients.clock, timeout=_TIMEOUT)
            cache = RecordCache[BackupRecord](lambda pause: Backups(client, pause))
            snapshot = cache.list(listing, location.instance_id)
    except DcsError as error:
        return InstanceFacts(instance, None, error.summary)
    trouble = ""
    if snapshot is not None and not snapshot.is_complete:
        trouble = "The list of backups contradicts its own total; backups may be missing here."
    return InstanceFacts(instance, snapshot, trouble)

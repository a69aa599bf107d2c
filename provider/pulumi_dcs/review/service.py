"""Asks the service what a reviewer wants to know of each instance: two requests for each, with a read-only key."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final

from ..api import retries
from ..api.backups import BackupRecord, Backups
from ..api.client import Client
from ..api.clock import SystemClock, in_words
from ..api.errors import DcsError, ServiceError
from ..api.instances import Instance, Instances
from ..clients import Clients
from ..config.settings import Settings
from ..operations.operation import Operation
from ..operations.probe import Probe
from ..operations.record_cache import RecordCache, Snapshot
from ..version import version
from .changes import Location
from .sentence import listed, plain

_BUDGET: Final = 120.0
"""Seconds for all questions together: a service that takes long for each must not keep the report from reviewers."""
_TIMEOUT: Final = 15.0
"""Seconds for each request with its retries: the report is worth more than one more fact in it."""
_CONTRADICTORY: Final = "The list of its backups contradicts its own total, so that some may be missing."
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
        troubles: why nothing, or nothing more, could be asked, such as missing credentials.
    """

    instances: Mapping[Location, InstanceFacts]
    troubles: tuple[str, ...] = ()

    def of(self, location: Location) -> InstanceFacts:
        """What is known of one."""
        return self.instances.get(location, InstanceFacts())


def ask(
    locations: Iterable[Location], configuration: Mapping[str, Any], environment: Mapping[str, str], *, backups: bool
) -> Known:
    """Ask about each instance; what can't be found out is said in its place.

    Where a region's service is out of reach, or the key may not ask there, it is asked no more. Nor is any after
    ``_BUDGET`` seconds.

    Args:
        configuration: the stack's, by full key.
        environment: the process's.
        backups: whether to list the backups too; else only the instance is shown.
    """
    wanted = list(dict.fromkeys(location for location in locations if location.instance_id))
    if not wanted:
        return Known({})
    clients = Clients(Settings(configuration, environment), SystemClock(), version())
    inquiry = _Inquiry(clients, {location.region for location in wanted}, lists=backups)
    try:
        inquiry.clients.settings.credentials()
    except DcsError as error:
        return Known({}, (str(error),))
    found, late = inquiry.ask_all(wanted)
    troubles = list(dict.fromkeys(inquiry.troubles))
    if late:
        troubles.append(
            f"DCS responds too slowly: after {in_words(_BUDGET)} it was not asked any further. "
            f"Not everything is known of {plain(listed(late))}."
        )
    return Known(found, tuple(troubles))


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


class _Inquiry:
    """Asks about one instance after another.

    Args:
        regions: those of the instances.
        lists: whether the backups are listed too.
    """

    def __init__(self, clients: Clients, regions: Iterable[str], *, lists: bool) -> None:
        self.clients: Final = clients
        self.troubles: Final[list[str]] = []
        self._shown: dict[Location, Instance] = {}
        self._lists = lists
        # One for each right that a key may lack, and for each region: another one may well respond.
        self._showing = {region: Probe() for region in regions}
        self._listing = {region: Probe() for region in regions}

    def ask_all(self, wanted: Iterable[Location]) -> tuple[dict[Location, InstanceFacts], list[str]]:
        """What there is to know of each instance, and the ids of those of which time has left something out."""
        futures = {location: Future[InstanceFacts]() for location in wanted}
        waiting = SimpleQueue[Location]()
        for location in futures:
            waiting.put(location)
        for _ in range(min(_SIDE_BY_SIDE, len(futures))):
            # Daemons, and no pool, whose threads the interpreter would wait for at its end: a request can hang in them.
            threading.Thread(target=self._work, args=(waiting, futures), daemon=True).start()
        done, late = wait(futures.values(), _BUDGET)
        for future in late:
            future.cancel()
        found = {
            location: future.result() if future in done else InstanceFacts(self._shown.get(location))
            for location, future in futures.items()
        }
        return found, [location.instance_id for location, future in futures.items() if future in late]

    def _work(self, waiting: SimpleQueue[Location], futures: Mapping[Location, Future[InstanceFacts]]) -> None:
        while True:
            try:
                location = waiting.get_nowait()
            except Empty:
                return
            future = futures[location]
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._ask(location))
            except BaseException as error:
                future.set_exception(error)

    def _ask(self, location: Location) -> InstanceFacts:
        instance, snapshot = None, None
        try:
            instance = self._showing[location.region].ask(lambda: self._show(location), self._note)
            if instance is not None:
                self._shown[location] = instance
            if self._lists:
                snapshot = self._listing[location.region].ask(lambda: self._list(location), self._note)
        except ServiceError as error:
            return InstanceFacts(instance, None, error.summary)
        is_doubtful = snapshot is not None and not snapshot.is_complete
        return InstanceFacts(instance, snapshot, _CONTRADICTORY if is_doubtful else "")

    def _show(self, location: Location) -> Instance:
        operation = self._operation("show an instance")
        instances = Instances(self._client(location), operation.pause)
        return retries.read(
            lambda: instances.show(location.instance_id),
            clock=operation.clock,
            pause=operation.pause,
            retry_timeout=_TIMEOUT,
        )

    def _list(self, location: Location) -> Snapshot[BackupRecord]:
        client = self._client(location)
        cache = RecordCache[BackupRecord](lambda pause: Backups(client, pause))
        return cache.list(self._operation("list backups"), location.instance_id)

    def _client(self, location: Location) -> Client:
        return self.clients.client(location.region, location.project_id)

    def _operation(self, name: str) -> Operation:
        return Operation(name, clock=self.clients.clock, timeout=_TIMEOUT)

    def _note(self, error: DcsError) -> None:
        self.troubles.append(str(error))

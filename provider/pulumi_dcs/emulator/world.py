"""Everything one running endpoint holds: its store, its behaviour, its faults, and a log of the requests."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from .behaviour import Behaviour
from .faults import FaultPlan
from .signatures import Accepted
from .store import Store

__all__ = ["Behaviour", "LoggedRequest", "World"]

LOGGED_REQUESTS: Final = 100_000
"""Requests that the log keeps: more than the largest benchmark makes."""


@dataclass
class LoggedRequest:
    """One request that came in; its status is None until the response is made, which a planned delay puts off."""

    at: float
    operation: str
    instance_id: str
    status: int | None = None
    project_id: str = ""


@dataclass
class World:
    """What the routes work on."""

    store: Store
    accepted: Accepted
    project_id: str
    regions: tuple[str, ...]
    behaviour: Behaviour = field(default_factory=Behaviour)
    faults: FaultPlan = field(default_factory=FaultPlan)
    import_passwords: dict[str, str | None] = field(default_factory=dict)
    """The targets' passwords that imports were given, by task: in memory only."""
    requests: deque[LoggedRequest] = field(default_factory=lambda: deque(maxlen=LOGGED_REQUESTS))
    _window: deque[float] = field(default_factory=deque)

    def projects(self) -> list[tuple[str, str]]:
        """Id and name of every project; the name is a region's, or begins with it (``cn-north-4_shop``)."""
        return [*((self.project_id, region) for region in self.regions), *self.store.projects()]

    def serves(self, project_id: str, host: str) -> bool:
        """Whether the project is one of the region that this value of the Host header stands for."""
        region = self.behaviour.regions_by_host.get(host.partition(":")[0])
        if region is None:
            return True
        return any(
            known == project_id and (name == region or name.startswith(f"{region}_")) for known, name in self.projects()
        )

    def is_over_limit(self) -> bool:
        """Whether this request is one too many for the last second."""
        limit = self.behaviour.rate_limit
        if limit <= 0:
            return False
        now = time.monotonic()
        while self._window and self._window[0] <= now - 1.0:
            self._window.popleft()
        if len(self._window) >= limit:
            return True
        self._window.append(now)
        return False

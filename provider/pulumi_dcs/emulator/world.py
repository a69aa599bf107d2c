"""Everything one running endpoint holds: its store, its faults, its limits, and a log of the requests."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, Field

from .faults import FaultPlan
from .signatures import Accepted
from .store import Store

LOGGED_REQUESTS: Final = 100_000


class Behaviour(BaseModel):
    """How the endpoint behaves; each can be changed while it runs."""

    duration: float = Field(2.0, description="seconds that a backup takes")
    failure: str = Field("", description="the error code with which new backups fail; empty for none")
    clock_offset: float = Field(0.0, description="seconds by which the endpoint's clock is ahead")
    rate_limit: int = Field(0, description="requests per second before 429; 0 for no limit")
    list_lag: float = Field(0.0, description="seconds before a new backup shows in the list")
    times_without_zone: bool = Field(False, description="write times as 2019-05-10 08:31:16")


@dataclass
class LoggedRequest:
    """One request that came in; its status is None until it is answered, which a planned delay puts off."""

    at: float
    operation: str
    instance_id: str
    status: int | None = None


@dataclass
class World:
    """What the routes work on."""

    store: Store
    accepted: Accepted
    project_id: str
    regions: tuple[str, ...]
    behaviour: Behaviour = field(default_factory=Behaviour)
    faults: FaultPlan = field(default_factory=FaultPlan)
    requests: deque[LoggedRequest] = field(default_factory=lambda: deque(maxlen=LOGGED_REQUESTS))
    _window: deque[float] = field(default_factory=deque)

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

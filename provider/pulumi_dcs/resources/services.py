"""One service for each project and region, for all that use it: they share its lists and its pace."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..api.client import Client
from ..api.location import Location
from ..clients import Clients
from ..session import Session

if TYPE_CHECKING:
    from typing_extensions import Self

S = TypeVar("S")


class Services(ABC, Generic[S]):
    """The services of one kind, made when they are first needed; from any number of threads."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._lock = threading.Lock()
        self._services: dict[Location, S] = {}

    @classmethod
    def of_session(cls, session: Session) -> Self:
        """Make those of a provider process; to be shared by ``session.shared``."""
        return cls(session.clients)

    @abstractmethod
    def make(self, client: Client) -> S:
        """Make the service of one project in one region."""

    def at(self, region: str, project_id: str) -> S:
        """The service of a project in a region; empty texts where the settings shall tell.

        Raises:
            SettingsError: a setting is missing, or can't be used.
            DcsError: the project's id could not be found out.
        """
        return self.through(self._clients.client(region, project_id))

    def of(self, properties: Mapping[str, Any]) -> S:
        """The service of the project and region that inputs or outputs name."""
        return self.at(str(properties.get("region") or ""), str(properties.get("project_id") or ""))

    def through(self, client: Client) -> S:
        """The service where that client speaks to."""
        with self._lock:
            if client.location not in self._services:
                self._services[client.location] = self.make(client)
            return self._services[client.location]

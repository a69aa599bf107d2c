"""The key analyses of one project in one region: what the operations need to know of them as records."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from ..api.client import Client
from ..api.key_analyses import AnalysisRecord, KeyAnalyses
from ..api.location import Location
from ..clients import Clients
from ..operations.delete import Delete
from ..operations.operation import Operation
from ..operations.polling import PollingPool
from ..operations.record_cache import RecordCache
from ..operations.records import RecordKind
from ..operations.wait import Wait
from ..session import Session

KIND: Final = RecordKind(
    noun="key analysis",
    waiting="waiting for its keys to be counted",
    running="counting keys",
    done="keys counted",
    failures=lambda _: "a cause that the API does not document",
    under_way="under way",
)


class AnalysisService:
    """The key analyses of one project in one region, from any number of threads.

    Args:
        client: speaks to the service there.
    """

    def __init__(self, client: Client) -> None:
        self.client: Final = client
        self.cache: Final = RecordCache[AnalysisRecord](lambda pause: KeyAnalyses(client, pause))
        self._pool = PollingPool(lambda: client.spacing)

    def wait(self, operation: Operation, instance_id: str, task_id: str) -> AnalysisRecord:
        """Wait until the analysis has succeeded (see ``operations.wait``)."""
        return Wait(KIND, self.cache, self._pool, operation, instance_id=instance_id, record_id=task_id).run()

    def delete(self, operation: Operation, instance_id: str, task_id: str) -> None:
        """Delete the analysis; the backup stays (see ``operations.delete``)."""
        client = self.client
        Delete(
            KIND,
            self.cache,
            lambda pause: KeyAnalyses(client, pause),
            operation,
            instance_id=instance_id,
            record_id=task_id,
        ).run()


class AnalysisServices:
    """The key analyses of each project and region, one service for all that use it: they share its lists and pace."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._lock = threading.Lock()
        self._services: dict[Location, AnalysisService] = {}

    @classmethod
    def of_session(cls, session: Session) -> AnalysisServices:
        """Make those of a provider process; to be shared by ``session.shared``."""
        return cls(session.clients)

    def of(self, properties: Mapping[str, Any]) -> AnalysisService:
        """The analyses of the project and region that inputs or outputs name.

        Raises:
            SettingsError: a setting is missing, or can't be used.
            DcsError: the project's id could not be found out.
        """
        client = self._clients.client(str(properties.get("region") or ""), str(properties.get("project_id") or ""))
        with self._lock:
            return self._services.setdefault(client.location, AnalysisService(client))

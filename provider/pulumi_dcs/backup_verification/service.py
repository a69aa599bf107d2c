"""The key analyses of one project in one region: what the operations need to know of the service's tasks as records."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..api.client import Client
from ..api.key_analysis import AnalysisTask, KeyAnalyses, KeyAnalysis
from ..operations.create_once import CreateOnce
from ..operations.delete import Delete
from ..operations.operation import Operation
from ..operations.ownership import Evidence, Unrecorded
from ..operations.polling import PollingPool
from ..operations.record_cache import RecordCache
from ..operations.records import RecordKind
from ..operations.wait import Wait
from ..resources.services import Services

KIND: Final = RecordKind(
    noun="key analysis task",
    waiting="waiting for the backup to be read",
    running="reading the backup through",
    done="read through",
    failures=lambda _: "",
    under_way="under way",
)


@dataclass(frozen=True)
class WantedAnalysis:
    """What a create asks for (see ``operations.ownership.Wanted``).

    The list tells neither backup nor node of a task, so each that may be the one is looked at by itself.

    Attributes:
        show: reads a task; None where it is gone.
    """

    backup_id: str
    node_id: str
    show: Callable[[str], KeyAnalysis | None]

    @property
    def content(self) -> Mapping[str, str]:
        """What is asked for."""
        return {"backup_id": self.backup_id, "node_id": self.node_id}

    def fits(self, record: AnalysisTask, content: Mapping[str, str]) -> bool:
        """Whether the task is what a request with that content asked for."""
        found = self.show(record.task_id)
        return found is not None and {"backup_id": found.backup_id, "node_id": found.node_id} == content

    def resembles(self, record: AnalysisTask) -> bool:
        """What an interrupted run has left is looked for before (see ``analysis``): to analyse twice does no harm."""
        return False

    def is_marked(self, record: AnalysisTask) -> bool:
        """Nothing in a task tells whose it is."""
        return False


class NoEvidence:
    """A saved state that nobody has to ask: nothing depends on it."""

    def evidence(self, enough: int) -> Evidence:
        """Nothing."""
        return Evidence()


class AnalysisService:
    """The key analyses of one project in one region, from any number of threads.

    Args:
        client: speaks to the service there.
    """

    def __init__(self, client: Client) -> None:
        self.client: Final = client
        self.cache: Final = RecordCache[AnalysisTask](lambda pause: KeyAnalyses(client, pause))
        self._pool = PollingPool(lambda: client.spacing)
        self._lock = threading.Lock()
        self._claimed: set[str] = set()

    def start(
        self,
        operation: Operation,
        instance_id: str,
        *,
        node_id: str,
        backup_id: str,
        show: Callable[[str], KeyAnalysis | None],
    ) -> str:
        """Have an analysis started; its task's id (see ``operations.create_once``)."""
        client = self.client
        task_id = CreateOnce(
            KIND,
            self.cache,
            operation,
            instance_id,
            start=lambda pause: KeyAnalyses(client, pause).create(instance_id, node_id=node_id, backup_id=backup_id),
            wanted=WantedAnalysis(backup_id, node_id, show),
            attempt=_Claiming(self),
            saved_state=NoEvidence(),
        ).run()
        self.claim(task_id)
        return task_id

    def wait(self, operation: Operation, instance_id: str, task_id: str) -> AnalysisTask:
        """Wait until the analysis has succeeded (see ``operations.wait``)."""
        return Wait(KIND, self.cache, self._pool, operation, instance_id=instance_id, record_id=task_id).run()

    def remove(self, operation: Operation, instance_id: str, task_id: str) -> None:
        """Remove the task; done when it is gone (see ``operations.delete``)."""
        client = self.client
        Delete(
            KIND,
            self.cache,
            lambda pause: KeyAnalyses(client, pause),
            operation,
            instance_id=instance_id,
            record_id=task_id,
        ).run()

    def claim(self, task_id: str) -> bool:
        """Give the task to who asks, unless another verification of this process has it."""
        with self._lock:
            is_free = task_id not in self._claimed
            self._claimed.add(task_id)
        return is_free

    def is_claimed(self, task_id: str) -> bool:
        """Whether a verification of this process has the task."""
        with self._lock:
            return task_id in self._claimed


class _Claiming(Unrecorded[AnalysisTask]):
    """An attempt that nothing is kept of, among others in this process."""

    def __init__(self, service: AnalysisService) -> None:
        super().__init__()
        self._service = service

    def claim(self, record_ids: Sequence[str]) -> str | None:
        """The first that no other verification has; which of several equal ones does not matter."""
        return next(filter(self._service.claim, record_ids), None)

    def is_known(self, record_id: str) -> bool:
        """Whether it is another verification's: then it says nothing of this one's request."""
        return self._service.is_claimed(record_id)


class AnalysisServices(Services[AnalysisService]):
    """The analyses of each project and region."""

    def make(self, client: Client) -> AnalysisService:
        """The analyses of one project in one region."""
        return AnalysisService(client)

"""Has the service read a backup through, shard by shard, and counts; its tasks are removed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ..api import retries
from ..api.backups import BackupRecord
from ..api.error_codes import ANALYSIS_GONE
from ..api.errors import DcsError, NotFoundError, ServiceError
from ..api.instances import Instances
from ..api.key_analysis import KeyAnalyses, KeyAnalysis
from ..api.nodes import Node, Nodes, masters_of
from ..operations.errors import OperationError, RecordFailedError, RecordGoneError
from ..operations.operation import Operation
from ..operations.ownership import EvidenceUnavailableError, SavedState
from ..operations.polling import next_poll_delay
from ..operations.wait import MISSING_TIMEOUT
from ..resources.backups import BackupService
from ..resources.refusals import Failure
from ..session import Session
from .preflight import backup_failures, instance_failures
from .properties import Counts, Inputs, Shard, total
from .service import AnalysisService

_UNTOLD_TIMEOUT: Final = 20.0
"""Seconds that a finished task gets until it tells what it has found."""
_AFTERWARDS_TIMEOUT: Final = 30.0
"""Seconds for removing the tasks when the verification's own time may be up: a proof does not depend on it."""


EarlierRuns = Callable[[str], SavedState]
"""What the saved state tells of interrupted creates of this resource that were to verify a backup."""


class NotVerifiableError(OperationError):
    """The backup can't be verified; nothing was started."""


class UnreadableError(OperationError):
    """The service could not read the backup through, or does not say what is in it."""


class Analysis:
    """One verification under way.

    Args:
        inputs: what is declared.
        known: what earlier runs have come to.

    Attributes:
        backup: what the service says of the backup; None until it was asked.
        shards: the analyses so far, in the order in which they were started.
    """

    def __init__(
        self,
        session: Session,
        backups: BackupService,
        service: AnalysisService,
        operation: Operation,
        *,
        urn: str,
        inputs: Inputs,
        known: Iterable[Shard] = (),
    ) -> None:
        self._session = session
        self._backups = backups
        self._service = service
        self._operation = operation
        self._urn = urn
        self._inputs = inputs
        self._left: list[Shard] = []
        self.backup: BackupRecord | None = None
        self.shards: list[Shard] = list(known)
        for each in self.shards:
            service.claim(each.task_id)

    def run(self, earlier: EarlierRuns | None = None) -> Counts:
        """What the backup holds.

        Args:
            earlier: tells of creates of this resource that were interrupted.

        Raises:
            NotVerifiableError: nothing was started.
            UnreadableError: the service can't read the backup.
            DcsError: it is not finished. What there is of it stands in :attr:`shards`.
        """
        self._check()
        masters = self._masters()
        if earlier is not None:
            self._take_over(earlier, masters)
        counts = [self._count(node, number, len(masters)) for number, node in enumerate(masters, 1)]
        return total(counts)

    @property
    def tasks(self) -> list[Shard]:
        """What is to be removed from the service in the end: the analyses, and what interrupted runs have left."""
        return [*self.shards, *self._left]

    def remove_tasks(self) -> list[Shard]:
        """Remove the service's tasks; those that could not be removed, with a warning that names them."""
        kept = []
        failure: DcsError | None = None
        operation = self._session.operation("remove the key analysis tasks", self._urn, _AFTERWARDS_TIMEOUT)
        for each in self.tasks:
            try:
                self._service.remove(operation, self._inputs.instance_id, each.task_id)
            except DcsError as error:
                failure = failure or error
                kept.append(Shard("", each.task_id))
        if failure is not None:
            operation.warn(
                f"Of instance {self._inputs.instance_id}, these key analysis tasks could not be removed: "
                f"{', '.join(each.task_id for each in kept)}. They do no harm; remove them in the console.\n"
                f"  {failure.summary}"
            )
        return kept

    def _check(self) -> None:
        """Make sure that the backup can be verified, and wait for one that is still being made."""
        instance_id, backup_id, operation = self._inputs.instance_id, self._inputs.backup_id, self._operation
        client = self._service.client
        instance = retries.read(
            lambda: Instances(client, operation.pause).show(instance_id),
            clock=operation.clock,
            pause=operation.pause,
            on_retry=operation.report_progress,
        )
        _refuse(instance_failures(instance), self._inputs)
        found = self._backups.find(operation, instance_id, backup_id, missing_timeout=MISSING_TIMEOUT)
        _refuse(backup_failures(found, instance_id), self._inputs)
        if found is not None and found.is_running:
            found = self._backups.wait(operation, instance_id, backup_id)
            _refuse(backup_failures(found, instance_id), self._inputs)
        self.backup = found

    def _masters(self) -> tuple[Node, ...]:
        """The master of each shard. While one is without, as during a failover, wait: it would not be counted."""
        operation, client, since = self._operation, self._service.client, self._operation.elapsed
        while True:
            nodes = retries.read(
                lambda: Nodes(client, operation.pause).list(self._inputs.instance_id),
                clock=operation.clock,
                pause=operation.pause,
                on_retry=operation.report_progress,
            )
            if masters := masters_of(nodes):
                return masters
            operation.report_progress("a shard of the instance has no master at the moment; waiting")
            operation.pause(next_poll_delay(operation.elapsed - since))

    def _take_over(self, earlier: EarlierRuns, masters: Iterable[Node]) -> None:
        """Go on with what an interrupted run of this resource has started; of another backup, note it for removal.

        The list of tasks is empty nearly always. If it is not, the saved state tells whether a create of this resource,
        for the task's backup, was interrupted. Without that, it is somebody else's.
        """
        snapshot = self._service.cache.list_completely(self._operation, self._inputs.instance_id)
        nodes = {each.node_id for each in masters}
        is_ours: dict[str, bool] = {}
        for task in snapshot.records.values():
            analysis = self._show(task.task_id)
            if analysis is None or not analysis.backup_id:
                continue
            backup_id = analysis.backup_id
            if backup_id not in is_ours:
                is_ours[backup_id] = _was_interrupted(earlier(backup_id))
            if not is_ours[backup_id] or not self._service.claim(task.task_id):
                continue
            if backup_id == self._inputs.backup_id and analysis.node_id in nodes and not task.has_failed:
                nodes.discard(analysis.node_id)
                self.shards.append(Shard(analysis.node_id, task.task_id))
                self._operation.report_progress(f"going on with key analysis task {task.task_id} of an interrupted run")
            else:
                self._left.append(Shard("", task.task_id))

    def _count(self, node: Node, number: int, of: int) -> Counts:
        """Have one shard read through, unless it was before."""
        known = next((each for each in self.shards if each.node_id == node.node_id), None)
        if known is not None and known.counts is not None:
            return known.counts
        if of > 1:
            self._operation.report_progress(f"shard {number} of {of}")
        if known is not None and not self._is_listed(known.task_id):
            self.shards.remove(known)
            known = None
        if known is None:
            known = Shard(node.node_id, self._start(node))
            self.shards.append(known)
        try:
            self._service.wait(self._operation, self._inputs.instance_id, known.task_id)
        except RecordFailedError as error:
            shard = f", shard {number} of {of}" if of > 1 else ""
            raise UnreadableError(
                f"Backup {self._inputs.backup_id} of instance {self._inputs.instance_id} can't be read through by the "
                f"service{shard}.",
                facts=[f"key analysis task {error.record_id} failed; the service gives no cause"],
                advice="don't rely on this backup: take another one. If that fails as well, ask the service's support.",
            ) from error
        counts = self._result(known.task_id)
        self.shards[self.shards.index(known)] = Shard(known.node_id, known.task_id, counts)
        return counts

    def _start(self, node: Node) -> str:
        inputs = self._inputs
        return self._service.start(
            self._operation,
            inputs.instance_id,
            node_id=node.node_id,
            backup_id=inputs.backup_id,
            show=self._show,
        )

    def _is_listed(self, task_id: str) -> bool:
        """Whether the service still has the task; one that was removed is started again."""
        snapshot = self._service.cache.list(self._operation, self._inputs.instance_id)
        return task_id in snapshot.records or not snapshot.is_complete

    def _show(self, task_id: str) -> KeyAnalysis | None:
        """The task by itself; None where it is gone."""
        operation, client = self._operation, self._service.client
        try:
            return retries.read(
                lambda: KeyAnalyses(client, operation.pause).show(self._inputs.instance_id, task_id),
                clock=operation.clock,
                pause=operation.pause,
                on_retry=operation.report_progress,
            )
        except ServiceError as error:
            if isinstance(error, NotFoundError) or error.error_code == ANALYSIS_GONE:
                return None
            raise

    def _result(self, task_id: str) -> Counts:
        """What a finished task has found."""
        since = self._operation.elapsed
        while True:
            found = self._show(task_id)
            if found is None:
                raise RecordGoneError(
                    f"Key analysis task {task_id} disappeared before its result was read.",
                    advice="find out who or what deletes this instance's key analysis tasks.",
                )
            if found.backup_id not in ("", self._inputs.backup_id):
                raise UnreadableError(
                    f"The service has read backup {found.backup_id} through, and not {self._inputs.backup_id}.",
                    facts=[f"key analysis task {task_id}"],
                    advice="ask the service's support.",
                )
            # What does not name the backup is no proof of it.
            counts = Counts.of(found) if found.backup_id else None
            if counts is not None:
                return counts
            if self._operation.elapsed - since > _UNTOLD_TIMEOUT:
                raise UnreadableError(
                    f"The service does not say how many keys backup {self._inputs.backup_id} has.",
                    facts=[f"key analysis task {task_id} has succeeded without a count"],
                    advice="try again; if it persists, ask the service's support.",
                )
            self._operation.pause(next_poll_delay(self._operation.elapsed - since))


def _was_interrupted(earlier: SavedState) -> bool:
    try:
        return earlier.evidence(1).interrupted_creates > 0
    except EvidenceUnavailableError:
        # Then they are not known to be ours: they stay, and the backup is read once more, which does no harm.
        return False


def _refuse(failures: Iterable[Failure], inputs: Inputs) -> None:
    for failure in failures:
        raise NotVerifiableError(
            f"Backup {inputs.backup_id} of instance {inputs.instance_id} can't be verified: {failure.property}: "
            f"{failure.reason}",
            facts=["nothing was started at the service"],
        )


def is_cut_short(error: DcsError) -> bool:
    """Whether a verification that ended so is worth going on with: what was read through stays so."""
    return not isinstance(error, (UnreadableError, NotVerifiableError, RecordGoneError))

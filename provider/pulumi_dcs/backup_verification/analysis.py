"""Has the service count the keys of a backup, shard by shard, and clears its tasks away.

An analysis changes nothing: one that is made twice costs time and no data. So nothing is kept on disk; what is known
of the tasks is in the state, and an analysis that is running already is used, whoever has started it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from ..api import retries
from ..api.errors import ConnectionFailed, DcsError, InstanceBusyError, ServiceError, ThrottledError, UnexpectedResponse
from ..api.key_analyses import KeyAnalyses, KeyCounts
from ..api.nodes import Node, Nodes
from ..operations.busy import MAX_BUSY_DELAY, busy_message
from ..operations.create_once import MAX_LOST_RESPONSES
from ..operations.errors import OperationError, RecordFailedError, RecordGoneError
from ..operations.operation import Operation
from ..operations.polling import next_poll_delay
from .counts import Counts
from .service import AnalysisService

_MAX_RESTARTS: Final = 2
"""How often an analysis that somebody has deleted under way is started again: more often is a quarrel."""
_CLEANUP_TIMEOUT: Final = 30.0
"""Seconds for deleting one task: nobody waits longer for what is only tidy."""


class UnreadableBackupError(OperationError):
    """The service can't read the backup through, or tells nothing of what it holds."""


class Analysis:
    """One verification of one backup.

    Args:
        tasks: those of an earlier run that was cut short, by node; it goes on with them.
    """

    def __init__(
        self,
        service: AnalysisService,
        operation: Operation,
        instance_id: str,
        backup_id: str,
        tasks: Mapping[str, str] | None = None,
    ) -> None:
        self._service = service
        self._operation = operation
        self._instance_id = instance_id
        self._backup_id = backup_id
        self._api = KeyAnalyses(service.client, operation.pause)
        self.tasks: Final = dict(tasks or {})
        """The tasks that count, by node, those of others included, in the order of their beginnings."""
        self._others: set[str] = set()
        self._what = f"backup {backup_id} of instance {instance_id}"

    def run(self) -> Counts:
        """Count the keys of all shards.

        Raises:
            UnreadableBackupError: the service can't.
            TimedOutError, CancelledError, CredentialsRefusedError: it goes on; :attr:`tasks` has what was started.
            DcsError: the service refuses to begin.
        """
        found = []
        masters = self._masters()
        for number, node in enumerate(masters, 1):
            if len(masters) > 1:
                self._operation.report_progress(f"counting the keys of shard {number} of {len(masters)}")
            found.append(self._count(node))
        return Counts.of(found)

    def clear_away(self, operation_of: Operation) -> None:
        """Delete the tasks that this verification has started; say it where one can't be deleted.

        Args:
            operation_of: tells the clock and whom to warn; an operation of its own is made for each deletion.
        """
        for task_id in self.tasks.values():
            if task_id in self._others:
                continue
            operation = Operation(
                f"delete key analysis {task_id}",
                clock=operation_of.clock,
                timeout=_CLEANUP_TIMEOUT,
                warn=operation_of.warn,
            )
            try:
                self._service.delete(operation, self._instance_id, task_id)
            except DcsError as error:
                operation.warn(
                    f"Key analysis {task_id} of instance {self._instance_id} was not deleted: {error.summary} It holds "
                    "names of keys; delete it in the console."
                )

    def _masters(self) -> list[Node]:
        operation = self._operation
        nodes = retries.read(
            lambda: Nodes(self._service.client, operation.pause).list(self._instance_id),
            clock=operation.clock,
            pause=operation.pause,
            on_retry=operation.report_progress,
        )
        masters = sorted((node for node in nodes if node.is_master), key=lambda node: (node.shard, node.node_id))
        if not masters:
            raise UnreadableBackupError(
                f"The keys of {self._what} can't be counted: the service lists no master node of the instance.",
                advice="try again later; if it persists, ask the service's support.",
            )
        return masters

    def _count(self, node: Node) -> KeyCounts:
        for _ in range(_MAX_RESTARTS):
            try:
                return self._count_once(node)
            except RecordGoneError:
                self.tasks.pop(node.node_id, None)
        return self._count_once(node)

    def _count_once(self, node: Node) -> KeyCounts:
        operation = self._operation
        task_id = self.tasks.get(node.node_id)
        if task_id is None:
            task_id = self.tasks[node.node_id] = self._start(node)
        try:
            self._service.wait(operation, self._instance_id, task_id)
        except RecordFailedError as error:
            raise UnreadableBackupError(
                f"The service could not read {self._what} through: counting its keys failed.",
                facts=error.facts,
                advice="don't rely on this backup. Take a new one, and verify that before the change; if it persists, "
                "ask the service's support.",
            ) from error
        counts = retries.read(
            lambda: self._api.show(self._instance_id, task_id),
            clock=operation.clock,
            pause=operation.pause,
            on_retry=operation.report_progress,
        )
        if counts.keys is None or counts.backup_id not in ("", self._backup_id):
            raise UnreadableBackupError(
                f"The service does not tell how many keys {self._what} holds.",
                facts=[f"key analysis {task_id} has succeeded, but is not what was asked for or has no total"],
                advice="run `pulumi up` again; if it persists, ask the service's support.",
            )
        return counts

    def _start(self, node: Node) -> str:
        """Have the analysis of one shard started, once the instance is free; the task's id."""
        operation, since, lost, failed = self._operation, self._operation.elapsed, 0, 0
        while True:
            operation.check_deadline()
            known = self._service.cache.list_completely(operation, self._instance_id).records
            running = self._matching(node, [each.id for each in known.values() if each.is_running])
            if running is not None:
                self._others.add(running)
                return running
            try:
                return self._api.create(self._instance_id, self._backup_id, node.node_id)
            except InstanceBusyError as error:
                waited = operation.elapsed - since
                operation.report_progress(busy_message(error, waited))
                operation.pause(min(next_poll_delay(waited), MAX_BUSY_DELAY))
            except ThrottledError:
                # The client waits by itself until the service wants to hear from us again.
                continue
            except (ConnectionFailed, UnexpectedResponse) as error:
                is_lost = isinstance(error, UnexpectedResponse) or error.sent
                lost, failed = lost + is_lost, failed + 1
                if not retries.is_transient(error) or lost >= MAX_LOST_RESPONSES:
                    raise
                if not is_lost and operation.elapsed - since > retries.CONNECT_RETRY_TIMEOUT:
                    raise
                operation.report_progress(f"{error.summary} Trying again.")
                operation.pause(retries.backoff_delay(failed))
                if is_lost and (found := self._after_lost_response(node, known.keys())) is not None:
                    return found

    def _after_lost_response(self, node: Node, known: Collection[str]) -> str | None:
        """The task that the request has started all the same, if the service lists one."""
        listed = self._service.cache.list_completely(self._operation, self._instance_id).records
        return self._matching(node, [task_id for task_id in listed if task_id not in known])

    def _matching(self, node: Node, task_ids: list[str]) -> str | None:
        """The first of the tasks that is of this backup and node; the list itself does not tell."""
        for task_id in task_ids:
            try:
                shown = self._api.show(self._instance_id, task_id)
            except ServiceError:
                continue
            if shown.backup_id == self._backup_id and shown.node_id == node.node_id:
                return task_id
        return None

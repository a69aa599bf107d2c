"""What the rest of the package uses of DCS: take, await, find and remove backups in one place."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from ..api import retries
from ..api.client import DcsClient, Place
from ..api.clock import Clock
from ..api.credentials import CredentialSource
from ..api.errors import DcsError
from ..api.parsing import BackupFormat, BackupRecord, Instance
from .create_once import Taking
from .delete import find_backup, remove_backup
from .operation import Operation
from .ownership import Claims, Ledger, NoLedger, Ownership, Trail, belongs_to_another, made_by
from .polling import Crowd
from .record_cache import BackupLists, Snapshot
from .wait import wait_until_succeeded


class BackupService:
    """The backups of one project in one region, from any number of threads."""

    def __init__(
        self, place: Place, credentials: CredentialSource, clock: Clock, claims: Claims, version: str = "0"
    ) -> None:
        self.place: Final = place
        self._client = DcsClient(place, credentials, clock, version)
        self._lists = BackupLists(self._client)
        self._lock = threading.Lock()
        self._instances: dict[str, Instance] = {}
        self._claims = claims
        self._crowd = Crowd(lambda: self._client.spacing)

    def ownership(
        self,
        remark: str,
        backup_format: BackupFormat | None,
        *,
        ledger: Ledger | None = None,
        mark: str = "",
        held: Callable[[], frozenset[str] | None] = frozenset,
    ) -> Ownership:
        """What a create of such a backup starts from. See :mod:`~.ownership`."""
        marked = f"{remark} {mark}".strip() if mark else remark
        return Ownership(marked, backup_format, self._claims, ledger or NoLedger(), mark=mark, held=held)

    def take(self, operation: Operation, ownership: Ownership) -> str:
        """Have a backup begun; its ``backup_id``. See :class:`~.taking.Taking`."""
        return Taking(self._client, self._lists, operation, ownership).run()

    def find_left(self, operation: Operation, trail: Trail, ledger: Ledger) -> str | None:
        """The ``backup_id`` of what an interrupted create left, if that is proved. See :mod:`~.ownership`."""
        snapshot = self._lists.look(operation)
        found = self._made_by(trail, snapshot, ledger)
        if found is None and (pending := trail.pending(snapshot.service_time)):
            operation.pause(pending)
            found = self._made_by(trail, self._lists.look(operation), ledger)
        return found.backup_id if found is not None else None

    def _made_by(self, trail: Trail, snapshot: Snapshot, ledger: Ledger) -> BackupRecord | None:
        return made_by(
            trail, snapshot.records.values(), lambda record: belongs_to_another(record, self._claims, ledger)
        )

    def wait(self, operation: Operation, backup_id: str) -> BackupRecord:
        """Wait until the backup has succeeded. See :func:`~.waiting.wait_until_succeeded`."""
        with self._crowd.waiting():
            return wait_until_succeeded(self._lists, operation, backup_id, self._crowd)

    def find(self, operation: Operation, backup_id: str, *, max_age: float = 0.0) -> BackupRecord | None:
        """The backup's record; None where it is gone. See :func:`~.removing.find_backup`."""
        return find_backup(self._lists, operation, backup_id, max_age=max_age)

    def glance(self, operation: Operation, backup_id: str) -> BackupRecord | None:
        """The backup's record if one try gets it; for what is nice to know but not worth an error."""
        try:
            return self._lists.look(operation, patience=0.0).get(backup_id)
        except DcsError:
            return None

    def remove(self, operation: Operation, backup_id: str) -> None:
        """Delete the backup. See :func:`~.removing.remove_backup`."""
        remove_backup(self._client, self._lists, operation, backup_id)

    def show_instance(self, operation: Operation) -> Instance:
        """The instance, as the service described it when first asked; tried for a short while only, for previews."""
        with self._lock:
            if operation.instance_id not in self._instances:
                self._instances[operation.instance_id] = retries.read(
                    operation, lambda: self._client.show_instance(operation), patience=5.0
                )
            return self._instances[operation.instance_id]

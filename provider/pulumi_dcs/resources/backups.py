"""The backups of one project in one region: what the operations need to know of backups as records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ..api.backup_format import BackupFormat
from ..api.backups import BackupRecord, Backups
from ..api.client import Client
from ..api.clock import Pause
from ..api.error_codes import BACKUP_FAILURES
from ..api.errors import DcsError
from ..operations.create_once import CreateOnce
from ..operations.delete import Delete, find
from ..operations.operation import Operation
from ..operations.ownership import Attempt, SavedState
from ..operations.polling import PollingPool
from ..operations.record_cache import RecordCache, Snapshot
from ..operations.records import RecordKind
from ..operations.wait import Wait
from .mark import add_mark, ends_in, has_mark, is_same_remark, remark_hash, without_mark
from .services import Services

KIND: Final = RecordKind(
    noun="backup",
    waiting="waiting to be backed up",
    running="backing up",
    done="backed up",
    failures=lambda code: BACKUP_FAILURES.get(code.lower(), "a cause that the API does not document"),
)


SECRET: Final = "secret"
"""The name under which a wanted backup's content says what of it is a secret."""


@dataclass(frozen=True)
class WantedBackup:
    """What a create asks for, and which backups can be that (see ``operations.ownership.Wanted``).

    Attributes:
        remark: as declared, without a mark.
        backup_format: None for the service's default.
        mark: what the remark ends in at the service; empty where that is not switched on.
        is_secret: whether the remark is a secret.
        is_mark_proof: whether only a create of this generation can have written the mark; asked where it matters.
    """

    remark: str
    backup_format: BackupFormat | None
    mark: str = ""
    is_secret: bool = False
    is_mark_proof: Callable[[], bool] = lambda: True

    @property
    def sent_remark(self) -> str:
        """The remark as it is sent to the service."""
        return add_mark(self.remark, self.mark)

    @property
    def content(self) -> Mapping[str, str]:
        """What is asked for, to be kept in the journal; of the remark only a hash."""
        kept = {"remark": remark_hash(self.sent_remark)}
        if self.backup_format is not None:
            kept["backup_format"] = self.backup_format.value
        if self.is_secret:
            kept[SECRET] = "remark"
        return kept

    def fits(self, record: BackupRecord, content: Mapping[str, str]) -> bool:
        """Whether the backup is what a request with that content asked for."""
        return fits(record, content)

    def resembles(self, record: BackupRecord) -> bool:
        """Whether the backup can be what an earlier create with the same inputs made, whatever mark it bears."""
        unmarked = replace(record, remark=without_mark(record.remark))
        return fits(unmarked, {**self.content, "remark": remark_hash(self.remark)})

    def is_marked(self, record: BackupRecord) -> bool:
        """Whether the backup bears this very mark, and that proves whose it is."""
        return ends_in(record.remark, self.mark) and self.is_mark_proof()


class BackupService:
    """The backups of one project in one region, from any number of threads.

    Args:
        client: speaks to the service there.
    """

    def __init__(self, client: Client) -> None:
        self.client: Final = client
        self.cache: Final = RecordCache[BackupRecord](lambda pause: Backups(client, pause))
        self._pool = PollingPool(lambda: client.spacing)

    def create(
        self,
        operation: Operation,
        instance_id: str,
        wanted: WantedBackup,
        *,
        attempt: Attempt,
        saved_state: SavedState,
        before_start: Callable[[Snapshot[BackupRecord]], None] = lambda _: None,
    ) -> str:
        """Have a backup started, exactly one; its id (see ``operations.create_once``)."""
        client = self.client

        def start(pause: Pause) -> str:
            sent = Backups(client, pause)
            return sent.create(instance_id, remark=wanted.sent_remark, backup_format=wanted.backup_format)

        return CreateOnce(
            KIND,
            self.cache,
            operation,
            instance_id,
            start=start,
            wanted=wanted,
            attempt=attempt,
            saved_state=saved_state,
            before_start=before_start,
        ).run()

    def wait(self, operation: Operation, instance_id: str, backup_id: str) -> BackupRecord:
        """Wait until the backup has succeeded (see ``operations.wait``)."""
        return Wait(KIND, self.cache, self._pool, operation, instance_id=instance_id, record_id=backup_id).run()

    def find(
        self,
        operation: Operation,
        instance_id: str,
        backup_id: str,
        *,
        max_age: float = 0.0,
        missing_timeout: float = 0.0,
    ) -> BackupRecord | None:
        """The backup's record; None where it is gone (see ``operations.delete``)."""
        return find(self.cache, operation, instance_id, backup_id, max_age=max_age, missing_timeout=missing_timeout)

    def try_find(self, operation: Operation, instance_id: str, backup_id: str) -> BackupRecord | None:
        """The backup's record if one try gets it; for what is nice to know but not worth an error."""
        try:
            return self.cache.list(operation, instance_id, retry_timeout=0.0).records.get(backup_id)
        except DcsError:
            return None

    def delete(self, operation: Operation, instance_id: str, backup_id: str) -> None:
        """Delete the backup; done when it is gone (see ``operations.delete``)."""
        client = self.client
        Delete(
            KIND,
            self.cache,
            lambda pause: Backups(client, pause),
            operation,
            instance_id=instance_id,
            record_id=backup_id,
        ).run()


class BackupServices(Services[BackupService]):
    """The backups of each project and region."""

    def make(self, client: Client) -> BackupService:
        """The backups of one project in one region."""
        return BackupService(client)


def is_ours(record: BackupRecord) -> bool:
    """Whether the backup bears a mark of this package."""
    return has_mark(record.remark)


def fits(record: BackupRecord, content: Mapping[str, str]) -> bool:
    """Whether the backup is what a request with that content asked for.

    Args:
        content: as :attr:`WantedBackup.content` has it, or as version 0.1 wrote it, with the remark itself.
    """
    if record.backup_type not in ("", "manual"):
        return False
    wanted = content.get("remark", "")
    if wanted != remark_hash(record.remark) and not is_same_remark(wanted, record.remark):
        return False
    return record.backup_format in ("", content.get("backup_format", record.backup_format))

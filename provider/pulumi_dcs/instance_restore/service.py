"""The restores of one project in one region: what the operations need to know of restores and imports as records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from ..api.client import Client
from ..api.clock import Pause
from ..api.error_codes import RESTORE_FAILURES
from ..api.errors import DcsError
from ..api.migrations import Migrations, MigrationTask
from ..api.restores import RestoreRecord, Restores
from ..operations.create_once import CreateOnce
from ..operations.delete import find
from ..operations.operation import Operation
from ..operations.ownership import Attempt, SavedState, Wanted
from ..operations.polling import PollingPool
from ..operations.record_cache import RecordCache
from ..operations.records import Record, RecordKind
from ..operations.wait import Wait
from ..resources.services import Services
from .names import TARGET_PASSWORD

RESTORE: Final = RecordKind(
    noun="restore",
    waiting="waiting to be restored",
    running="restoring",
    done="restored",
    failures=lambda code: RESTORE_FAILURES.get(code.lower(), "a cause that the API does not document"),
    under_way="under way",
    adopt_input="adopt_restore_id",
    again="restores, and overwrites what was written since",
    is_repeatable=False,
)
IMPORT: Final = RecordKind(
    noun="import",
    waiting="waiting to be imported",
    running="importing",
    done="imported",
    failures=lambda _: "",
    under_way="under way",
    adopt_input="adopt_restore_id",
    again="imports, and overwrites what was written since",
    is_repeatable=False,
)


class RestoreLike(Record, Protocol):
    """A restore's record, or an import's."""

    @property
    def progress(self) -> str:
        """As the service writes it."""

    @property
    def created_at(self) -> str:
        """When it was started, as the service writes it."""

    @property
    def finished_at(self) -> str:
        """When it ended, as the service writes it."""

    @property
    def backup_name(self) -> str:
        """Of the backup, as the service named it."""


L = TypeVar("L", bound=RestoreLike)


@dataclass(frozen=True)
class Channel(Generic[L]):
    """One of the two ways in which an instance gets a backup's data."""

    kind: RecordKind
    cache: RecordCache[L]
    pool: PollingPool

    def create(
        self,
        operation: Operation,
        instance_id: str,
        *,
        start: Callable[[Pause], str],
        wanted: Wanted[L],
        attempt: Attempt,
        saved_state: SavedState,
        before_start: Callable[[], None],
    ) -> str:
        """Have a restore started, exactly one; its id (see ``operations.create_once``)."""
        return CreateOnce(
            self.kind,
            self.cache,
            operation,
            instance_id,
            start=start,
            wanted=wanted,
            attempt=attempt,
            saved_state=saved_state,
            before_start=lambda _: before_start(),
        ).run()

    def wait(self, operation: Operation, instance_id: str, restore_id: str) -> RestoreLike:
        """Wait until the restore has succeeded (see ``operations.wait``)."""
        return Wait(self.kind, self.cache, self.pool, operation, instance_id=instance_id, record_id=restore_id).run()

    def find(
        self, operation: Operation, instance_id: str, restore_id: str, *, missing_timeout: float = 0.0
    ) -> RestoreLike | None:
        """The restore's record; None where it is no longer listed, or its instance no longer exists."""
        return find(self.cache, operation, instance_id, restore_id, missing_timeout=missing_timeout)

    def try_find(self, operation: Operation, instance_id: str, restore_id: str) -> RestoreLike | None:
        """The restore's record if one try gets it; for what is nice to know but not worth an error."""
        try:
            return self.cache.list(operation, instance_id, retry_timeout=0.0).records.get(restore_id)
        except DcsError:
            return None


class RestoreService:
    """The restores of one project in one region, from any number of threads.

    Args:
        client: speaks to the service there.
    """

    def __init__(self, client: Client) -> None:
        self.client: Final = client
        self.restores: Final = Channel(
            RESTORE,
            RecordCache[RestoreRecord](lambda pause: Restores(client, pause)),
            PollingPool(lambda: client.spacing, may_be_done_at_once=False),
        )
        self.imports: Final = Channel(
            IMPORT,
            RecordCache[MigrationTask](lambda pause: Migrations(client, pause), _writes_to),
            PollingPool(lambda: client.spacing, may_be_done_at_once=False),
        )

    def channel(self, *, is_import: bool) -> Channel[Any]:
        """The way in which a restore is carried out."""
        return self.imports if is_import else self.restores


class RestoreServices(Services[RestoreService]):
    """The restores of each project and region."""

    def make(self, client: Client) -> RestoreService:
        """The restores of one project in one region."""
        return RestoreService(client)

    def of(self, properties: Mapping[str, Any]) -> RestoreService:
        """The restores of the project and region that inputs or outputs name; a password among them is never shown."""
        service = super().of(properties)
        service.client.hide(str(properties.get(TARGET_PASSWORD) or ""))
        return service


def kind_of(*, is_import: bool) -> RecordKind:
    """How messages speak of a restore."""
    return IMPORT if is_import else RESTORE


def _writes_to(task: MigrationTask, instance_id: str) -> bool:
    """Whether the task writes to the instance; one that does not say may."""
    return task.target_instance_id in ("", instance_id)

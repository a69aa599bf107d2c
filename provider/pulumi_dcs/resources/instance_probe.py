"""Asks the service in a preview, once for all resources of a kind, what an instance is and what it holds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from ..api.backups import BackupRecord
from ..api.errors import DcsError, ServiceError
from ..api.instances import Instance, Instances
from ..operations.operation import Operation
from ..operations.probe import Probe
from ..operations.record_cache import Snapshot
from ..session import Session
from .backups import BackupService
from .refusals import Failure

T = TypeVar("T")

_PROBE_TIMEOUT: Final = 10.0
"""Seconds that a preview waits for what is nice to know: a reviewer waits for the preview."""
_LIST_MAX_AGE: Final = 60.0
"""Seconds for which a preview uses an instance's list again for its other backups."""


class InstanceProbe:
    """Short tries, and one warning when the service is out of reach; to be shared by ``session.shared``."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._probe = Probe()
        self._lock = threading.Lock()
        self._instances: dict[tuple[str, str, str], Instance] = {}

    def instance(self, urn: str, service: BackupService, instance_id: str) -> Instance | None:
        """The instance, as the service described it when first asked; None where the service is out of reach.

        Args:
            urn: the resource whose row shows the warning.

        Raises:
            ServiceError: the service does not know the instance, or takes its id for none.
        """
        operation = self._operation(f"show instance {instance_id}", urn)
        return self.ask(urn, instance_id, lambda: self._show(service, operation, instance_id))

    def backups(self, urn: str, service: BackupService, instance_id: str) -> Snapshot[BackupRecord] | None:
        """The instance's backups; None where the service is out of reach.

        Raises:
            ServiceError: as for :meth:`instance`.
        """
        operation = self._operation(f"list the backups of instance {instance_id}", urn)
        return self.ask(
            urn,
            instance_id,
            lambda: service.cache.list(operation, instance_id, max_age=_LIST_MAX_AGE, retry_timeout=0.0),
        )

    def _show(self, service: BackupService, operation: Operation, instance_id: str) -> Instance:
        location = service.client.location
        key = (location.endpoint, location.project_id, instance_id)
        with self._lock:
            found = self._instances.get(key)
        if found is None:
            found = Instances(service.client, operation.pause).show(instance_id)
            with self._lock:
                self._instances[key] = found
        return found

    def ask(self, urn: str, instance_id: str, call: Callable[[], T]) -> T | None:
        """The call's result; None where the service is out of reach.

        Raises:
            ServiceError: as for :meth:`instance`.
        """

        def warn(error: DcsError) -> None:
            self._session.log.warn(urn, f"Instance {instance_id} could not be checked for this preview.\n  {error}")

        return self._probe.ask(call, warn)

    def _operation(self, name: str, urn: str) -> Operation:
        return self._session.operation(name, urn, _PROBE_TIMEOUT)


def no_instance(error: ServiceError) -> Failure:
    """What the service says of an instance that it does not know, or whose id it takes for none."""
    return Failure("instance_id", f"there is no such instance. {error}")

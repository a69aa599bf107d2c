"""What a preview asks the service: whether what is about to be made can be made, and what it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from ..api.errors import DcsError, ServiceError
from ..api.instances import Instance, Instances
from ..engine.stack_state import StateResource
from ..engine.unknowns import has_unknowns
from ..operations.errors import RecordNotFoundError
from ..operations.operation import Operation
from ..operations.probe import Probe
from ..operations.wait import usual_length
from ..resources.location import LocationFiller
from ..resources.refusals import Failure
from ..session import Session
from . import preview
from .adoption import check_adoptable
from .backups import BackupService
from .properties import Inputs

T = TypeVar("T")

_PROBE_TIMEOUT: Final = 10.0
"""Seconds that a preview waits for what is nice to know: a reviewer waits for the preview."""
_LIST_MAX_AGE: Final = 60.0
"""Seconds for which a preview uses an instance's list again for its other backups."""


class Preflight:
    """Asks the service, while the pull request is still open.

    Args:
        locations: knows whether there are credentials at hand.
        open_service: the backups of a project in a region.
    """

    def __init__(
        self, session: Session, locations: LocationFiller, open_service: Callable[[str, str], BackupService]
    ) -> None:
        self._session = session
        self._locations = locations
        self._open_service = open_service
        self._probe = Probe()
        self._lock = threading.Lock()
        self._instances: dict[tuple[str, str, str], Instance] = {}

    def check_creation(self, urn: str, inputs: Mapping[str, Any], *, is_first: bool) -> list[Failure]:
        """Ask, while the pull request is still open, whether the instance can be backed up, and say what it is.

        Args:
            is_first: whether the resource has no backup yet; else the diff says what is going to happen.
        """
        location = {name: inputs.get(name, "") for name in ("instance_id", "region", "project_id")}
        if has_unknowns(location) or not self._locations.has_credentials(urn):
            if is_first:
                self._session.log.info(urn, preview.creation(inputs, None, None))
            return []
        instance_id = location["instance_id"]
        operation = self._operation(f"show instance {instance_id}", urn)
        try:
            service = self._open_service(location["region"], location["project_id"])
            instance = self._ask(urn, instance_id, lambda: self._show(service, operation, instance_id))
        except ServiceError as error:
            return [_no_instance(error)]
        if instance is not None and instance.is_single_node:
            reason = "it is a single-node instance, which has no backups; back up a master/standby or cluster one."
            return [Failure("instance_id", reason)]
        if not is_first:
            return []
        snapshot = None
        if instance is not None:
            snapshot = self._ask(
                urn,
                instance_id,
                lambda: service.cache.list(operation, instance_id, max_age=_LIST_MAX_AGE, retry_timeout=0.0),
            )
        length = usual_length(snapshot) if snapshot is not None else None
        self._session.log.info(urn, preview.creation(inputs, instance, length))
        return []

    def check_adoption(self, urn: str, inputs: Mapping[str, Any]) -> list[Failure]:
        """Ask, while the pull request is still open, whether the backup is there and is what the program says."""
        self._session.log.info(urn, preview.adoption(inputs))
        names = ("instance_id", "region", "project_id", "adopt_backup_id", "remark", "backup_format")
        if has_unknowns({name: inputs.get(name) for name in names}) or not self._locations.has_credentials(urn):
            return []
        wanted = Inputs.of(inputs)
        backup_id = wanted.adopt_backup_id or ""
        operation = self._operation(f"find backup {backup_id} of instance {wanted.instance_id}", urn)
        secret_inputs = self._session.notes(urn).program.secret_inputs
        try:
            service = self._open_service(wanted.region or "", wanted.project_id or "")
            snapshot = self._ask(
                urn,
                wanted.instance_id,
                lambda: service.cache.list(operation, wanted.instance_id, max_age=_LIST_MAX_AGE, retry_timeout=0.0),
            )
            if snapshot is not None and (snapshot.is_complete or backup_id in snapshot.records):
                check_adoptable(snapshot.records.get(backup_id), wanted, backup_id, secret_inputs)
        except ServiceError as error:
            return [_no_instance(error)]
        except RecordNotFoundError as error:
            return [Failure("adopt_backup_id", str(error))]
        return []

    def held(self, urn: str) -> StateResource | None:
        """The resource as the saved state has it; None where it is not there, or can't be read."""
        found = (each for each in self._session.in_state(urn) if each.urn == urn and not each.is_pending_delete)
        return next(found, None)

    def fate(self, urn: str, resource_id: str, old_inputs: Inputs) -> preview.Fate:
        """What becomes of the backup that is replaced: the engine goes by the option that its saved state has.

        The option can come from a component or a transform; so it is only known from that state.
        """
        if old_inputs.retain_on_delete:
            return preview.Fate.KEPT
        held = self.held(urn)
        if held is None or held.id != resource_id:
            return preview.Fate.UNKNOWN
        return preview.Fate.KEPT if held.retains_on_delete else preview.Fate.DELETED

    def _show(self, service: BackupService, operation: Operation, instance_id: str) -> Instance:
        """The instance, as the service described it when first asked."""
        location = service.client.location
        key = (location.endpoint, location.project_id, instance_id)
        with self._lock:
            found = self._instances.get(key)
        if found is None:
            found = Instances(service.client, operation.pause).show(instance_id)
            with self._lock:
                self._instances[key] = found
        return found

    def _ask(self, urn: str, instance_id: str, call: Callable[[], T]) -> T | None:
        def warn(error: DcsError) -> None:
            self._session.log.warn(urn, f"Instance {instance_id} could not be checked for this preview.\n  {error}")

        return self._probe.ask(call, warn)

    def _operation(self, name: str, urn: str) -> Operation:
        return self._session.operation(name, urn, _PROBE_TIMEOUT)


def _no_instance(error: ServiceError) -> Failure:
    """What the service says of an instance that it does not know, or whose id it takes for none."""
    return Failure("instance_id", f"there is no such instance. {error}")

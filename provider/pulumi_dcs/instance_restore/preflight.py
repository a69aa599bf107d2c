"""What a preview asks the service: whether what is about to be restored can be, and what it overwrites."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..api.backups import BackupRecord
from ..api.errors import ServiceError
from ..api.instances import Instance
from ..engine.unknowns import has_unknowns
from ..operations.errors import RecordNotFoundError
from ..operations.operation import Operation
from ..resources.backups import BackupServices
from ..resources.instance_probe import InstanceProbe, no_instance
from ..resources.location import LocationFiller
from ..resources.refusals import Failure
from ..session import Session
from . import preview
from .adoption import check_adoptable
from .properties import Inputs
from .service import RestoreServices

_NEVER_FREE: Final = frozenset({"CREATEFAILED", "ERROR", "FROZEN"})
"""What doesn't pass by itself."""
_ADOPTION_TIMEOUT: Final = 10.0
"""Seconds: a reviewer waits for the preview."""


class Preflight:
    """Asks the service, while the pull request is still open.

    Args:
        locations: knows whether there are credentials at hand.
        backups, restores: those of each project and region.
    """

    def __init__(
        self, session: Session, locations: LocationFiller, backups: BackupServices, restores: RestoreServices
    ) -> None:
        self._session = session
        self._locations = locations
        self._backups = backups
        self._restores = restores
        self._probe = session.shared(InstanceProbe)

    def check_restore(self, urn: str, inputs: Mapping[str, Any], *, why: str = "") -> list[Failure]:
        """Find out whether it can be restored, and warn of what is overwritten.

        Args:
            why: to follow the warning: why it restores again, or may not.
        """
        try:
            instance, backup, failures = self._ask(urn, inputs)
        except ServiceError as error:
            return [no_instance(error)]
        if not failures:
            self._session.log.warn(urn, preview.restoring(inputs, instance, backup) + why)
            if instance is not None and (waits := preview.busy(Inputs.of(inputs), instance)):
                self._session.log.warn(urn, waits)
        return failures

    def check_adoption(self, urn: str, inputs: Mapping[str, Any]) -> list[Failure]:
        """Find out whether the restore is there and is what the program says."""
        self._session.log.info(urn, preview.adoption(inputs))
        names = ("instance_id", "backup_id", "source_instance_id", "region", "project_id", "adopt_restore_id", "wait")
        if has_unknowns({name: inputs.get(name) for name in names}) or not self._locations.has_credentials(urn):
            return []
        wanted = Inputs.of(inputs)
        restore_id = wanted.adopt_restore_id or ""
        operation = self._operation(f"list the restores of instance {wanted.instance_id}", urn)
        try:
            service = self._restores.at(wanted.region or "", wanted.project_id or "")
            channel = service.channel(is_import=wanted.is_import)
            snapshot = self._probe.ask(
                urn, wanted.instance_id, lambda: channel.cache.list(operation, wanted.instance_id, retry_timeout=0.0)
            )
            if snapshot is not None and (snapshot.is_complete or restore_id in snapshot.records):
                check_adoptable(snapshot.records.get(restore_id), wanted, restore_id)
        except ServiceError as error:
            return [no_instance(error)]
        except RecordNotFoundError as error:
            return [Failure("adopt_restore_id", str(error))]
        return []

    def _ask(self, urn: str, inputs: Mapping[str, Any]) -> tuple[Instance | None, BackupRecord | None, list[Failure]]:
        place = {name: inputs.get(name, "") for name in ("instance_id", "region", "project_id")}
        if has_unknowns(place) or not self._locations.has_credentials(urn):
            return None, None, []
        wanted = Inputs.of(inputs)
        service = self._backups.of(place)
        instance = self._probe.instance(urn, service, wanted.instance_id)
        failures = list(_instance_failures(instance)) if instance is not None else []
        if failures or has_unknowns(inputs.get("source_instance_id")):
            return instance, None, failures
        source = None
        if wanted.is_import and instance is not None:
            try:
                source = self._probe.instance(urn, service, wanted.backed_up_id)
            except ServiceError as error:
                return instance, None, [Failure("source_instance_id", f"there is no such instance. {error}")]
            failures += _import_failures(instance, source) if source is not None else []
        if failures or not wanted.backup_id:
            return instance, None, failures
        snapshot = self._probe.backups(urn, service, wanted.backed_up_id) if instance is not None else None
        if snapshot is None:
            return instance, None, failures
        backup = snapshot.records.get(wanted.backup_id)
        if backup is not None or snapshot.is_complete:
            failures += backup_failures(backup, wanted)
        return instance, backup, failures

    def _operation(self, name: str, urn: str) -> Operation:
        return self._session.operation(name, urn, _ADOPTION_TIMEOUT)


def _instance_failures(instance: Instance) -> Iterator[Failure]:
    if instance.status in _NEVER_FREE:
        yield Failure(
            "instance_id", f"the instance is {instance.status}, which does not pass by itself; repair it first."
        )


def _import_failures(target: Instance, source: Instance) -> Iterator[Failure]:
    if source.is_single_node:
        yield Failure("source_instance_id", "it is a single-node instance, which has no backups.")
    if _version(target) and _version(source) and _version(target) < _version(source):
        yield Failure(
            "instance_id",
            f"it is {target.engine_in_words}, and the backup is of {source.engine_in_words}: an import needs the same "
            "version or a newer one.",
        )
    if target.capacity_gb is not None and source.capacity_gb is not None and target.capacity_gb < source.capacity_gb:
        yield Failure(
            "instance_id",
            f"it has {target.capacity_gb:g} GB, and the backup is of an instance of {source.capacity_gb:g} GB: an "
            "import needs the same size or more.",
        )


def backup_failures(backup: BackupRecord | None, wanted: Inputs) -> Iterator[Failure]:
    """Why the backup can't be restored from, if it can't; None for one that its instance does not have."""
    if backup is None or backup.is_gone:
        where = "source_instance_id" if wanted.is_import else "instance_id"
        yield Failure(
            "backup_id",
            f"instance {wanted.backed_up_id} has no such backup. Check it and {where}; for a backup of another "
            "instance, give that one as source_instance_id.",
        )
    elif not backup.has_succeeded or backup.is_usable is False:
        state = "the service can't restore from it" if backup.has_succeeded else f"its status is {backup.status_text}"
        yield Failure("backup_id", f"it can't be restored: {state}. Give a backup that has succeeded.")


def _version(instance: Instance) -> tuple[int, ...]:
    """The engine's version; empty where it is not known."""
    return tuple(int(part) for part in re.findall(r"\d+", instance.engine_version))

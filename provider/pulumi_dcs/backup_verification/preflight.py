"""Whether a backup can be verified: asked in a preview, and again before anything is started."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..api.backup_format import BackupFormat
from ..api.backups import BackupRecord
from ..api.errors import ServiceError
from ..api.instances import Instance
from ..engine.unknowns import has_unknowns
from ..resources.backups import BackupServices
from ..resources.instance_probe import InstanceProbe, no_instance
from ..resources.location import LocationFiller
from ..resources.refusals import Failure
from ..session import Session
from . import preview
from .properties import Inputs

FIRST_VERSION: Final = 4
"""The first major version of Redis whose backups can be analysed."""
_NEVER_FREE: Final = frozenset({"CREATEFAILED", "ERROR", "FROZEN"})
"""What doesn't pass by itself."""


class Preflight:
    """Asks the service, while the pull request is still open.

    Args:
        locations: knows whether there are credentials at hand.
        backups: those of each project and region.
    """

    def __init__(self, session: Session, locations: LocationFiller, backups: BackupServices) -> None:
        self._session = session
        self._locations = locations
        self._backups = backups
        self._probe = session.shared(InstanceProbe)

    def check(self, urn: str, inputs: Mapping[str, Any]) -> list[Failure]:
        """Find out whether the backup can be verified, and say what is going to happen."""
        try:
            instance, backup, failures = self._ask(urn, inputs)
        except ServiceError as error:
            return [no_instance(error)]
        if not failures:
            log, instance_id = self._session.log, str(inputs.get("instance_id"))
            log.info(urn, preview.verifying(inputs, instance, backup))
            for text in (preview.busy(instance_id, instance, backup), preview.not_known(backup)):
                if text:
                    log.warn(urn, text)
        return failures

    def _ask(self, urn: str, inputs: Mapping[str, Any]) -> tuple[Instance | None, BackupRecord | None, list[Failure]]:
        place = {name: inputs.get(name, "") for name in ("instance_id", "region", "project_id")}
        if has_unknowns(place) or not self._locations.has_credentials(urn):
            return None, None, []
        wanted = Inputs.of(inputs)
        service = self._backups.of(place)
        instance = self._probe.instance(urn, service, wanted.instance_id)
        failures = list(instance_failures(instance)) if instance is not None else []
        if failures or instance is None or not wanted.backup_id:
            return instance, None, failures
        snapshot = self._probe.backups(urn, service, wanted.instance_id)
        backup = snapshot.records.get(wanted.backup_id) if snapshot is not None else None
        if backup is not None or (snapshot is not None and snapshot.is_complete):
            failures = list(backup_failures(backup, wanted.instance_id))
        return instance, backup, failures


def instance_failures(instance: Instance) -> Iterator[Failure]:
    """Why no backup of the instance can be verified now; nothing for what is not known."""
    if instance.engine and instance.engine.lower() != "redis":
        yield Failure("instance_id", f"it is {instance.engine_in_words}: the service reads backups of Redis only.")
    version = re.match(r"\d+", instance.engine_version)
    if version is not None and int(version[0]) < FIRST_VERSION:
        yield Failure(
            "instance_id",
            f"it is {instance.engine_in_words}: the service reads through backups of Redis {FIRST_VERSION}.0 and later "
            "only. Leave the verification out, or upgrade the instance.",
        )
    if instance.status in _NEVER_FREE:
        yield Failure(
            "instance_id", f"the instance is {instance.status}, which does not pass by itself; repair it first."
        )


def backup_failures(backup: BackupRecord | None, instance_id: str) -> Iterator[Failure]:
    """Why the backup can't be verified; nothing for what is not known.

    Args:
        backup: as the instance's complete list has it; None where it has none.
    """
    if backup is None or backup.is_gone:
        yield Failure("backup_id", f"instance {instance_id} has no such backup. Check it and instance_id.")
    elif backup.has_failed:
        yield Failure("backup_id", "its status is failed. Give a backup that has succeeded.")
    elif backup.is_usable is False and not backup.is_running:
        yield Failure("backup_id", "the service says that no instance can be restored from it. Give another backup.")
    elif backup.backup_format == BackupFormat.AOF.value:
        yield Failure(
            "backup_id",
            "its format is aof, and that the service can read such a file through is not documented. Give a backup in "
            "the format rdb, which is the default.",
        )

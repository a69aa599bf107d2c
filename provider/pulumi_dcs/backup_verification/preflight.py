"""What a preview asks the service: whether the backup can be verified."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..api.backup_format import BackupFormat
from ..api.backups import BackupRecord
from ..api.errors import ServiceError
from ..api.instances import Instance
from ..engine.unknowns import has_unknowns
from ..operations.errors import RecordFailedError, RecordNotFoundError
from ..resources.backups import BackupServices
from ..resources.instance_probe import InstanceProbe, no_instance
from ..resources.location import LocationFiller
from ..resources.refusals import Failure
from ..session import Session
from . import preview
from .properties import Inputs

_FIRST_VERSION: Final = 4
"""The first major version of Redis whose backups the service analyses."""


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
            self._session.log.info(urn, preview.verifying(inputs, instance, backup))
        return failures

    def _ask(self, urn: str, inputs: Mapping[str, Any]) -> tuple[Instance | None, BackupRecord | None, list[Failure]]:
        place = {name: inputs.get(name, "") for name in ("instance_id", "region", "project_id")}
        if has_unknowns(place) or not self._locations.has_credentials(urn):
            return None, None, []
        wanted = Inputs.of(inputs)
        service = self._backups.of(place)
        instance = self._probe.instance(urn, service, wanted.instance_id)
        if instance is None:
            return None, None, []
        if failures := list(_instance_failures(instance)):
            return instance, None, failures
        snapshot = self._probe.backups(urn, service, wanted.instance_id) if wanted.backup_id else None
        if snapshot is None or (wanted.backup_id not in snapshot.records and not snapshot.is_complete):
            return instance, None, []
        backup = snapshot.records.get(wanted.backup_id)
        try:
            check_verifiable(backup, wanted)
        except (RecordNotFoundError, RecordFailedError) as error:
            return instance, backup, [Failure("backup_id", str(error))]
        return instance, backup, []


def check_verifiable(backup: BackupRecord | None, inputs: Inputs) -> None:
    """Make sure that the backup is one that can be verified, now or once it has succeeded.

    Args:
        backup: as the instance's complete list has it; None where it has none.

    Raises:
        RecordNotFoundError: it is not there, or of a format that can't be verified.
        RecordFailedError: it has failed.
    """
    which = f"Backup {inputs.backup_id} of instance {inputs.instance_id}"
    if backup is None or backup.is_gone:
        raise RecordNotFoundError(
            f"{which} does not exist.", advice="check backup_id, instance_id and region against the console."
        )
    if backup.backup_format == BackupFormat.AOF.value:
        raise RecordNotFoundError(
            f"{which} can't be verified: it is in the format aof, and whether the service can count the keys of such a "
            "one is not documented.",
            advice='verify a backup with backup_format="rdb"; to prove this one, import it into a scratch instance.',
        )
    if backup.has_failed:
        raise RecordFailedError(
            f"{which} can't be verified: it has failed.",
            record_id=inputs.backup_id,
            error_code=backup.error_code,
            facts=[f"error code {backup.error_code}"] if backup.error_code else [],
            advice="take a new one.",
        )


def _instance_failures(instance: Instance) -> Iterator[Failure]:
    major = re.match(r"\d+", instance.engine_version)
    if major is not None and int(major[0]) < _FIRST_VERSION:
        yield Failure(
            "instance_id",
            f"it is {instance.engine_in_words}; the service counts the keys of backups of Redis {_FIRST_VERSION}.0 and "
            "later only.",
        )

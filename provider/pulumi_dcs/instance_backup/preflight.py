"""What a preview asks the service: whether what is about to be made can be made, and what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..api.errors import ServiceError
from ..engine.stack_state import StateResource
from ..engine.unknowns import has_unknowns
from ..operations.errors import RecordNotFoundError
from ..operations.ownership import Progress
from ..operations.wait import usual_length
from ..recovery.evidence import record_id_of
from ..resources.backups import BackupServices, WantedBackup
from ..resources.create_attempt import was_interrupted
from ..resources.instance_probe import InstanceProbe, no_instance
from ..resources.location import LocationFiller
from ..resources.refusals import Failure
from ..session import Session
from . import preview
from .adoption import check_adoptable
from .fate import fate_of
from .identity import BackupId
from .properties import Inputs, inputs_hash, replacing_inputs, status_of


class Preflight:
    """Asks the service, while the pull request is still open.

    Args:
        locations: knows whether there are credentials at hand.
        services: the backups of each project and region.
    """

    def __init__(self, session: Session, locations: LocationFiller, services: BackupServices) -> None:
        self._session = session
        self._locations = locations
        self._services = services
        self._probe = session.shared(InstanceProbe)

    def check_creation(self, urn: str, inputs: Mapping[str, Any], *, is_first: bool) -> list[Failure]:
        """Ask, while the pull request is still open, whether the instance can be backed up, and say what it is.

        Args:
            is_first: whether the resource has no backup yet; else the diff says what is going to happen.
        """
        failures = self._check_instance(urn, inputs, is_first=is_first)
        if was_interrupted(self._session, urn, inputs, replacing_inputs) and self._may_have_left_one(urn, inputs):
            self._session.log.info(urn, preview.INTERRUPTED)
        return failures

    def _may_have_left_one(self, urn: str, inputs: Mapping[str, Any]) -> bool:
        """Whether an interrupted create may have made a backup that no state holds, as far as one list tells."""
        session, key = self._session, inputs_hash(inputs)
        left = [each for each in session.journal.left(session.scope(urn)) if (each.urn, each.inputs_hash) == (urn, key)]
        if left and all(each.progress == Progress() for each in left):
            return False
        if has_unknowns(inputs) or not self._locations.has_credentials(urn):
            return True
        declared = Inputs.of(inputs)
        try:
            service = self._services.of(inputs)
            snapshot = self._probe.backups(urn, service, declared.instance_id)
        except ServiceError:
            return True
        if snapshot is None or not snapshot.is_complete:
            return True
        wanted, holders = WantedBackup(declared.remark or "", declared.backup_format), session.holders(urn)
        return any(
            record.id not in holders
            and not record.is_gone
            and not record.has_failed
            and wanted.resembles(record)
            and session.journal.can_have_made(0, urn, key, record.id)
            for record in snapshot.records.values()
        )

    def _check_instance(self, urn: str, inputs: Mapping[str, Any], *, is_first: bool) -> list[Failure]:
        location = {name: inputs.get(name, "") for name in ("instance_id", "region", "project_id")}
        if has_unknowns(location) or not self._locations.has_credentials(urn):
            if is_first:
                self._session.log.info(urn, preview.creation(inputs, None, None))
            return []
        instance_id = location["instance_id"]
        try:
            service = self._services.of(location)
            instance = self._probe.instance(urn, service, instance_id)
        except ServiceError as error:
            return [no_instance(error)]
        if instance is not None and instance.is_single_node:
            reason = "it is a single-node instance, which has no backups; back up a master/standby or cluster one."
            return [Failure("instance_id", reason)]
        if not is_first:
            return []
        snapshot = None
        if instance is not None:
            snapshot = self._probe.backups(urn, service, instance_id)
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
        secret_inputs = self._session.notes(urn).program.secret_inputs
        try:
            service = self._services.at(wanted.region or "", wanted.project_id or "")
            snapshot = self._probe.backups(urn, service, wanted.instance_id)
            if snapshot is not None and (snapshot.is_complete or backup_id in snapshot.records):
                check_adoptable(snapshot.records.get(backup_id), wanted, backup_id, secret_inputs)
        except ServiceError as error:
            return [no_instance(error)]
        except RecordNotFoundError as error:
            return [Failure("adopt_backup_id", str(error))]
        return []

    def say_replacement(
        self,
        urn: str,
        resource_id: str,
        old_inputs: Mapping[str, Any],
        old_outputs: Mapping[str, Any],
        new_inputs: Mapping[str, Any],
    ) -> None:
        """Say what a replacement does, if this is a preview."""
        notes = self._session.notes(urn)
        program = notes.program
        if not program.dry_run:
            return
        which = BackupId.parse(resource_id)
        replaced = preview.Replaced(
            which.instance_id,
            which.backup_id,
            status_of(old_outputs),
            fate_of(self._session, urn, which.backup_id),
            is_deleted_first=program.delete_before_replace is True or notes.is_deleted_first,
        )
        text = preview.replacement(replaced, new_inputs, adopted_before=str(old_inputs.get("adopt_backup_id") or ""))
        log = self._session.log
        (log.warn if replaced.leaves_a_gap else log.info)(urn, text)

    def held(self, urn: str) -> StateResource | None:
        """The resource as the saved state has it; None where it is not there any more, or can't be read."""
        gone = self._session.notes(urn).gone
        found = (each for each in self._session.in_state(urn) if each.urn == urn and not each.is_pending_delete)
        return next((each for each in found if not gone or record_id_of(each.id) != gone), None)

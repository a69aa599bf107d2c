"""What ``check`` decides: which backups go, shown in a preview, compared with it in an ``up``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..api.backups import BackupRecord
from ..api.errors import ServiceError
from ..api.instances import is_instance_gone
from ..engine.requests import ProgramFacts
from ..engine.unknowns import UNKNOWN
from ..engine.urn import resource_name
from ..operations.errors import OperationError
from ..operations.record_cache import Snapshot
from ..resources.backups import BackupServices
from ..resources.instance_probe import InstanceProbe, no_instance
from ..resources.location import LocationFiller
from ..resources.refusals import Failure
from ..resources.run_backups import RunBackup, RunBackups
from ..session import Session
from . import preview
from .decision import Decision, Reason
from .names import DELETES
from .properties import COUNTED, UNSETTLED, Inputs, changed, listed, listed_ids, not_known, replacements
from .siblings import Siblings
from .survey import Survey, survey

_LIST_TIMEOUT: Final = 2 * 60.0
"""Seconds that an ``up`` waits for the list of an instance's backups."""


class NotListedError(OperationError):
    """The backups that would go now are not those that the preview has listed."""


class NotYetKnownError(OperationError):
    """Another retention would delete what this one keeps, since it decides before it knows of this one."""


class Planning:
    """Fills in the backups that go.

    Args:
        locations: knows whether there are credentials at hand.
        services: the backups of each project and region.
    """

    def __init__(self, session: Session, locations: LocationFiller, services: BackupServices) -> None:
        self._session = session
        self._locations = locations
        self._services = services
        self._probe = session.shared(InstanceProbe)
        self._run_backups = session.shared(RunBackups)
        self._siblings = session.shared(Siblings)
        self._notes = session.preview_notes
        self._said: dict[str, str] = {}

    def fill_in(
        self, urn: str, old_inputs: Mapping[str, Any], inputs: dict[str, Any], program: ProgramFacts
    ) -> list[Failure]:
        """Fill in the backups that go, if there is a reason to look at them.

        Raises:
            NotListedError: the preview of this run has not listed one of them.
            DcsError: what goes could not be found out, in an ``up``.
        """
        self._siblings.note(urn, inputs)
        is_preview = program.dry_run
        # Where none has been declared yet, as with --target, there is no reason to look.
        counted = _hash_of(self._run_backups.of(inputs)) or str(old_inputs.get(COUNTED) or "")
        inputs[COUNTED] = UNKNOWN if is_preview else counted
        if not self._is_due(old_inputs, inputs, counted):
            return []
        try:
            found = self._survey(urn, inputs, is_preview=is_preview)
        except ServiceError as error:
            if is_preview or is_instance_gone(error):
                return [no_instance(error)]
            raise
        if found is None:
            self._notes.write(urn, None)
            return []
        known, decision = Inputs.of(inputs), found.decision
        is_secret = found.is_secret or "remark" in program.secret_inputs
        if len(decision.deleted) > known.max_deletions:
            return [Failure("max_deletions", preview.too_many(known, decision, is_secret=is_secret))]
        if decision.deleted:
            inputs[DELETES] = listed(decision.deleted, is_secret=is_secret)
        if is_preview:
            self._check_others(urn, known, decision)
            self._siblings.note_listed(urn, decision.deleted_ids)
            self._notes.write(urn, decision.deleted_ids)
            self._say(urn, old_inputs, inputs, found, is_secret=is_secret)
        else:
            self._compare(urn, known, found, is_secret=is_secret)
        return []

    def _is_due(self, old_inputs: Mapping[str, Any], inputs: Mapping[str, Any], counted: str) -> bool:
        """Whether there is a reason: something is new, a refresh has seen a surplus, or this run takes a backup.

        After a run that deleted something, it is looked once more: it may have failed half-way.

        Args:
            counted: the declared backups; others than last time if no run since they were taken has come to its end.
        """
        return bool(
            not old_inputs
            or changed(old_inputs, inputs)
            or replacements(old_inputs, inputs)
            or old_inputs.get(UNSETTLED)
            or listed_ids(old_inputs)
            or old_inputs.get(COUNTED, "") != counted
            or any(each.is_new for each in self._run_backups.of(inputs))
        )

    def _survey(self, urn: str, inputs: Mapping[str, Any], *, is_preview: bool) -> Survey | None:
        """Decide what goes; None in a preview that can't find out, and has said why."""
        log = self._session.log
        if missing := not_known(inputs):
            log.info(urn, preview.not_asked(missing))
            return None
        if is_preview and not self._locations.has_credentials(urn):
            log.info(urn, preview.not_asked(()))
            return None
        known = Inputs.of(inputs)
        service = self._services.of(inputs)
        snapshot: Snapshot[BackupRecord] | None
        if is_preview:
            snapshot = self._probe.backups(urn, service, known.instance_id)
            if snapshot is None or not snapshot.is_complete:
                log.info(urn, preview.not_asked(()))
                return None
        else:
            name = f"list the backups of instance {known.instance_id}"
            operation = self._session.operation(name, urn, _LIST_TIMEOUT)
            snapshot = service.cache.list_completely(operation, known.instance_id)
        return survey(self._session, urn, inputs, snapshot, is_preview=is_preview)

    def _say(
        self,
        urn: str,
        old_inputs: Mapping[str, Any],
        inputs: Mapping[str, Any],
        found: Survey,
        *,
        is_secret: bool,
    ) -> None:
        known = Inputs.of(inputs)
        if found.decision.deleted:
            text = preview.deletions(known, found, is_secret=is_secret)
        elif not old_inputs or {"keep", "remark", "keep_ids"}.intersection(changed(old_inputs, inputs)):
            text = preview.nothing_to_delete(known, found)
        else:
            return
        # A resource that is replaced is checked twice.
        if self._said.get(urn) != text:
            self._said[urn] = text
            self._session.log.info(urn, text)

    def _check_others(self, urn: str, inputs: Inputs, decision: Decision) -> None:
        """Raise the error where the preview lists for another retention what this one keeps."""
        newest = [each.record.backup_id for each in decision.kept if each.reason is Reason.NEWEST]
        found = self._siblings.listing(urn, [*newest, *inputs.keep_ids])
        if found is None:
            return
        backup_id, other = found
        name = resource_name(urn)
        raise NotYetKnownError(
            f"{other!r} would delete backup {backup_id} of instance {inputs.instance_id}, which {name!r} keeps.",
            facts=[f"{other!r} decides before it knows what {name!r} declares now"],
            advice=f"let {other!r} depend on {name!r} (depends_on), or declare {name!r} one run earlier.",
        )

    def _compare(self, urn: str, inputs: Inputs, found: Survey, *, is_secret: bool) -> None:
        note = self._notes.read(urn)
        if note is None:
            return
        others = [record for record in found.decision.deleted if record.backup_id not in note.backup_ids]
        if not others:
            return
        described = [preview.describe(record, is_secret=is_secret) for record in others]
        why = "its preview did not list" if note.is_listed else "its preview could not find out"
        raise NotListedError(
            f"No backup of instance {inputs.instance_id} was deleted: {why} all that would go now.",
            facts=[f"not listed: backup {each}" for each in described],
            advice="run `pulumi up` again and read its preview. If a resource of this program takes the new backup, "
            "let the retention depend on it (depends_on=[backup]).",
        )


def _hash_of(backups: Iterable[RunBackup]) -> str:
    """A text that tells these declared backups from others; empty for none."""
    told = sorted(f"{each.urn} {each.inputs_hash}" for each in backups)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16] if told else ""

"""What happens to a ``BackupVerification``: check, diff, create, read, update, delete, in the engine's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..api.errors import DcsError
from ..engine.errors import DiagnosticError, ResourceInitFailedError
from ..engine.requests import (
    CheckRequest,
    CheckResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
    top_level_names,
)
from ..engine.values import without_assets
from ..operations.errors import OperationError, RecordNotFoundError
from ..recovery.evidence import ResourceEvidence
from ..resources.advice import in_pulumis_terms
from ..resources.backups import KIND as BACKUP
from ..resources.backups import BackupServices
from ..resources.diagnosed import diagnosed
from ..resources.inputs import newly_secret
from ..resources.location import LocationFiller
from ..resources.names import ENDPOINT, SECRET_INPUTS
from ..resources.origin import check_origin
from ..resources.refusals import refuse
from ..resources.run_backups import RunBackups
from ..session import Session
from . import preview
from .analysis import Analysis, EarlierRuns, is_cut_short
from .identity import VerificationId
from .preflight import Preflight
from .properties import (
    DEFAULT_MINIMUM_KEYS,
    Inputs,
    canonical_inputs,
    counted,
    outputs,
    outputs_with,
    replacements,
    shards_in,
    updates,
)
from .service import AnalysisServices
from .validation import check

CREATE_TIMEOUT: Final = 30 * 60.0
DELETE_TIMEOUT: Final = 10 * 60.0
READ_TIMEOUT: Final = 2 * 60.0
_REFRESH_MAX_AGE: Final = 10.0
"""Seconds for which a refresh uses an instance's list again for its other backups."""


class Lifecycle:
    """Carries out what the engine asks for (see ``engine.requests.Provider``)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._backups = session.shared(BackupServices.of_session)
        self._analyses = session.shared(AnalysisServices.of_session)
        self._locations = LocationFiller(session)
        self._preflight = Preflight(session, self._locations, self._backups)

    @property
    def is_debugging(self) -> bool:
        """Whether diagnostics show where they come from (``DCS_DEBUG=1``)."""
        return self._session.settings.is_debugging

    @diagnosed
    def check(self, request: CheckRequest) -> CheckResponse:
        """Validate the inputs and fill in where the backup is. In previews, also ask whether it can be verified."""
        session, urn, program = self._session, request.urn, request.program
        notes = session.note_check(urn, program, request.old_inputs)
        failures = list(check(request.new_inputs))
        declared = {**request.new_inputs, SECRET_INPUTS: program.secret_paths}
        inputs: dict[str, Any] = without_assets(canonical_inputs(declared))
        if not failures:
            failures = self._locations.fill_in(urn, notes.old_inputs, inputs, is_preview=program.dry_run)
        if not failures and program.dry_run and not request.old_inputs:
            failures = self._preflight.check(urn, inputs)
        session.shared(RunBackups).note_needed(urn, inputs.get("backup_id"))
        notes.checked_at = notes.checked_at or session.clock.monotonic()
        return CheckResponse(inputs, refuse(failures, inputs, program.secret_inputs))

    @diagnosed
    def diff(self, request: DiffRequest) -> DiffResponse:
        """Replace for another backup; update for one that is not verified yet, or another minimum; else nothing."""
        which = VerificationId.parse(request.id)
        notes = self._session.notes(request.urn)
        notes.was_diffed = True
        changes = replacements(request.old_inputs, request.new_inputs)
        if changes:
            return DiffResponse(changes, has_changes=True)
        changes = updates(request.old_inputs, request.old_outputs, request.new_inputs)
        if notes.program.replaces_on(changes):
            return DiffResponse(changes, has_changes=True)
        keys, minimum = counted(request.old_outputs), Inputs.of(request.new_inputs).minimum_keys
        if notes.program.dry_run:
            self._say_what_an_update_does(request, which, keys, is_compared="minimum_keys" in changes)
        is_open = keys is None or keys < minimum
        return DiffResponse(changes, has_changes=bool(changes) or is_open or request.has_old_assets)

    @diagnosed
    def create(self, request: CreateRequest) -> CreateResponse:
        """Have the backup read through."""
        started_at = self._session.clock.monotonic()
        inputs = Inputs.of(request.properties)
        analysis = self._analysis(request.urn, request.properties, request.timeout)
        notes = self._session.notes(request.urn)

        def is_open(pending: Mapping[str, Any], backup_id: str) -> bool:
            if (pending.get("instance_id"), pending.get("backup_id")) != (inputs.instance_id, backup_id):
                return False
            # A pending create stays in the state after it was carried out: tasks from then on are other people's.
            state = self._session.stack_states.read(request.urn, self._session.organization)
            return all(replacements(each.inputs, pending) for each in state.resources if each.urn == request.urn)

        def earlier(backup_id: str) -> ResourceEvidence:
            is_own = backup_id == inputs.backup_id
            return ResourceEvidence(
                self._session.stack_states,
                request.urn,
                self._session.organization,
                started_at=started_at,
                checked_at=notes.checked_at,
                has_same_inputs=lambda pending: is_open(pending, backup_id),
                # Of those for another backup, none is this run's.
                is_own_saved=is_own and self._session.saves_pending_creates,
            )

        return self._verify(analysis, request.properties, None, earlier)

    @diagnosed
    def read(self, request: ReadRequest) -> ReadResponse:
        """Look whether the backup still exists: a proof of one that is gone proves nothing, and leaves the state."""
        if ENDPOINT not in request.properties:
            raise RecordNotFoundError(
                f"{request.id!r}: a BackupVerification can't be read from elsewhere or imported.",
                advice="declare it: then the service reads the backup through.",
            )
        which, known = VerificationId.parse(request.id), request.properties
        service = self._backups.of(known)
        name = f"list the backups of instance {which.instance_id}"
        operation = self._session.operation(name, request.urn, request.timeout or READ_TIMEOUT)
        record = service.find(operation, which.instance_id, which.backup_id, max_age=_REFRESH_MAX_AGE)
        if record is not None:
            return ReadResponse(request.id, known)
        what = BACKUP.of(which.backup_id, which.instance_id)
        check_origin(what, known, service.client.location)
        self._session.log.warn(
            request.urn,
            f"{what[:1].upper()}{what[1:]} no longer exists: its verification is dropped from the state. The next "
            "`pulumi up` verifies the backup that is declared then.",
        )
        return ReadResponse("")

    @diagnosed
    def update(self, request: UpdateRequest) -> UpdateResponse:
        """Go on with a verification that was cut short; else compare what was counted with the minimum."""
        which = VerificationId.parse(request.id)
        if counted(request.old_outputs) is not None:
            kept = outputs_with(request.new_inputs, request.old_outputs)
            self._require_enough(which, kept)
            return UpdateResponse(kept)
        analysis = self._analysis(request.urn, request.new_inputs, request.timeout, known=request.old_outputs)
        return UpdateResponse(self._verify(analysis, request.new_inputs, which).properties)

    @diagnosed
    def delete(self, request: DeleteRequest) -> None:
        """Remove the service's tasks, if there are any left. The backup and the instance's data stay as they are."""
        which = VerificationId.parse(request.id)
        shards = shards_in(request.properties)
        if not shards:
            return
        service = self._analyses.through(self._backups.of(request.properties).client)
        name = f"remove the key analysis tasks of instance {which.instance_id}"
        operation = self._session.operation(name, request.urn, request.timeout or DELETE_TIMEOUT)
        try:
            for shard in shards:
                service.remove(operation, which.instance_id, shard.task_id)
        except OperationError as error:
            text = in_pulumis_terms(error, fact="the verification stays in the state; the next run removes the tasks")
            raise DiagnosticError(text) from error

    def _analysis(
        self, urn: str, declared: Mapping[str, Any], timeout: float | None, *, known: Mapping[str, Any] | None = None
    ) -> Analysis:
        inputs = Inputs.of(declared)
        backups = self._backups.of(declared)
        name = f"verify backup {inputs.backup_id} of instance {inputs.instance_id}"
        operation = self._session.operation(name, urn, timeout or CREATE_TIMEOUT)
        service = self._analyses.through(backups.client)
        return Analysis(
            self._session, backups, service, operation, urn=urn, inputs=inputs, known=shards_in(known or {})
        )

    def _verify(
        self,
        analysis: Analysis,
        declared: Mapping[str, Any],
        which: VerificationId | None,
        earlier: EarlierRuns | None = None,
    ) -> CreateResponse:
        """Carry the verification out; what the state keeps, however it ends.

        Args:
            which: the resource's id, if it has one already.
        """
        inputs, kept = Inputs.of(declared), canonical_inputs(declared)
        endpoint = self._backups.of(declared).client.location.endpoint
        try:
            counts = analysis.run(earlier)
        except DcsError as error:
            if not is_cut_short(error):
                analysis.remove_tasks()
            if not is_cut_short(error) or not analysis.shards:
                raise
            which = which or VerificationId(inputs.instance_id, inputs.backup_id, analysis.shards[0].task_id)
            again = "run `pulumi up` again: it continues the verification, and what was read through is not read again."
            text = in_pulumis_terms(
                error,
                fact="the verification is in the state, and the service goes on with what was started",
                advice=f"{error.advice[:-1]}, then {again}" if error.advice else again,
            )
            properties = outputs(kept, analysis.backup, endpoint, shards=analysis.tasks)
            raise ResourceInitFailedError(text, id=str(which), properties=properties) from error
        which = which or VerificationId(inputs.instance_id, inputs.backup_id, analysis.shards[0].task_id)
        left = analysis.remove_tasks()
        properties = outputs(kept, analysis.backup, endpoint, counts=counts, shards=left)
        self._require_enough(which, properties)
        return CreateResponse(str(which), properties)

    def _require_enough(self, which: VerificationId, properties: Mapping[str, Any]) -> None:
        """Make sure that the backup has as many keys as are wanted. If not, the resource stays in the state.

        What was counted can't change: so the next run compares again, and has nothing read.
        """
        error = too_few(which, properties, properties)
        if error is not None:
            raise ResourceInitFailedError(in_pulumis_terms(error), id=str(which), properties=properties) from error

    def _say_what_an_update_does(
        self, request: DiffRequest, which: VerificationId, keys: int | None, *, is_compared: bool
    ) -> None:
        urn, log = request.urn, self._session.log
        if keys is None:
            log.info(urn, preview.going_on(which.backup_id))
        elif (error := too_few(which, request.old_outputs, request.new_inputs)) is not None:
            # It is known now what the update would come to.
            raise error
        elif is_compared:
            log.info(urn, preview.comparing(which.backup_id, keys))
        if names := newly_secret(request.old_outputs, request.new_inputs):
            log.info(urn, preview.encryption(names))


class TooFewKeysError(OperationError):
    """The backup can be read, and has fewer keys than are wanted."""


def too_few(
    which: VerificationId, properties: Mapping[str, Any], declared: Mapping[str, Any]
) -> TooFewKeysError | None:
    """The error for a verified backup with too few keys; None if it has enough.

    Args:
        properties: what was counted.
        declared: the inputs as they are declared now.
    """
    keys, minimum = counted(properties), Inputs.of(declared).minimum_keys
    if keys is None or keys >= minimum:
        return None
    by_type = ", ".join(f"{number} {name}" for name, number in (properties.get("keys_by_type") or {}).items())
    size = f", {properties['key_bytes']} bytes" if properties.get("key_bytes") is not None else ""
    wanted = f"minimum_keys is {minimum}{'' if minimum != DEFAULT_MINIMUM_KEYS else ', the default'}"
    if "minimum_keys" in top_level_names(declared.get(SECRET_INPUTS) or ()):
        wanted = "minimum_keys is more (its value is a secret and not shown)"
    return TooFewKeysError(
        f"Backup {which.backup_id} of instance {which.instance_id} has {keys} key{'s' * (keys != 1)}, too few: "
        f"{wanted}.",
        facts=[f"the service has read it through{f': {by_type}{size}' if by_type else ''}"],
        advice="check that the instance held its data when the backup was made, and take another backup; or lower "
        "minimum_keys, which is compared with the known count without reading the backup again.",
    )

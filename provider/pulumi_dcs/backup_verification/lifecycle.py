"""What happens to a ``BackupVerification``: check, diff, create, read, update, delete, in the engine's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..api.backups import BackupRecord
from ..engine.errors import ResourceInitFailedError
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
)
from ..engine.values import without_assets
from ..operations.errors import CancelledError, CredentialsRefusedError, RecordNotFoundError, TimedOutError
from ..operations.operation import Operation
from ..resources.advice import in_pulumis_terms
from ..resources.backups import KIND, BackupServices
from ..resources.diagnosed import diagnosed
from ..resources.inputs import newly_secret
from ..resources.location import LocationFiller
from ..resources.names import ENDPOINT, SECRET_INPUTS
from ..resources.origin import check_origin
from ..resources.refusals import refuse
from ..session import Session
from . import preview
from .analysis import Analysis
from .identity import VerificationId
from .preflight import Preflight, check_verifiable
from .properties import (
    Inputs,
    canonical_inputs,
    check_enough,
    is_finished,
    outputs,
    outputs_with,
    replacements,
    tasks_of,
    unfinished,
    updates,
)
from .service import AnalysisServices
from .validation import check

CREATE_TIMEOUT: Final = 30 * 60.0
READ_TIMEOUT: Final = 2 * 60.0
DELETE_TIMEOUT: Final = 2 * 60.0
_REFRESH_MAX_AGE: Final = 10.0
"""Seconds for which a refresh uses an instance's list of backups again."""


class Lifecycle:
    """Carries out what the engine asks for (see ``engine.requests.Provider``)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._services = session.shared(AnalysisServices.of_session)
        self._backups = session.shared(BackupServices.of_session)
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
        return CheckResponse(inputs, refuse(failures, inputs, program.secret_inputs))

    @diagnosed
    def diff(self, request: DiffRequest) -> DiffResponse:
        """Replace for what calls for another count, update for what was cut short or asks for more keys."""
        notes = self._session.notes(request.urn)
        changes = replacements(request.old_inputs, request.new_inputs)
        if not changes:
            changes = updates(request.old_inputs, request.old_outputs, request.new_inputs)
        if any(kind.replaces for kind in changes.values()) or notes.program.replaces_on(changes):
            return DiffResponse(changes, has_changes=True)
        is_open = not is_finished(request.old_outputs)
        if notes.program.dry_run:
            if is_open:
                self._session.log.info(request.urn, preview.going_on(Inputs.of(request.new_inputs)))
            else:
                self._check_known_counts(request.old_outputs, request.new_inputs)
            if names := newly_secret(request.old_outputs, request.new_inputs):
                self._session.log.info(request.urn, preview.encryption(names))
        return DiffResponse(changes, has_changes=bool(changes) or is_open or request.has_old_assets)

    @diagnosed
    def create(self, request: CreateRequest) -> CreateResponse:
        """Have the keys counted."""
        return self._verify(request, request.properties, {})

    @diagnosed
    def read(self, request: ReadRequest) -> ReadResponse:
        """Look whether the backup still exists: what was counted in it stays true for as long as it does."""
        which = VerificationId.parse(request.id)
        if request.is_get:
            raise RecordNotFoundError(
                f"{request.id!r}: a BackupVerification can't be read from elsewhere or imported.",
                advice="declare it: the backup is then verified.",
            )
        known = {**request.inputs, **request.properties}
        inputs = Inputs.of(known)
        service = self._backups.of(known)
        operation = self._operation(f"list the backups of instance {which.instance_id}", request, READ_TIMEOUT)
        backup = service.find(operation, inputs.instance_id, inputs.backup_id, max_age=_REFRESH_MAX_AGE)
        if backup is None:
            check_origin(KIND.of(inputs.backup_id, inputs.instance_id), known, service.client.location)
            return ReadResponse("")
        return ReadResponse(request.id, request.properties)

    @diagnosed
    def update(self, request: UpdateRequest) -> UpdateResponse:
        """Go on with a verification that was cut short; else compare what was counted with what is asked for."""
        if not is_finished(request.old_outputs):
            tasks = tasks_of(request.old_outputs)
            return UpdateResponse(self._verify(request, request.new_inputs, tasks, id=request.id).properties)
        self._check_known_counts(request.old_outputs, request.new_inputs)
        return UpdateResponse(outputs_with(request.new_inputs, request.old_outputs))

    @diagnosed
    def delete(self, request: DeleteRequest) -> None:
        """Forget the verification, and stop nothing but what it has left at the service. The backup stays."""
        tasks = tasks_of(request.properties)
        if not tasks:
            return
        inputs = Inputs.of(request.properties)
        operation = self._operation(f"delete the key analyses of backup {inputs.backup_id}", request, DELETE_TIMEOUT)
        service = self._services.of(request.properties)
        Analysis(service, operation, inputs.instance_id, inputs.backup_id, tasks).clear_away(operation)

    def _verify(
        self,
        request: CreateRequest | UpdateRequest,
        declared: Mapping[str, Any],
        tasks: Mapping[str, str],
        *,
        id: str = "",
    ) -> CreateResponse:
        """Count the keys; the resource's id and outputs.

        From the first task on an error that leaves it running keeps the resource in the state, so that the next run
        goes on with it.

        Args:
            declared: the checked inputs.
            tasks: those of an earlier run that was cut short.
            id: the resource's, if it has one.
        """
        inputs, kept = Inputs.of(declared), canonical_inputs(declared)
        operation = self._operation(f"verify backup {inputs.backup_id}", request, CREATE_TIMEOUT)
        service = self._services.of(declared)
        endpoint = service.client.location.endpoint
        analysis = Analysis(service, operation, inputs.instance_id, inputs.backup_id, tasks)
        try:
            backup = self._backup(operation, declared, inputs)
            counts = analysis.run()
        except (TimedOutError, CancelledError, CredentialsRefusedError) as error:
            if not analysis.tasks:
                raise
            again = "run `pulumi up` again: it goes on with the same key analysis."
            text = in_pulumis_terms(
                error,
                fact=f"the verification of backup {inputs.backup_id} is in the state; it proves nothing yet",
                advice=f"{error.advice[:-1]}, then {again}" if error.advice else again,
            )
            own_id = id or str(VerificationId(inputs.instance_id, next(iter(analysis.tasks.values()))))
            properties = unfinished(kept, analysis.tasks, endpoint)
            raise ResourceInitFailedError(text, id=own_id, properties=properties) from error
        except Exception:
            analysis.clear_away(operation)
            raise
        first_task = next(iter(analysis.tasks.values()))
        analysis.clear_away(operation)
        check_enough(counts.keys, dict(counts.by_type), inputs)
        found = outputs({name: value for name, value in kept.items() if name != ENDPOINT}, counts, backup, endpoint)
        return CreateResponse(id or str(VerificationId(inputs.instance_id, first_task)), found)

    def _backup(self, operation: Operation, declared: Mapping[str, Any], inputs: Inputs) -> BackupRecord:
        """The backup, once it has succeeded."""
        service = self._backups.of(declared)
        found = service.cache.list_completely(operation, inputs.instance_id).records.get(inputs.backup_id)
        check_verifiable(found, inputs)
        if found is not None and found.has_succeeded:
            return found
        return service.wait(operation, inputs.instance_id, inputs.backup_id)

    def _check_known_counts(self, old_outputs: Mapping[str, Any], new_inputs: Mapping[str, Any]) -> None:
        """Compare what was counted before with what is asked for now."""
        by_type = old_outputs.get("keys_by_type")
        check_enough(
            int(old_outputs["key_count"]), by_type if isinstance(by_type, Mapping) else {}, Inputs.of(new_inputs)
        )

    def _operation(
        self, name: str, request: CreateRequest | ReadRequest | UpdateRequest | DeleteRequest, timeout: float
    ) -> Operation:
        return self._session.operation(name, request.urn, request.timeout or timeout)

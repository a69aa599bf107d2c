"""What happens to an ``InstanceRestore``: check, diff, create, read, update, delete, in the engine's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

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
from ..operations.errors import OperationError, RecordNotFoundError
from ..operations.operation import Operation
from ..operations.wait import MISSING_TIMEOUT
from ..resources.advice import in_pulumis_terms
from ..resources.backups import BackupServices
from ..resources.create_attempt import was_interrupted
from ..resources.diagnosed import diagnosed
from ..resources.inputs import newly_secret
from ..resources.location import LocationFiller
from ..resources.names import SECRET_INPUTS
from ..resources.origin import check_origin, is_elsewhere
from ..resources.refusals import Failure, refuse
from ..resources.run_backups import RunBackups
from ..session import Session
from . import preview
from .adoption import Adoption
from .completion import Completion, not_repeated
from .creation import Creation
from .identity import RestoreId
from .names import TARGET_PASSWORD
from .orphans import name_orphans
from .preflight import Preflight
from .properties import (
    GONE,
    Inputs,
    Phase,
    canonical_inputs,
    outputs,
    outputs_with,
    phase_of,
    replacements,
    replacing_inputs,
    updates,
)
from .service import RestoreService, RestoreServices, kind_of
from .validation import check

CREATE_TIMEOUT: Final = 60 * 60.0
"""Seconds. A restore takes up to 30 minutes, and the instance may be busy before."""
READ_TIMEOUT: Final = 2 * 60.0


class Lifecycle:
    """Carries out what the engine asks for (see ``engine.requests.Provider``)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._services = session.shared(RestoreServices.of_session)
        self._locations = LocationFiller(session)
        self._backups = session.shared(BackupServices.of_session)
        self._preflight = Preflight(session, self._locations, self._backups, self._services)
        self._completion = Completion(session, self._backups)
        self._adoption = Adoption(session)
        self._name_orphans = name_orphans(session, self._services)

    @property
    def is_debugging(self) -> bool:
        """Whether diagnostics show where they come from (``DCS_DEBUG=1``)."""
        return self._session.settings.is_debugging

    @diagnosed
    def check(self, request: CheckRequest) -> CheckResponse:
        """Validate the inputs and fill in where the instance is. In previews, also ask, and warn of what is lost."""
        session, urn, program = self._session, request.urn, request.program
        notes = session.note_check(urn, program, request.old_inputs)
        self._name_orphans(urn)
        failures = list(check(request.new_inputs))
        declared = {**request.new_inputs, SECRET_INPUTS: program.secret_paths}
        inputs: dict[str, Any] = without_assets(canonical_inputs(declared))
        if not failures:
            failures = self._locations.fill_in(urn, notes.old_inputs, inputs, is_preview=program.dry_run)
        if not failures and program.dry_run and not request.old_inputs:
            failures = self._check_what_is_made(urn, inputs)
        session.shared(RunBackups).note_needed(urn, inputs.get("backup_id"))
        if not failures and not program.dry_run and not request.old_inputs:
            session.read_state_before_creates(urn)
        notes.checked_at = notes.checked_at or session.clock.monotonic()
        return CheckResponse(inputs, refuse(failures, inputs, program.secret_inputs))

    @diagnosed
    def diff(self, request: DiffRequest) -> DiffResponse:
        """Replace for what calls for another restore; update for one that has not succeeded yet; else nothing."""
        which = RestoreId.parse(request.id)
        self._note_in_state(request.urn, which)
        notes = self._session.notes(request.urn)
        notes.was_diffed = True
        changes = replacements(request.old_inputs, request.new_inputs)
        if changes:
            return DiffResponse(changes, has_changes=True)
        changes = updates(request.old_inputs, request.old_outputs, request.new_inputs)
        if notes.program.replaces_on(changes):
            return DiffResponse(changes, has_changes=True)
        phase, is_waited_for = phase_of(request.old_outputs), Inputs.of(request.new_inputs).wait
        if notes.program.dry_run:
            self._say_what_an_update_does(request.urn, which, request.old_outputs, is_waited_for=is_waited_for)
            if names := newly_secret(request.old_outputs, request.new_inputs):
                self._session.log.info(request.urn, preview.encryption(names))
        is_open = is_waited_for and phase is not Phase.SUCCEEDED
        return DiffResponse(changes, has_changes=bool(changes) or is_open or request.has_old_assets)

    @diagnosed
    def create(self, request: CreateRequest) -> CreateResponse:
        """Restore, or take over the restore that is to be adopted."""
        started_at = self._session.clock.monotonic()
        inputs = Inputs.of(request.properties)
        if not request.urn:
            raise OperationError(
                "Nothing was restored: this version of Pulumi's Python SDK keeps from its providers which resource "
                "they work for, so that it could not be told whether an interrupted run has restored already.",
                advice="use one of the versions that pulumi-dcs is tested with.",
            )
        service = self._services.of(request.properties)
        verb = "import into" if inputs.is_import else "restore"
        operation = self._operation(f"{verb} instance {inputs.instance_id}", request, CREATE_TIMEOUT)
        adopted = inputs.adopt_restore_id
        if adopted is not None and not self._adoption.is_spent(request.urn, adopted):
            return self._adopt(request, operation, inputs, adopted)
        creation = Creation(
            self._session, service, self._backups.of(request.properties), request, inputs, started_at=started_at
        )
        try:
            which = RestoreId(inputs.instance_id, creation.run(operation))
            return self._completion.finish(service, operation, request.properties, which, creation.backup)
        finally:
            creation.note_returned()

    @diagnosed
    def read(self, request: ReadRequest) -> ReadResponse:
        """Look how a restore that was not waited for has ended. One that has ended is never asked for, nor dropped."""
        which = RestoreId.parse(request.id)
        if "restore_id" not in request.properties:
            raise RecordNotFoundError(
                f"{request.id!r}: an InstanceRestore can't be read from elsewhere or imported.",
                advice="declare it, with adopt_restore_id to take over a restore that was carried out already.",
            )
        self._note_in_state(request.urn, which)
        known = request.properties
        if phase_of(known) is not Phase.RUNNING:
            return ReadResponse(request.id, known)
        inputs = Inputs.of(known)
        service = self._services.of({**known, TARGET_PASSWORD: request.inputs.get(TARGET_PASSWORD)})
        kind = kind_of(is_import=inputs.is_import)
        operation = self._operation(f"list the {kind.noun}s of instance {which.instance_id}", request, READ_TIMEOUT)
        channel = service.channel(is_import=inputs.is_import)
        record = channel.find(operation, which.instance_id, which.restore_id, missing_timeout=MISSING_TIMEOUT)
        if record is None:
            what = kind.of(which.restore_id, which.instance_id)
            if is_elsewhere(known, service.client.location):
                self._session.log.warn(
                    request.urn,
                    f"{what} is not at {service.client.location.endpoint}, but it was started at "
                    f"{known['endpoint']}: the state keeps what it has.",
                )
                return ReadResponse(request.id, known)
            self._session.log.warn(request.urn, f"The service no longer lists {what}: how it ended is not known.")
            return ReadResponse(request.id, {**known, "status": GONE})
        seen = outputs(canonical_inputs(known), which.restore_id, record, str(known.get("endpoint") or ""))
        return ReadResponse(request.id, {**known, **seen})

    @diagnosed
    def update(self, request: UpdateRequest) -> UpdateResponse:
        """Go on waiting for a restore that was cut short; else bring the outputs up to date. It never restores."""
        which = RestoreId.parse(request.id)
        self._note_in_state(request.urn, which)
        phase, old = phase_of(request.old_outputs), request.old_outputs
        is_waited_for = Inputs.of(request.new_inputs).wait
        if phase is Phase.RUNNING and is_waited_for:
            service = self._services.of(request.new_inputs)
            operation = self._operation(f"restore instance {which.instance_id}", request, CREATE_TIMEOUT)
            self._check_origin(service, operation, which, old)
            return UpdateResponse(self._completion.finish(service, operation, request.new_inputs, which).properties)
        kept = outputs_with(request.new_inputs, old)
        if phase is not Phase.SUCCEEDED and is_waited_for:
            error = not_repeated(which, old)
            raise ResourceInitFailedError(in_pulumis_terms(error), id=request.id, properties=kept) from error
        return UpdateResponse(kept)

    @diagnosed
    def delete(self, request: DeleteRequest) -> None:
        """Forget the restore. It can't be undone: the instance's data stays as it is."""
        which = RestoreId.parse(request.id)
        self._name_orphans(request.urn)
        is_running = phase_of(request.properties) is Phase.RUNNING
        kind = kind_of(is_import=Inputs.of(request.properties).is_import)
        going_on = f" Its {kind.of(which.restore_id, which.instance_id)} goes on." if is_running else ""
        self._session.log.info(
            request.urn, f"No data is touched: instance {which.instance_id} stays as it is.{going_on}"
        )

    def _adopt(self, request: CreateRequest, operation: Operation, inputs: Inputs, restore_id: str) -> CreateResponse:
        service = self._services.of(request.properties)
        self._adoption.adopt(service, operation, request.urn, inputs, restore_id)
        which = RestoreId(inputs.instance_id, restore_id)
        channel = service.channel(is_import=inputs.is_import)
        if not inputs.wait and channel.find(operation, which.instance_id, restore_id) is None:
            endpoint = service.client.location.endpoint
            kept = outputs(canonical_inputs(request.properties), restore_id, None, endpoint) | {"status": GONE}
            return CreateResponse(str(which), kept)
        return self._completion.finish(service, operation, request.properties, which)

    def _check_origin(
        self, service: RestoreService, operation: Operation, which: RestoreId, old_outputs: Mapping[str, Any]
    ) -> None:
        """Make sure that a restore is waited for where it was started; elsewhere it would seem to have gone."""
        is_import = Inputs.of(old_outputs).is_import
        if is_elsewhere(old_outputs, service.client.location):
            channel = service.channel(is_import=is_import)
            if channel.find(operation, which.instance_id, which.restore_id) is None:
                what = kind_of(is_import=is_import).of(which.restore_id, which.instance_id)
                check_origin(what, old_outputs, service.client.location)

    def _check_what_is_made(self, urn: str, inputs: Mapping[str, Any]) -> list[Failure]:
        """Check what a preview is about to have done, and say it."""
        adopted = inputs.get("adopt_restore_id")
        if adopted is not None and not self._adoption.is_spent(urn, adopted):
            return self._preflight.check_adoption(urn, inputs)
        why = ""
        held = next((each for each in self._session.in_state(urn) if each.urn == urn), None)
        if held is not None and (before := RestoreId.parse(held.id)).instance_id == inputs.get("instance_id"):
            why = preview.again(phase_of(held.outputs), before.restore_id)
        if was_interrupted(self._session, urn, inputs, replacing_inputs):
            why += preview.INTERRUPTED
        return self._preflight.check_restore(urn, inputs, why=why)

    def _say_what_an_update_does(
        self, urn: str, which: RestoreId, old_outputs: Mapping[str, Any], *, is_waited_for: bool
    ) -> None:
        phase = phase_of(old_outputs)
        if phase is Phase.RUNNING and is_waited_for:
            self._session.log.info(urn, preview.going_on(which.instance_id, which.restore_id))
        elif phase is not Phase.SUCCEEDED and is_waited_for:
            self._session.log.warn(urn, in_pulumis_terms(not_repeated(which, old_outputs)))
        elif phase is Phase.FAILED:
            self._session.log.warn(urn, preview.failed_and_accepted(which.instance_id, which.restore_id))

    def _note_in_state(self, urn: str, which: RestoreId) -> None:
        """The engine has named the restore: its saved state holds it for this resource."""
        self._session.notes(urn).held = which.restore_id
        self._session.journal.note_in_state(urn, which.restore_id)

    def _operation(self, name: str, request: CreateRequest | ReadRequest | UpdateRequest, timeout: float) -> Operation:
        return self._session.operation(name, request.urn, request.timeout or timeout)

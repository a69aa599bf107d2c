"""What happens to an ``InstanceBackup``: check, diff, create, read, update, delete, in the engine's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..api.backups import BackupStatus
from ..engine.errors import DiagnosticError, ResourceInitFailedError
from ..engine.requests import (
    CheckRequest,
    CheckResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    PropertyDiffKind,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)
from ..engine.unknowns import has_unknowns
from ..engine.urn import resource_name
from ..engine.values import without_assets
from ..operations.errors import (
    CancelledError,
    DeleteFailedError,
    OperationError,
    RecordFailedError,
    RecordGoneError,
    RecordNotFoundError,
    TimedOutError,
)
from ..operations.operation import Operation
from ..operations.wait import MISSING_TIMEOUT
from ..resources.advice import in_pulumis_terms
from ..resources.backups import KIND, BackupServices
from ..resources.diagnosed import diagnosed
from ..resources.inputs import newly_secret
from ..resources.location import LocationFiller
from ..resources.names import SECRET_INPUTS
from ..resources.origin import check_origin, is_elsewhere
from ..resources.refusals import refuse
from ..resources.run_backups import RunBackups
from ..session import Session
from . import preview
from .adoption import Adoption
from .completion import Completion
from .creation import Creation
from .declaration import run_backup
from .encryption import with_note_of_encrypted
from .identity import BackupId
from .orphans import name_orphans
from .preflight import Preflight
from .properties import (
    Inputs,
    canonical_inputs,
    drifted_inputs,
    is_settled,
    outputs,
    outputs_with,
    replacements,
    status_of,
    updates,
)
from .validation import check

CREATE_TIMEOUT: Final = 30 * 60.0
DELETE_TIMEOUT: Final = 10 * 60.0
READ_TIMEOUT: Final = 2 * 60.0
_REFRESH_MAX_AGE: Final = 10.0
"""Seconds for which a refresh uses an instance's list again for its other backups: two requests for an instance,
however many backups it has."""


class Lifecycle:
    """Carries out what the engine asks for (see ``engine.requests.Provider``)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._services = session.shared(BackupServices.of_session)
        self._locations = LocationFiller(session)
        self._preflight = Preflight(session, self._locations, self._services)
        self._completion = Completion(session.clock)
        self._adoption = Adoption(session)
        self._run_backups = session.shared(RunBackups)
        self._name_orphans = name_orphans(session, self._services)

    @property
    def is_debugging(self) -> bool:
        """Whether diagnostics show where they come from (``DCS_DEBUG=1``)."""
        return self._session.settings.is_debugging

    @diagnosed
    def check(self, request: CheckRequest) -> CheckResponse:
        """Validate the inputs and fill in where the backup is made. In previews, also ask whether it can be."""
        session, urn, program = self._session, request.urn, request.program
        notes = session.note_check(urn, program, request.old_inputs)
        self._name_orphans(urn)
        failures = list(check(request.new_inputs, is_marked=session.settings.mark))
        declared = {**request.new_inputs, SECRET_INPUTS: program.secret_paths}
        inputs: dict[str, Any] = without_assets(canonical_inputs(declared))
        if not failures:
            failures = self._locations.fill_in(urn, notes.old_inputs, inputs, is_preview=program.dry_run)
        if not failures and program.dry_run and not request.old_inputs:
            failures = self._check_what_is_made(urn, inputs)
        notes.checked_at = notes.checked_at or session.clock.monotonic()
        is_spent = inputs.get("adopt_backup_id") in (None, notes.held, notes.adopted_before)
        is_new, is_secret = is_spent and not request.old_inputs, "remark" in program.secret_inputs
        self._run_backups.note(run_backup(urn, inputs, is_new=is_new, is_secret=is_secret))
        return CheckResponse(inputs, refuse(failures, inputs, program.secret_inputs))

    @diagnosed
    def diff(self, request: DiffRequest) -> DiffResponse:
        """Replace for what calls for another backup, update to go on with what was cut short, else nothing."""
        which = BackupId.parse(request.id)
        self._note_in_state(request.urn, which.backup_id)
        notes = self._session.notes(request.urn)
        notes.was_diffed = notes.was_diffed or notes.is_checked
        status = status_of(request.old_outputs)
        changes = replacements(request.old_inputs, request.old_outputs, request.new_inputs)
        if status is BackupStatus.FAILED or status.is_gone:
            changes["status"] = PropertyDiffKind.UPDATE_REPLACE
        old_outputs = request.old_outputs
        is_replaced = bool(changes)
        if not is_replaced:
            old_outputs = with_note_of_encrypted(request, self._session)
            changes = updates(request.old_inputs, old_outputs, request.new_inputs)
            is_replaced = notes.program.replaces_on(changes)
        if is_replaced:
            # Asked before the program has come to it: what it depends on is deleted first, and so it is before that.
            notes.is_deleted_first |= not notes.is_checked and has_unknowns(request.new_inputs)
            self._preflight.say_replacement(
                request.urn, request.id, request.old_inputs, request.old_outputs, request.new_inputs
            )
            return DiffResponse(changes, has_changes=True, outputs=frozenset({"status"}))
        is_waited_for = Inputs.of(request.new_inputs).wait and not is_settled(request.old_outputs)
        if is_waited_for and notes.program.dry_run:
            self._session.log.info(request.urn, preview.going_on(which.instance_id, which.backup_id))
        if (names := newly_secret(old_outputs, request.new_inputs)) and notes.program.dry_run:
            self._session.log.info(request.urn, preview.encryption(names))
        return DiffResponse(changes, has_changes=bool(changes) or is_waited_for or request.has_old_assets)

    @diagnosed
    def create(self, request: CreateRequest) -> CreateResponse:
        """Take a backup, or take over the one that is to be adopted."""
        started_at = self._session.clock.monotonic()
        inputs = Inputs.of(request.properties)
        service = self._services.of(request.properties)
        operation = self._operation(f"back up instance {inputs.instance_id}", request, CREATE_TIMEOUT)
        adopted = inputs.adopt_backup_id
        if adopted is not None and not self._adoption.is_spent(request.urn, adopted):
            self._adoption.adopt(service, operation, request.urn, inputs, adopted)
            which = BackupId(inputs.instance_id, adopted)
            return self._completion.finish(service, operation, request.properties, which, is_made_here=False)
        creation = Creation(self._session, service, request, inputs, started_at)
        try:
            which = BackupId(inputs.instance_id, creation.run(operation))
            self._session.notes(request.urn).created = which.backup_id
            return self._completion.finish(service, operation, request.properties, which, is_made_here=True)
        except (RecordFailedError, RecordGoneError):
            creation.forget()
            raise
        finally:
            creation.note_returned()

    @diagnosed
    def read(self, request: ReadRequest) -> ReadResponse:
        """Look what has become of the backup."""
        which = BackupId.parse(request.id)
        is_in_state = "backup_id" in request.properties
        if is_in_state:
            # Claimed only by the diff: a refresh may still know the resource by the name that it had before.
            self._session.notes(request.urn).held = which.backup_id
            self._session.journal.note_all_in_state([which.backup_id])
        known = {**request.inputs, **request.properties}
        service = self._services.of(known)
        operation = self._operation(f"list the backups of instance {which.instance_id}", request, READ_TIMEOUT)
        is_running = is_in_state and status_of(known).is_running
        record = service.find(
            operation,
            which.instance_id,
            which.backup_id,
            max_age=_REFRESH_MAX_AGE,
            missing_timeout=MISSING_TIMEOUT if is_running else 0.0,
        )
        if record is None and is_in_state:
            check_origin(KIND.of(which.backup_id, which.instance_id), known, service.client.location)
            # It goes from the state: what is created now, in the same run, replaces nothing.
            notes = self._session.notes(request.urn)
            notes.held, notes.gone = "", which.backup_id
            return ReadResponse("")
        if record is None:
            # InstanceBackup.get: for the engine, an empty response to it would be a resource without properties.
            raise RecordNotFoundError(
                f"Backup {which.backup_id} of instance {which.instance_id} does not exist.",
                advice="check the id (<instance_id>/<backup_id>) and the region against the console.",
            )
        location = service.client.location
        place = {"region": location.region, "project_id": location.project_id}
        declared = canonical_inputs({**known, "instance_id": which.instance_id})
        outs = outputs(
            {**{name: value for name, value in place.items() if value}, **declared},
            which.backup_id,
            record,
            location.endpoint,
        )
        return ReadResponse(request.id, outs, drifted_inputs(request.inputs, request.properties, record))

    @diagnosed
    def update(self, request: UpdateRequest) -> UpdateResponse:
        """Go on waiting for a backup whose create or update was cut short; else bring the outputs up to date."""
        which = BackupId.parse(request.id)
        self._note_in_state(request.urn, which.backup_id)
        if is_settled(request.old_outputs):
            return UpdateResponse(outputs_with(request.new_inputs, request.old_outputs))
        service = self._services.of(request.new_inputs)
        operation = self._operation(f"back up instance {which.instance_id}", request, CREATE_TIMEOUT)
        try:
            done = self._completion.finish(service, operation, request.new_inputs, which, is_made_here=False)
        except (RecordFailedError, RecordGoneError) as error:
            if isinstance(error, RecordGoneError):
                check_origin(KIND.of(which.backup_id, which.instance_id), request.old_outputs, service.client.location)
            status = BackupStatus.FAILED if isinstance(error, RecordFailedError) else BackupStatus.DELETED
            outs = outputs(canonical_inputs(request.new_inputs), which.backup_id, None) | {"status": status.value}
            text = in_pulumis_terms(error, fact="the next `pulumi up` replaces it by a new backup")
            raise ResourceInitFailedError(text, id=request.id, properties=outs) from error
        return UpdateResponse(done.properties)

    @diagnosed
    def delete(self, request: DeleteRequest) -> None:
        """Delete the backup; done when it is gone. One that another resource of this run owns stays."""
        which = BackupId.parse(request.id)
        urn, props = request.urn, request.properties
        self._name_orphans(urn)
        self._session.journal.note_all_in_state([which.backup_id])
        owner = self._adoption.other_owner(urn, which.backup_id)
        if owner is not None:
            self._session.log.warn(
                urn, f"Backup {which.backup_id} is not deleted: {resource_name(owner)!r} has it as well."
            )
            return
        if self._session.notes(urn).created == which.backup_id:
            # The replacement has it: what the engine deletes as the old one is the new one.
            self._session.log.warn(urn, f"Backup {which.backup_id} is not deleted: the resource goes on with it.")
            return
        service = self._services.of(props)
        name = f"delete backup {which.backup_id} of instance {which.instance_id}"
        operation = self._operation(name, request, DELETE_TIMEOUT)
        location = service.client.location
        if is_elsewhere(props, location) and not service.find(operation, which.instance_id, which.backup_id):
            check_origin(KIND.of(which.backup_id, which.instance_id), props, location)
        try:
            service.delete(operation, which.instance_id, which.backup_id)
        except (TimedOutError, CancelledError, DeleteFailedError) as error:
            text = in_pulumis_terms(error, fact="the backup stays in the state; the next run deletes it")
            raise DiagnosticError(text) from error
        self._session.journal.forget(which.backup_id)
        self._run_backups.note_deleted(which.backup_id)

    def _check_what_is_made(self, urn: str, inputs: Mapping[str, Any]) -> list[Any]:
        """Check what a preview is about to have made, and say it, unless the diff has said it."""
        notes = self._session.notes(urn)
        adopted = inputs.get("adopt_backup_id")
        if adopted is not None and not self._adoption.is_spent(urn, adopted):
            return list(self._preflight.check_adoption(urn, inputs)) or self._adoption.foresee(urn, adopted)
        is_first = not notes.old_inputs
        if not notes.was_diffed:
            # A replacement that is forced: some ways of that hide the old inputs from check, too.
            if (held := self._preflight.held(urn)) is not None:
                is_first = False
                self._preflight.say_replacement(urn, held.id, held.inputs, held.outputs, inputs)
            elif not is_first:
                self._session.log.info(urn, preview.forced_replacement(inputs))
        return list(self._preflight.check_creation(urn, inputs, is_first=is_first))

    def _note_in_state(self, urn: str, backup_id: str) -> None:
        """The engine has named the backup: its saved state holds it for this resource."""
        self._session.notes(urn).held = backup_id
        owner = self._session.journal.note_in_state(urn, backup_id) or self._adoption.foreseen.get(backup_id)
        if owner is not None and self._session.is_declared(owner) and self._session.is_declared(urn):
            raise OperationError(
                f"Two resources have backup {backup_id}: {resource_name(urn)!r} and {resource_name(owner)!r}.",
                advice="remove one of them from the program: it then goes from the state, and the backup stays.",
            )

    def _operation(
        self, name: str, request: CreateRequest | ReadRequest | UpdateRequest | DeleteRequest, timeout: float
    ) -> Operation:
        return self._session.operation(name, request.urn, request.timeout or timeout)

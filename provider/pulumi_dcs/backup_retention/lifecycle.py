"""What happens to a ``BackupRetention``: check, diff, create, read, update, delete, in the engine's order."""

from __future__ import annotations

from typing import Any, Final

from ..api.errors import ServiceError
from ..api.instances import is_instance_gone
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
from ..engine.values import without_assets
from ..resources.backups import BackupServices
from ..resources.diagnosed import diagnosed
from ..resources.location import LocationFiller
from ..resources.names import SECRET_INPUTS
from ..resources.origin import check_origin
from ..resources.refusals import refuse
from ..session import Session
from .deletion import Deletion
from .identity import instance_of
from .names import DELETED_IDS, DELETES, SURPLUS
from .needs import StateUnreadableError
from .planning import Planning
from .properties import UNSETTLED, Inputs, canonical_inputs, listed_ids, outputs, replacements, updates
from .survey import survey
from .validation import check

DELETIONS_TIMEOUT: Final = 30 * 60.0
READ_TIMEOUT: Final = 2 * 60.0


class Lifecycle:
    """Carries out what the engine asks for (see ``engine.requests.Provider``)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._services = session.shared(BackupServices.of_session)
        self._locations = LocationFiller(session)
        self._planning = Planning(session, self._locations, self._services)

    @property
    def is_debugging(self) -> bool:
        """Whether diagnostics show where they come from (``DCS_DEBUG=1``)."""
        return self._session.settings.is_debugging

    @diagnosed
    def check(self, request: CheckRequest) -> CheckResponse:
        """Validate the inputs, fill in where the instance is, and decide which backups go."""
        urn, program = request.urn, request.program
        notes = self._session.note_check(urn, program, request.old_inputs)
        failures = list(check(request.new_inputs, secret_inputs=program.secret_inputs))
        declared = {**request.new_inputs, SECRET_INPUTS: program.secret_paths}
        inputs: dict[str, Any] = without_assets(canonical_inputs(declared))
        if not failures:
            failures = self._locations.fill_in(urn, notes.old_inputs, inputs, is_preview=program.dry_run)
        if not failures:
            failures = self._planning.fill_in(urn, request.old_inputs, inputs, program)
        return CheckResponse(inputs, refuse(failures, inputs, program.secret_inputs))

    @diagnosed
    def diff(self, request: DiffRequest) -> DiffResponse:
        """Replace for another instance, update for what goes and for what is declared otherwise, else nothing."""
        changes = replacements(request.old_inputs, request.new_inputs)
        if not changes:
            changes = updates(request.old_inputs, request.old_outputs, request.new_inputs)
        # To tell what a refresh has changed, the engine asks with the inputs of a run whose work is done.
        done = request.old_outputs.get(DELETED_IDS) or ()
        if any(backup_id not in done for backup_id in listed_ids(request.new_inputs)):
            changes[DELETES] = PropertyDiffKind.ADD
        # The state's outputs never have what goes: shown as one of them, it is always shown whole.
        return DiffResponse(
            changes, has_changes=bool(changes) or bool(request.old_outputs.get(SURPLUS)), outputs=frozenset({DELETES})
        )

    @diagnosed
    def create(self, request: CreateRequest) -> CreateResponse:
        """Delete what ``check`` has listed."""
        done = self._deletion(request, request.properties, {}).run()
        return CreateResponse(Inputs.of(request.properties).instance_id, done)

    @diagnosed
    def read(self, request: ReadRequest) -> ReadResponse:
        """Count what there is to delete; the next ``up`` deletes it."""
        instance_id, urn = instance_of(request.id), request.urn
        known = {**request.inputs, **request.properties}
        service = self._services.of(known)
        operation = self._session.operation(
            f"list the backups of instance {instance_id}", urn, request.timeout or READ_TIMEOUT
        )
        try:
            snapshot = service.cache.list_completely(operation, instance_id)
            found = survey(self._session, urn, known, snapshot, is_preview=False)
        except ServiceError as error:
            if not is_instance_gone(error):
                raise
            check_origin(f"instance {instance_id}", known, service.client.location)
            return ReadResponse("")
        except StateUnreadableError as error:
            self._session.log.warn(urn, f"Whether there are backups to delete could not be found out.\n  {error}")
            return ReadResponse(request.id, request.properties, request.inputs)
        surplus = len(found.decision.deleted)
        outs = outputs(
            known,
            deleted_ids=request.properties.get(DELETED_IDS) or (),
            surplus=surplus,
            endpoint=service.client.location.endpoint,
        )
        inputs = {name: value for name, value in request.inputs.items() if name != UNSETTLED}
        return ReadResponse(request.id, outs, {**inputs, UNSETTLED: True} if surplus else inputs)

    @diagnosed
    def update(self, request: UpdateRequest) -> UpdateResponse:
        """Delete what ``check`` has listed."""
        return UpdateResponse(self._deletion(request, request.new_inputs, request.old_outputs).run())

    @diagnosed
    def delete(self, request: DeleteRequest) -> None:
        """Delete nothing at the service, and say so."""
        instance_id = instance_of(request.id)
        self._session.log.info(
            request.urn,
            f"This retention ends; no backup of instance {instance_id} was deleted.",
        )

    def _deletion(self, request: CreateRequest | UpdateRequest, properties: Any, old_outputs: Any) -> Deletion:
        service = self._services.of(properties)
        timeout = request.timeout or DELETIONS_TIMEOUT
        return Deletion(self._session, service, request.urn, properties, old_outputs, timeout=timeout)

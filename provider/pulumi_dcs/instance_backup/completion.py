"""Waits for a backup that exists at the service, and says what the state keeps of it, however that ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..api.backups import BackupStatus
from ..api.clock import CancellableClock
from ..api.errors import DcsError
from ..engine.errors import ResourceInitFailedError
from ..engine.requests import CreateResponse
from ..operations.errors import CancelledError, CredentialsRefusedError, RecordFailedError, TimedOutError
from ..operations.operation import Operation
from ..resources.advice import in_pulumis_terms
from ..resources.backups import BackupService
from .identity import BackupId
from .properties import Inputs, canonical_inputs, outputs

_CLEANUP_TIMEOUT: Final = 60.0
"""Seconds for removing a failed backup's record: nobody waits for that longer than for the error itself."""


class Completion:
    """The second half of a create, and of an update that goes on with one."""

    def __init__(self, clock: CancellableClock) -> None:
        self._clock = clock

    def finish(
        self,
        service: BackupService,
        operation: Operation,
        declared: Mapping[str, Any],
        which: BackupId,
        *,
        is_made_here: bool,
    ) -> CreateResponse:
        """Wait for the backup, unless that is not wanted; its id and outputs.

        From here on an error that leaves the backup running has to keep it in the state: it exists at the service, and
        a create that only failed would leave it to nobody.

        Args:
            declared: the checked inputs.
            is_made_here: whether this create has made it, and so has to clear away its record if it fails.

        Raises:
            ResourceInitFailedError: it is still running; it stays in the state.
            RecordFailedError, RecordGoneError: it ended otherwise.
        """
        endpoint = service.client.location.endpoint
        kept = canonical_inputs(declared)
        if not Inputs.of(declared).wait:
            record = service.try_find(operation, which.instance_id, which.backup_id)
            return CreateResponse(str(which), outputs(kept, which.backup_id, record, endpoint))
        try:
            record = service.wait(operation, which.instance_id, which.backup_id)
        except (TimedOutError, CancelledError, CredentialsRefusedError) as error:
            latest = None
            if isinstance(error, TimedOutError):
                latest = service.try_find(operation, which.instance_id, which.backup_id)
            again = "run `pulumi up` again: it goes on waiting for the same backup and makes no other."
            text = in_pulumis_terms(
                error,
                fact=f"backup {which.backup_id} is in the state, and goes on at the service",
                advice=f"{error.advice[:-1]}, then {again}" if error.advice else again,
            )
            properties = outputs(kept, which.backup_id, latest, endpoint)
            raise ResourceInitFailedError(text, id=str(which), properties=properties) from error
        except RecordFailedError as error:
            if not is_made_here:
                raise
            if not error.is_documented:
                # What it is worth, nobody knows: it stays in the state, and not at the service for nobody.
                text = in_pulumis_terms(
                    error, fact="it is in the state; the next `pulumi up` replaces it by a new backup"
                )
                properties = outputs(kept, which.backup_id, None, endpoint) | {"status": BackupStatus.FAILED.value}
                raise ResourceInitFailedError(text, id=str(which), properties=properties) from error
            raise self._with_record_removed(service, which, error) from error
        return CreateResponse(str(which), outputs(kept, which.backup_id, record, endpoint))

    def _with_record_removed(
        self, service: BackupService, which: BackupId, error: RecordFailedError
    ) -> RecordFailedError:
        """The error, once no failed record is left behind: nothing in the state would ever remove it."""
        name = f"delete the failed backup {which.backup_id}"
        operation = Operation(name, clock=self._clock, timeout=_CLEANUP_TIMEOUT)
        try:
            service.delete(operation, which.instance_id, which.backup_id)
        except DcsError as second:
            outcome = f"its record could not be removed: {second.summary}"
        else:
            outcome = "its record was removed"
        return RecordFailedError(
            error.summary,
            record_id=error.record_id,
            error_code=error.error_code,
            facts=(*error.facts, outcome),
            advice="run `pulumi up` again for a new try; if it persists, look at the instance in the console.",
        )

"""Waits for a restore that has been started, and says what the state keeps of it, however that ends.

Whatever its end, the resource stays in the state: a restore that is not in the state would be carried out again by the
next ``pulumi up``, and overwrite what was written since.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..api.backups import BackupRecord
from ..api.errors import DcsError
from ..api.instances import Instances
from ..engine.errors import ResourceInitFailedError
from ..engine.requests import CreateResponse
from ..operations.errors import (
    CancelledError,
    CredentialsRefusedError,
    OperationError,
    RecordFailedError,
    RecordGoneError,
    TimedOutError,
)
from ..operations.operation import Operation
from ..resources.advice import in_pulumis_terms
from ..resources.backups import BackupServices
from ..session import Session
from .identity import RestoreId
from .properties import GONE, Inputs, canonical_inputs, outputs
from .service import RestoreService, kind_of

_AFTERWARDS_TIMEOUT: Final = 20.0
"""Seconds for what is asked only to say more of a restore that has ended."""


class Completion:
    """The second half of a create, and of an update that goes on with one.

    Args:
        backups: the backups of each project and region.
    """

    def __init__(self, session: Session, backups: BackupServices) -> None:
        self._session = session
        self._backups = backups

    def finish(
        self,
        service: RestoreService,
        operation: Operation,
        declared: Mapping[str, Any],
        which: RestoreId,
        backup: BackupRecord | None = None,
    ) -> CreateResponse:
        """Wait for the restore, unless that is not wanted; its id and outputs.

        Args:
            declared: the checked inputs.
            backup: what it restores from, if that was looked at before.

        Raises:
            ResourceInitFailedError: it has not succeeded; it stays in the state.
        """
        inputs, kept = Inputs.of(declared), canonical_inputs(declared)
        channel, endpoint = service.channel(is_import=inputs.is_import), service.client.location.endpoint
        if not inputs.wait:
            latest = channel.try_find(operation, which.instance_id, which.restore_id)
            return CreateResponse(str(which), outputs(kept, which.restore_id, latest, endpoint, backup))
        noun = channel.kind.noun
        try:
            record = channel.wait(operation, which.instance_id, which.restore_id)
        except (TimedOutError, CancelledError, CredentialsRefusedError) as error:
            latest = None
            if isinstance(error, TimedOutError):
                latest = channel.try_find(operation, which.instance_id, which.restore_id)
            again = f"run `pulumi up` again: it goes on waiting for the same {noun} and starts no other."
            text = in_pulumis_terms(
                error,
                fact=f"{noun} {which.restore_id} is in the state, and goes on at the service",
                advice=f"{error.advice[:-1]}, then {again}" if error.advice else again,
            )
            properties = outputs(kept, which.restore_id, latest, endpoint)
            raise ResourceInitFailedError(text, id=str(which), properties=properties) from error
        except RecordFailedError as error:
            latest = channel.try_find(operation, which.instance_id, which.restore_id)
            properties = outputs(kept, which.restore_id, latest, endpoint)
            properties |= {"error_code": error.error_code} if error.error_code else {}
            facts = [*error.facts, self._state_of(service, which)]
            text = str(DcsError(error.summary, facts=facts, advice=ways_on(noun)))
            raise ResourceInitFailedError(text, id=str(which), properties=properties) from None
        except RecordGoneError as error:
            facts = [*error.facts, f"how it ended is not known; {self._state_of(service, which)}"]
            text = str(DcsError(error.summary, facts=facts, advice=ways_on(noun)))
            properties = outputs(kept, which.restore_id, None, endpoint) | {"status": GONE}
            raise ResourceInitFailedError(text, id=str(which), properties=properties) from error
        backup = backup or self._backup(inputs, operation)
        return CreateResponse(str(which), outputs(kept, which.restore_id, record, endpoint, backup))

    def _backup(self, inputs: Inputs, operation: Operation) -> BackupRecord | None:
        service = self._backups.at(inputs.region or "", inputs.project_id or "")
        return service.try_find(operation, inputs.backed_up_id, inputs.backup_id)

    def _state_of(self, service: RestoreService, which: RestoreId) -> str:
        """In what state the instance is, in words."""
        operation = self._session.operation(f"show instance {which.instance_id}", "", _AFTERWARDS_TIMEOUT)
        try:
            instance = Instances(service.client, operation.pause).show(which.instance_id)
        except DcsError as error:
            return f"the state of the instance could not be found out: {error.summary}"
        doing = f", busy with {instance.task}" if instance.task else ""
        used = f", with {instance.used_memory_mb} MB in use" if instance.used_memory_mb is not None else ""
        return f"the instance is {instance.status or 'in a state that DCS does not tell'} now{doing}{used}"


class NotRepeatedError(OperationError):
    """A restore has failed, or its end is not known, and nobody has said that it is to be carried out again."""


def not_repeated(which: RestoreId, old_outputs: Mapping[str, Any]) -> NotRepeatedError:
    """The error for a restore in the state that has not succeeded and is still declared."""
    noun = kind_of(is_import=Inputs.of(old_outputs).is_import).noun
    code = old_outputs.get("error_code")
    is_gone = old_outputs.get("status") == GONE
    ending = "is no longer listed, and how it ended is not known" if is_gone else "failed"
    return NotRepeatedError(
        f"{noun.capitalize()} {which.restore_id} of instance {which.instance_id} {ending}. It is not repeated by "
        "itself: that would overwrite what was written since.",
        facts=[f"error code {code}"] if code else [],
        advice=ways_on(noun),
    )


def ways_on(noun: str) -> str:
    """What to do about one that has not succeeded."""
    return (
        f"look at the instance. To {noun} again, change `triggers`. To leave the instance as it is, set wait=False, or "
        f"take the resource out of the program: that touches no data. The next `pulumi up` does not {noun} by itself."
    )

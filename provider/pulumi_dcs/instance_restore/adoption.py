"""Takes over a restore that was carried out already and that the program names; no data is touched."""

from __future__ import annotations

from ..operations.errors import RecordNotFoundError
from ..operations.operation import Operation
from ..recovery.evidence import record_id_of
from ..session import Session
from .properties import Inputs
from .service import RestoreLike, RestoreService, kind_of


class Adoption:
    """Which restore belongs to which resource, where the program says so."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def adopt(self, service: RestoreService, operation: Operation, urn: str, inputs: Inputs, restore_id: str) -> None:
        """Take over an existing restore that no other resource has.

        Raises:
            RecordNotFoundError: it is not what the inputs say, or another resource has it.
        """
        session = self._session
        channel = service.channel(is_import=inputs.is_import)
        snapshot = channel.cache.list_completely(operation, inputs.instance_id)
        record = snapshot.records.get(restore_id)
        check_adoptable(record, inputs, restore_id)
        noun = channel.kind.noun
        if record is None:
            operation.warn(
                f"The service no longer lists {noun} {restore_id} of instance {inputs.instance_id}: it is taken over "
                "as it is named, and how it ended is not known."
            )
        holder = session.holders(urn).get(restore_id)
        if holder is not None and holder != urn and session.is_declared(holder):
            raise held_by_another(noun, restore_id, holder)
        owner = session.journal.adopt(session.scope(urn), urn, restore_id)
        if owner is not None:
            raise held_by_another(noun, restore_id, owner)

    def is_spent(self, urn: str, adopted: str) -> bool:
        """Whether the resource has adopted that restore before: then the input has no further effect."""
        notes = self._session.notes(urn)
        if adopted in (notes.held, notes.old_inputs.get("adopt_restore_id")):
            return True
        if notes.was_diffed or notes.old_inputs:
            return False
        # A replacement that is forced: the engine keeps what it has of the resource to itself.
        return any(
            resource.urn == urn and adopted in (record_id_of(resource.id), resource.inputs.get("adopt_restore_id"))
            for resource in self._session.in_state(urn)
        )


def check_adoptable(record: RestoreLike | None, inputs: Inputs, restore_id: str) -> None:
    """Make sure that the restore can be adopted for these inputs.

    One that is no longer listed can be adopted only by a resource that does not wait for its success.

    Args:
        record: as the instance's complete list has it; None where it has none.

    Raises:
        RecordNotFoundError: it is not there, or is not what the inputs say.
    """
    noun = kind_of(is_import=inputs.is_import).noun
    which = f"{noun.capitalize()} {restore_id} of instance {inputs.instance_id} can't be adopted"
    if record is None:
        if not inputs.wait:
            return
        raise RecordNotFoundError(
            f"{which}: the service does not list it.",
            advice="check adopt_restore_id, instance_id and region. If it is right and its record is gone, set "
            "wait=False as well: then it is taken over without a look at its end.",
        )
    of_backup = getattr(record, "backup_id", "")
    if of_backup and of_backup != inputs.backup_id:
        raise RecordNotFoundError(
            f"{which}: it is one of backup {of_backup}, and the program says backup {inputs.backup_id}.",
            advice=f"set backup_id to {of_backup!r}, or take adopt_restore_id out to restore.",
        )


def held_by_another(noun: str, restore_id: str, owner: str) -> RecordNotFoundError:
    """The error for a restore that another resource has."""
    name = owner.rpartition("::")[2]
    return RecordNotFoundError(
        f"{noun.capitalize()} {restore_id} can't be adopted: {name!r} has it.",
        facts=[f"the resource is {owner}"],
        advice="give each restore to one resource only.",
    )

"""Takes over an existing backup that the program names, once it is sure that it is what the program says."""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any, Final

from ..api.backups import BackupRecord
from ..engine.unknowns import has_unknowns
from ..engine.urn import resource_name
from ..operations.errors import RecordNotFoundError
from ..operations.operation import Operation
from ..recovery.evidence import record_id_of
from ..resources.backups import BackupService
from ..resources.mark import is_same_remark, without_mark
from ..resources.refusals import Failure
from ..session import Session
from .properties import Inputs


class Adoption:
    """Who has which backup, where a program can give one from one resource to another."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._given_up: set[tuple[str, str]] = set()
        self.foreseen: Final[dict[str, str]] = {}
        """The backups that a preview has seen are to be adopted, with the resource of each."""

    def adopt(self, service: BackupService, operation: Operation, urn: str, inputs: Inputs, backup_id: str) -> None:
        """Take over an existing backup that no other resource has.

        Raises:
            RecordNotFoundError: it is not what the inputs say, or another resource has it.
        """
        session, notes = self._session, self._session.notes(urn)
        record = service.find(operation, inputs.instance_id, backup_id)
        check_adoptable(record, inputs, backup_id, notes.program.secret_inputs)
        if (holder := self._declared_holder(urn, backup_id)) is not None:
            raise held_by_another(backup_id, holder)
        owner = session.journal.adopt(session.scope(urn), urn, backup_id)
        if owner is not None:
            raise held_by_another(backup_id, owner)
        notes.created = backup_id

    def foresee(self, urn: str, adopted: Any) -> list[Failure]:
        """What keeps a resource from adopting, as far as a preview can see."""
        if has_unknowns(adopted):
            return []
        backup_id = str(adopted)
        with self._lock:
            holder = self._declared_holder(urn, backup_id) or self.foreseen.setdefault(backup_id, urn)
        return [] if holder == urn else [Failure("adopt_backup_id", str(held_by_another(backup_id, holder)))]

    def _declared_holder(self, urn: str, backup_id: str) -> str | None:
        """Another resource that holds the backup in the saved state, and that the program is known to declare."""
        holder = self._session.holders(urn).get(backup_id)
        is_other = holder is not None and holder != urn and self._session.is_declared(holder)
        return holder if is_other else None

    def is_spent(self, urn: str, adopted: str) -> bool:
        """Whether the resource has adopted that backup before.

        Where a replacement is forced (``--target-replace``, a taint), the engine keeps what it has of the resource to
        itself: then only its saved state tells.
        """
        notes = self._session.notes(urn)
        if adopted in (notes.held, notes.gone, notes.adopted_before):
            return True
        if notes.was_diffed or notes.old_inputs:
            return False
        return any(
            resource.urn == urn and adopted in (record_id_of(resource.id), resource.inputs.get("adopt_backup_id"))
            for resource in self._session.in_state(urn)
        )

    def other_owner(self, urn: str, backup_id: str) -> str | None:
        """The resource that keeps a backup which another one gives up; None for none.

        The saved state decides: with targets, the other one need not be part of this run.
        """
        adopter = self._session.journal.owner(backup_id)
        if adopter not in (None, urn) and self._session.notes(adopter).created == backup_id:
            return adopter
        with self._lock:
            self._given_up.add((urn, backup_id))
            for resource in self._session.in_state(urn):
                is_other = resource.urn != urn and not resource.is_pending_delete and not resource.is_external
                if is_other and record_id_of(resource.id) == backup_id:
                    return None if (resource.urn, backup_id) in self._given_up else resource.urn
        return None


def check_adoptable(
    record: BackupRecord | None, inputs: Inputs, backup_id: str, secret_inputs: Collection[str] = ()
) -> None:
    """Make sure that the backup can be adopted for these inputs.

    Args:
        record: as the instance's list has it; None where it has none.
        secret_inputs: the names of the inputs whose values no message may show.

    Raises:
        RecordNotFoundError: it is not there, has failed, or is not what the inputs say.
    """
    which = f"Backup {backup_id} of instance {inputs.instance_id} can't be adopted"
    if record is None or record.is_gone:
        raise RecordNotFoundError(
            f"{which}: the instance has no such backup.",
            advice="check adopt_backup_id, instance_id and region against the console.",
        )
    if record.has_failed:
        raise RecordNotFoundError(f"{which}: it failed.", advice="remove adopt_backup_id to take a new backup.")
    remark = without_mark(record.remark)
    if inputs.remark is not None and not is_same_remark(inputs.remark, remark):
        if "remark" in secret_inputs:
            raise RecordNotFoundError(
                f"{which}: its remark is not the one that the program says, which is a secret and not shown.",
                advice="leave remark out to accept what the backup has.",
            )
        raise RecordNotFoundError(
            f"{which}: its remark is {remark!r}, the program says {inputs.remark!r}.",
            advice=f"set remark to {remark!r}, or leave it out to accept what the backup has.",
        )
    declared = inputs.backup_format
    if declared is not None and record.backup_format not in ("", declared.value):
        raise RecordNotFoundError(
            f"{which}: its backup_format is {record.backup_format!r}, the program says {declared.value!r}.",
            advice=f"set backup_format to {record.backup_format!r}, or leave it out to accept what the backup has.",
        )


def held_by_another(backup_id: str, owner: str) -> RecordNotFoundError:
    """The error for a backup that another resource has."""
    return RecordNotFoundError(
        f"Backup {backup_id} can't be adopted: {resource_name(owner)!r} has it.",
        facts=[f"the resource is {owner}"],
        advice="give each backup to one resource only.",
    )

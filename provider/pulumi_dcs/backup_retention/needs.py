"""Who needs which backup: resources of the stack, what the program takes over, what a killed run may go on with."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engine.stack_state import StackState, StackStateUnavailable, StateResource
from ..engine.urn import resource_name
from ..engine.values import SECRET
from ..operations.errors import OperationError
from ..recovery.evidence import record_id_of
from ..resources.run_backups import RunBackup
from ..session import Session
from .names import DELETED_IDS, DELETES, RESOURCE_TYPE


class StateUnreadableError(OperationError):
    """The stack's state can't be read: so nothing is known of what it holds, and nothing is deleted."""


@dataclass
class Needs:
    """What is known of the backups that might go.

    Attributes:
        by_id: those that stay, with who needs each, in words.
        leaving: those that this run replaces and deletes anyway, and those that the retention has deleted and the
            service still lists: they don't count as kept.
        has_secret_remarks: whether a backup of the instance has a remark that is a secret.
    """

    by_id: dict[str, str] = field(default_factory=dict)
    leaving: set[str] = field(default_factory=set)
    has_secret_remarks: bool = False


def read_state(session: Session, urn: str, instance_id: str, *, not_before: float) -> StackState:
    """What the stack's state holds.

    Args:
        not_before: a state that was read before (monotonic) is read again.

    Raises:
        StateUnreadableError: it can't be read.
    """
    try:
        return session.stack_states.read(urn, session.organization, not_before=not_before)
    except StackStateUnavailable as error:
        raise StateUnreadableError(
            f"No backup of instance {instance_id} is deleted: the stack's saved state can't be read, which tells the "
            "backups that resources hold.",
            facts=[f"reading the state: {error.reason}"],
            advice="make sure that the `pulumi` that runs this program can be found and that `pulumi stack export` "
            "works, then run it again.",
        ) from error


def needs_of(
    session: Session,
    state: StackState,
    *,
    urn: str,
    instance_id: str,
    backup_ids: Collection[str],
    run_backups: Collection[RunBackup],
    needed: Mapping[str, str],
    is_preview: bool,
) -> Needs:
    """Find out who needs these backups.

    Args:
        urn: the retention, which needs none itself.
        run_backups: those of the instance that the program declares.
        needed: the existing backups that resources of the program need, with the URN of one each.
        is_preview: whether what is new among them is not in the state yet, and what it replaces still is.
    """
    needs = Needs()
    # Told not to save in between, the engine has in its state what was there before, in an `up` as well.
    is_as_before = is_preview or not session.saves_pending_creates
    replaced = {each.urn for each in run_backups if is_as_before and each.is_new}
    _add_state(needs, state, urn, set(backup_ids), replaced)
    needs.has_secret_remarks = any(
        each.inputs.get("remark") is SECRET and each.inputs.get("instance_id") in (instance_id, SECRET)
        for each in state.resources
    )
    for each in run_backups:
        if each.adopted_id:
            needs.by_id.setdefault(each.adopted_id, f"{resource_name(each.urn)!r} takes it over")
    for backup_id, who in needed.items():
        needs.by_id.setdefault(backup_id, f"{resource_name(who)!r} names it")
    for backup_id in backup_ids:
        owner = session.journal.owner(backup_id)
        if owner is not None:
            needs.by_id.setdefault(backup_id, f"{resource_name(owner)!r} holds it")
    for entry in session.journal.left(session.scope(urn)):
        # One that was reported is in the state, or was given up since.
        if entry.progress.record_id and not entry.is_reported:
            needs.by_id.setdefault(
                entry.progress.record_id, f"an interrupted run has taken it for {resource_name(entry.urn)!r}"
            )
    return needs


def _add_state(needs: Needs, state: StackState, urn: str, backup_ids: set[str], replaced: Collection[str]) -> None:
    for resource in state.resources:
        if resource.urn == urn:
            needs.leaving.update(_texts(resource.outputs.get(DELETED_IDS)))
            continue
        name, held = repr(resource_name(resource.urn)), record_id_of(resource.id)
        if held in backup_ids:
            if _is_leaving(resource, replaced):
                needs.leaving.add(held)
            else:
                needs.by_id.setdefault(held, f"{name} holds it")
        for backup_id in backup_ids.intersection(_naming(resource.urn, resource.inputs, resource.outputs)) - {held}:
            needs.by_id.setdefault(backup_id, f"{name} names it")
    for pending in state.pending_creates:
        for backup_id in backup_ids.intersection(_naming(pending.urn, pending.inputs)):
            if pending.urn != urn:
                needs.by_id.setdefault(backup_id, f"{resource_name(pending.urn)!r} names it")


def _is_leaving(resource: StateResource, replaced: Collection[str]) -> bool:
    """Whether this run deletes the resource's backup, or has just done so; one that it retains stays at the service."""
    if resource.is_external or resource.retains_on_delete or resource.inputs.get("retain_on_delete") is True:
        return False
    return resource.is_pending_delete or resource.urn in replaced


def _naming(urn: str, *properties: Mapping[str, Any]) -> set[str]:
    """The texts that can name a backup because it is needed: all but what a retention says of those that go."""
    unneeded = (DELETES, DELETED_IDS, "triggers") if f"::{RESOURCE_TYPE}::" in urn else ()
    return {
        text for each in properties for name, value in each.items() if name not in unneeded for text in _texts(value)
    }


def _texts(value: Any) -> Iterator[str]:
    """Every text in the value, at any depth; of an id with slashes, its last part as well."""
    if isinstance(value, str):
        yield value
        if record := record_id_of(value):
            yield record
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)

"""What the engine's steps mean for backups: which are taken, which go, which stay at the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

from ..api.backups import BackupStatus
from ..api.parsing import parse_time, whole_number
from ..backup_retention.names import DELETED_IDS, DELETES
from ..backup_retention.names import RESOURCE_TYPE as RETENTION_TYPE
from ..engine.unknowns import has_unknowns
from ..engine.urn import resource_name
from ..instance_backup.names import RESOURCE_TYPE
from ..instance_restore.names import RESOURCE_TYPE as RESTORE_TYPE
from .events import EventLog, ResourceState, Step, StepOutcome

_UNKNOWN_IN_LOG: Final = "[unknown]"
"""How the event log shows a value that is not known yet, where it does not show the wire's own text."""
_SECRET_IN_LOG: Final = "[secret]"
"""What it has in the place of a secret."""
_REPLACING: Final = ("create-replacement", "replace")
_ENGINES_OWN: Final = ("pulumi:pulumi:Stack", "pulumi:providers:")
"""Types of what the engine adds by itself: nobody declares them, and nothing outside the state changes with them."""
_RETAINING: Final = ("create", "update", "create-replacement")
"""What a retention has to do with when it deletes something."""
_NO_CHANGE: Final = ("same", "read", "refresh", "")


class Kind(Enum):
    """What happens to a resource."""

    TAKE = "takes a backup"
    REPLACE = "takes a new backup"
    ADOPT = "takes over a backup"
    WAIT = "continues to wait"
    UPDATE = "changes no backup"
    LEAVE = "leaves the backup at the service"
    DELETE = "deletes the backup"
    DELETE_OLD = "deletes an old backup"

    @property
    def takes_one(self) -> bool:
        """Whether the instance is backed up."""
        return self in (Kind.TAKE, Kind.REPLACE)

    @property
    def only_deletes(self) -> bool:
        """Whether a backup goes and none comes."""
        return self in (Kind.DELETE, Kind.DELETE_OLD)


@dataclass(frozen=True)
class Location:
    """An instance, and where it is; empty texts where that is not known yet or the settings decide."""

    instance_id: str
    region: str = ""
    project_id: str = ""


@dataclass(frozen=True)
class KnownBackup:
    """A backup as the state knows it; every field but the id may be empty."""

    backup_id: str
    status: BackupStatus = BackupStatus.UNKNOWN
    created_at: str = ""
    updated_at: str = ""
    size: int | None = None
    remark: str = ""
    """Only of one that a retention deletes: there, it is why."""

    @property
    def created(self) -> datetime | None:
        """When it was started, by the service's clock."""
        return parse_time(self.created_at)

    @property
    def updated(self) -> datetime | None:
        """When it last changed, by the service's clock."""
        return parse_time(self.updated_at)


@dataclass(frozen=True)
class Change:
    """What happens to one resource.

    Attributes:
        location: the instance, after the change where there is one.
        goes: the backup that is deleted; None for none.
        stays: the backup that is left at the service though no resource holds it any more; None for none.
        is_deleted_first: whether it is deleted before the new one is taken.
        adopted_id: the backup that is taken over.
        result: the backup that the resource holds after it; None before, and where nothing came of it.
        is_done: whether everything has been done (or, in a preview, planned).
        is_gone: whether what goes has been deleted (or, in a preview, will be).
    """

    kind: Kind
    urn: str
    location: Location
    backup_format: str = ""
    goes: KnownBackup | None = None
    stays: KnownBackup | None = None
    is_deleted_first: bool = False
    adopted_id: str = ""
    is_protected: bool = False
    is_retained: bool = False
    result: KnownBackup | None = None
    is_done: bool = True
    is_gone: bool = False

    @property
    def has_result(self) -> bool:
        """Whether a backup came of it that has succeeded."""
        return self.result is not None and self.result.status is BackupStatus.SUCCEED

    @property
    def name(self) -> str:
        """The resource's name."""
        return resource_name(self.urn)


def changes_in(log: EventLog) -> list[Change]:
    """Tell what happens to each backup, by resource name."""
    by_urn: dict[str, list[Step]] = {}
    for step in log.steps:
        if step.type == RESOURCE_TYPE and step.op not in _NO_CHANGE:
            by_urn.setdefault(step.urn, []).append(step)
    found = [change for steps in by_urn.values() for change in _changes_of(steps)]
    for step in log.steps:
        if step.type == RETENTION_TYPE and step.op in _RETAINING:
            found += _deletions_of(step)
    # Stable: what a retention deletes stays in its order, the oldest first.
    return sorted(found, key=lambda change: (change.name, change.kind.value))


def other_changes(log: EventLog, *, with_restores: bool = False) -> int:
    """Count the other resources that are changed, without the stack itself and its providers.

    Args:
        with_restores: whether restores count too, where they are not told by themselves.
    """
    shown = {change.urn for change in changes_in(log)}
    told = (RESOURCE_TYPE,) if with_restores else (RESOURCE_TYPE, RESTORE_TYPE)
    changed = (step for step in log.steps if step.op not in _NO_CHANGE and step.type not in told)
    return len({step.urn for step in changed if not step.type.startswith(_ENGINES_OWN)} - shown)


def _deletions_of(step: Step) -> list[Change]:
    """What a retention deletes: a change for each backup, since each has to be reviewed."""
    new = step.new or ResourceState()
    rows = new.inputs.get(DELETES)
    # Of a step that failed half-way, the outputs tell what was deleted before.
    done = _deleted_ids(new)
    before = _deleted_ids(step.old or ResourceState())
    found = []
    for row in rows if isinstance(rows, list) else ():
        # A refresh changes the outputs, and leaves the inputs of the run before, whose work is done.
        if not isinstance(row, Mapping) or known_text(row, "backup_id") in before:
            continue
        backup = KnownBackup(
            known_text(row, "backup_id"),
            BackupStatus.SUCCEED,
            created_at=known_text(row, "created_at"),
            size=whole_number(row.get("size")),
            remark=known_text(row, "remark"),
        )
        is_done = step.outcome is StepOutcome.DONE or backup.backup_id in done
        found.append(Change(Kind.DELETE_OLD, step.urn, _location(new), goes=backup, is_done=is_done, is_gone=is_done))
    return found


def _deleted_ids(state: ResourceState) -> set[str]:
    found = state.outputs.get(DELETED_IDS)
    return {each for each in found if isinstance(each, str)} if isinstance(found, list) else set()


def _changes_of(steps: list[Step]) -> list[Change]:
    """What happens to one URN. Besides its own change, what an earlier replacement has left can be deleted."""
    own = [step for step in steps if step.op != "delete-replaced"]
    deletions = [step for step in steps if step.op == "delete-replaced"]
    replacing = [step for step in own if step.op in _REPLACING]
    if not replacing:
        return [_single(step) for step in own] + [_deletion(step) for step in deletions]
    first = replacing[0]
    replaced_id = first.old.id if first.old is not None else ""
    ours = [step for step in deletions if step.old is not None and step.old.id == replaced_id]
    others = [step for step in deletions if step not in ours]
    is_first = bool(ours) and steps.index(ours[0]) < steps.index(first)
    return [_replacement(replacing, ours, is_deleted_first=is_first), *map(_deletion, others)]


def _single(step: Step) -> Change:
    if step.op == "delete":
        return _deletion(step)
    new, old = step.new or ResourceState(), step.old or ResourceState()
    adopted = ""
    if step.op == "create":
        adopted = known_text(new.inputs, "adopt_backup_id")
        kind = Kind.ADOPT if new.inputs.get("adopt_backup_id") else Kind.TAKE
    else:
        kind = Kind.WAIT if _backup(old).status.is_running else Kind.UPDATE
    return Change(
        kind,
        step.urn,
        _location(new),
        backup_format=known_text(new.inputs, "backup_format"),
        adopted_id=adopted,
        is_protected=new.is_protected,
        is_retained=new.is_retained,
        result=_result(step),
        is_done=step.outcome is StepOutcome.DONE,
    )


def _replacement(replacing: list[Step], deletions: list[Step], *, is_deleted_first: bool) -> Change:
    created = next((step for step in replacing if step.op == "create-replacement"), replacing[0])
    new, old = created.new or ResourceState(), created.old or ResourceState()
    # To name the same backup again adopts nothing: the input is spent.
    adopted = known_text(new.inputs, "adopt_backup_id")
    named, before = (state.inputs.get("adopt_backup_id") for state in (new, old))
    is_adopted = bool(named) and named != before and (not adopted or adopted != _backup(old).backup_id)
    # Without such a step nothing goes: an earlier run has deleted it already, or this one was stopped before.
    gone = next((step.old for step in deletions if step.old is not None), None)
    is_retained = gone is not None and gone.is_retained
    backup = _backup(gone) if gone is not None else None
    return Change(
        Kind.ADOPT if is_adopted else Kind.REPLACE,
        created.urn,
        _location(new),
        backup_format=known_text(new.inputs, "backup_format"),
        goes=None if is_retained else backup,
        stays=backup if is_retained else None,
        is_deleted_first=is_deleted_first,
        adopted_id=adopted if is_adopted else "",
        is_protected=new.is_protected,
        is_retained=new.is_retained,
        result=_result(created),
        is_done=created.op != "replace" and all(step.outcome is StepOutcome.DONE for step in (created, *deletions)),
        is_gone=bool(deletions) and all(step.outcome is StepOutcome.DONE for step in deletions),
    )


def _deletion(step: Step) -> Change:
    old = step.old or ResourceState()
    backup = _backup(old)
    return Change(
        Kind.LEAVE if old.is_retained else Kind.DELETE,
        step.urn,
        _location(old),
        goes=None if old.is_retained else backup,
        stays=backup if old.is_retained else None,
        is_protected=old.is_protected,
        is_retained=old.is_retained,
        is_done=step.outcome is StepOutcome.DONE,
        is_gone=step.outcome is StepOutcome.DONE and not old.is_retained,
    )


def _location(state: ResourceState) -> Location:
    known = {name: known_text(state.inputs, name) for name in ("instance_id", "region", "project_id")}
    return Location(**known)


def _backup(state: ResourceState) -> KnownBackup:
    outputs = state.outputs
    return KnownBackup(
        # The id is instance/backup, and no secret.
        backup_id=known_text(outputs, "backup_id") or state.id.rpartition("/")[2],
        status=BackupStatus.of(known_text(outputs, "status")),
        created_at=known_text(outputs, "created_at"),
        updated_at=known_text(outputs, "updated_at"),
        size=whole_number(outputs.get("size")),
    )


def _result(step: Step) -> KnownBackup | None:
    found = _backup(step.new) if step.new is not None else None
    return found if found is not None and found.backup_id else None


def known_text(properties: Mapping[str, Any], name: str) -> str:
    """The value as text; empty where there is none, it is not known yet, or it is a secret."""
    value = properties.get(name)
    # A secret is a mapping in the log: what it hides is not there either.
    is_shown = isinstance(value, (str, int, float)) and not has_unknowns(value)
    return str(value) if is_shown and value not in (_UNKNOWN_IN_LOG, _SECRET_IN_LOG) else ""

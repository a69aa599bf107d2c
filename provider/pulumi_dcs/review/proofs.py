"""Which backups have been verified, as the steps of a run tell: the unchanged resources are among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..api.parsing import whole_number
from ..backup_verification.names import RESOURCE_TYPE
from .changes import known_text
from .events import EventLog, ResourceState


@dataclass(frozen=True)
class Proofs:
    """The verifications of a stack.

    Attributes:
        keys: how many keys each verified backup has, by instance and backup.
        are_declared: whether the stack has any verification; else nothing is said of backups without one.
    """

    keys: Mapping[tuple[str, str], int] = field(default_factory=dict)
    are_declared: bool = False

    def of(self, instance_id: str, backup_id: str) -> int | None:
        """How many keys a backup has; None where it was not verified."""
        return self.keys.get((instance_id, backup_id))


def proofs_in(log: EventLog) -> Proofs:
    """The verifications before and after each step: a backup that is replaced may have been verified."""
    steps = [step for step in log.steps if step.type == RESOURCE_TYPE]
    states = [state for step in steps for state in (step.old, step.new) if state is not None]
    return Proofs({key: keys for state in states for key, keys in _proof(state).items()}, bool(steps))


def _proof(state: ResourceState) -> dict[tuple[str, str], int]:
    outputs = state.outputs
    given = outputs.get("minimum_keys")
    keys, minimum = whole_number(outputs.get("key_count")), 1 if given is None else whole_number(given)
    backup_id = known_text(outputs, "backup_id")
    # One with too few keys is in the state as well, and proves nothing; nor does one whose minimum is not told.
    if keys is None or not backup_id or minimum is None or keys < minimum:
        return {}
    return {(known_text(outputs, "instance_id"), backup_id): keys}

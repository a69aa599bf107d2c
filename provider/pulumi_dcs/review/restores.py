"""What the engine's steps mean for data: which instances are restored, and from which backups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..api.clock import in_words
from ..api.parsing import parse_time
from ..engine.urn import resource_name
from ..instance_restore.names import RESOURCE_TYPE
from .changes import known_text
from .events import EventLog, ResourceState, Step, StepOutcome
from .sentence import Data, Sentence

_RESTORING: Final = frozenset({"create", "create-replacement"})
_LOST: Final = frozenset({"failed", "FAILED", "MIGRATION_FAILED", "TERMINATED", "gone"})


@dataclass(frozen=True)
class Restoring:
    """One restore that is carried out.

    Attributes:
        instance_id, backup_id, source_instance_id: of what, from what; empty where that is not known yet.
        is_adopted: whether one that was carried out already is taken over, so that no data is touched.
        is_done: whether it has been done (or, in a preview, planned).
        status: as the service wrote it; empty before.
        restore_id: the service's; empty before.
        seconds: how long it took by the service's clock; None where that is not known.
    """

    urn: str
    instance_id: str
    backup_id: str
    source_instance_id: str = ""
    is_adopted: bool = False
    is_done: bool = True
    status: str = ""
    restore_id: str = ""
    seconds: float | None = None

    @property
    def name(self) -> str:
        """The resource's name."""
        return resource_name(self.urn)

    @property
    def has_failed(self) -> bool:
        """Whether it was started and did not end well, as far as is known."""
        return self.status in _LOST

    def sentence(self, *, is_record: bool) -> Sentence:
        """It in words.

        Args:
            is_record: whether it has been done, rather than would be.
        """
        backup: tuple[str | Data, ...] = (
            ("backup ", Data(self.backup_id)) if self.backup_id else ("a backup that is not known yet",)
        )
        if self.source_instance_id:
            backup = (*backup, " of instance ", Data(self.source_instance_id))
        target: tuple[str | Data, ...] = (
            ("instance ", Data(self.instance_id)) if self.instance_id else ("an instance that is not known yet",)
        )
        if self.is_adopted:
            return (Data(self.name), ": takes over a restore of ", *target, "; no data is touched.")
        verb = ": overwrote data of " if is_record else ": overwrites data of "
        if is_record and not self.is_done:
            verb = ": not finished: overwrites data of "
        told: list[Sentence] = [(Data(each),) for each in (self.restore_id, self.status) if each]
        told += [(f"took {in_words(self.seconds)}",)] if self.seconds is not None else []
        ending: Sentence = (" (", *told[0], *(part for each in told[1:] for part in (", ", *each)), ")") if told else ()
        return (Data(self.name), verb, *target, " with ", *backup, *ending, ".")


def restores_in(log: EventLog) -> list[Restoring]:
    """Tell what is restored, by resource name."""
    found = [_restoring(step) for step in log.steps if step.type == RESOURCE_TYPE and step.op in _RESTORING]
    return sorted(found, key=lambda each: each.name)


def _restoring(step: Step) -> Restoring:
    new = step.new or ResourceState()
    source = known_text(new.inputs, "source_instance_id")
    adopted = known_text(new.inputs, "adopt_restore_id")
    # To name the same restore again adopts nothing: the input is spent.
    old = step.old or ResourceState()
    is_spent = adopted in (known_text(old.inputs, "adopt_restore_id"), known_text(old.outputs, "restore_id"))
    return Restoring(
        step.urn,
        known_text(new.inputs, "instance_id"),
        known_text(new.inputs, "backup_id"),
        "" if source == known_text(new.inputs, "instance_id") else source,
        is_adopted=bool(new.inputs.get("adopt_restore_id")) and not (adopted and is_spent),
        is_done=step.outcome is StepOutcome.DONE,
        status=known_text(new.outputs, "status"),
        restore_id=known_text(new.outputs, "restore_id"),
        seconds=_seconds(new),
    )


def _seconds(state: ResourceState) -> float | None:
    began, ended = (parse_time(known_text(state.outputs, name)) for name in ("started_at", "finished_at"))
    return max(0.0, (ended - began).total_seconds()) if began is not None and ended is not None else None

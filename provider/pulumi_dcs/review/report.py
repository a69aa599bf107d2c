"""The report: all that a reviewer is told, before it is written down as Markdown or JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from .concerns import Concern
from .events import Diagnostic, Violation
from .guards import taken_by
from .restores import Restoring
from .rows import Row, total_estimate


class Outcome(Enum):
    """What the command came to."""

    PREVIEWED = "previewed"
    PREVIEW_FAILED = "preview failed"
    APPLIED = "applied"
    APPLY_FAILED = "apply failed"
    STALE = "plan is stale"
    NO_PLAN = "no reviewed plan"
    CANCELLED = "cancelled"
    """While it changed something."""
    INTERRUPTED = "interrupted"
    """While it only looked."""
    NO_DRIFT = "no drift"
    DRIFT = "drift"
    DRIFT_UNKNOWN = "drift unknown"

    @property
    def is_record(self) -> bool:
        """Whether the report tells what has been done, rather than what would be."""
        return self in (Outcome.APPLIED, Outcome.APPLY_FAILED, Outcome.STALE, Outcome.CANCELLED)

    @property
    def is_drift(self) -> bool:
        """Whether the report compares the service with the state."""
        return self in (Outcome.NO_DRIFT, Outcome.DRIFT, Outcome.DRIFT_UNKNOWN)


@dataclass(frozen=True)
class Report:
    """What one command found out, said, or did.

    Attributes:
        rows: the backups that change, or have changed.
        restores: the instances that are restored, or have been.
        guards: what `backup_before` says of its backups, which have no row.
        other_changes: how many resources of other types change too.
        concerns: what must not be missed.
        unknown: what could not be found out, and why: by name, of an instance or of everything.
        errors: the messages that say why it failed.
        diff: what the engine printed.
        seconds: how long the command took.
        versions: of this package and of the engine.
    """

    outcome: Outcome
    stack: str
    made_at: datetime
    commit: str = ""
    rows: tuple[Row, ...] = ()
    restores: tuple[Restoring, ...] = ()
    guards: tuple[Diagnostic, ...] = ()
    other_changes: int = 0
    concerns: tuple[Concern, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    violations: tuple[Violation, ...] = ()
    errors: tuple[Diagnostic, ...] = ()
    diff: str = ""
    seconds: float = 0.0
    versions: str = ""
    run_url: str = ""

    @property
    def has_facts(self) -> bool:
        """Whether the service could be asked about any instance."""
        return any(row.instance is not None or row.facts.backups is not None for row in self.rows)

    @property
    def estimate(self) -> float | None:
        """About how many seconds the backups will take; None if there are none, or the history of one is not known."""
        return total_estimate(self.rows) if self.taken and not taken_by(self.guards) else None

    @property
    def taken(self) -> int:
        """How many backups are taken; in a record, how many were, without those that failed or are still running."""
        is_record = self.outcome.is_record
        rows = sum(row.change.kind.takes_one and (not is_record or row.change.has_result) for row in self.rows)
        return rows + taken_by(self.guards)

    @property
    def deleted(self) -> int:
        """How many backups are deleted; in a record, how many were; in a drift check none, whatever is missing."""
        if self.outcome.is_drift:
            return 0
        is_record = self.outcome.is_record
        return sum(row.change.goes is not None and (not is_record or row.change.is_gone) for row in self.rows)

    @property
    def restored(self) -> int:
        """How many restores are carried out; in a record, how many were."""
        is_record = self.outcome.is_record
        return sum(
            not each.is_adopted and (not is_record or (each.is_done and not each.has_failed)) for each in self.restores
        )

    @property
    def label(self) -> str:
        """The label for the request: what is most worth knowing of it."""
        if self.restored:
            return "backup: restore"
        if self.deleted:
            return "backup: delete"
        return "backup: create" if self.taken else "backup: none"

"""What a reviewer is told of each changed backup: the instance, its last good backup, how long it may take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Final, Protocol

from ..api.backups import BackupRecord
from ..api.instances import Instance
from ..operations.record_cache import Snapshot
from .changes import Change, Location
from .proofs import Proofs
from .service import InstanceFacts, Known

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Row:
    """One changed backup.

    Attributes:
        change: what happens to it.
        facts: what the service says of its instance.
        last_good: the instance's newest backup that succeeded; None for none, or where that is not known.
        proofs: the stack's verifications of backups.
    """

    change: Change
    facts: InstanceFacts = field(default_factory=InstanceFacts)
    last_good: BackupRecord | None = None
    proofs: Proofs = field(default_factory=Proofs)

    @property
    def instance(self) -> Instance | None:
        """The instance; None where it could not be asked about."""
        return self.facts.instance

    @property
    def all_backups(self) -> Snapshot[BackupRecord] | None:
        """The instance's backups, if they are known to be all: only a complete list proves what there is not."""
        backups = self.facts.backups
        return backups if backups is not None and backups.is_complete else None

    @property
    def verified_keys(self) -> int | None:
        """How many keys the last good backup has; None where the stack does not hold its verification."""
        if self.last_good is None:
            return None
        return self.proofs.of(self.change.location.instance_id, self.last_good.backup_id)

    @property
    def result_keys(self) -> int | None:
        """How many keys the backup that came of it has; None where it was not verified."""
        result = self.change.result
        return self.proofs.of(self.change.location.instance_id, result.backup_id) if result is not None else None

    @property
    def instance_name(self) -> str:
        """The instance's name, its id where that is not known, empty where neither is."""
        name = self.instance.name if self.instance is not None else ""
        return name or self.change.location.instance_id

    @property
    def estimate(self) -> float | None:
        """About how many seconds the backup will take: as long as the last good one; None without history.

        The service does not keep how much memory the instance used then. So the estimate can't grow with the data.
        """
        return seconds_taken(self.last_good) if self.change.kind.takes_one and self.last_good is not None else None


def rows_of(changes: Iterable[Change], known: Known, proofs: Proofs | None = None) -> list[Row]:
    """A row for each change."""
    return [_row(change, known.of(change.location), proofs or Proofs()) for change in changes]


def total_estimate(rows: Sequence[Row]) -> float | None:
    """About how many seconds it all will take; None where a backup has no history.

    Instances are backed up side by side, but each makes one backup at a time.
    """
    by_instance: dict[Location, float] = {}
    for row in rows:
        if row.change.kind.takes_one:
            if row.estimate is None:
                return None
            by_instance[row.change.location] = by_instance.get(row.change.location, 0.0) + row.estimate
    return max(by_instance.values(), default=None)


def by_location(rows: Iterable[Row]) -> Mapping[Location, list[Row]]:
    """The rows of each instance that is known, by one of its locations: its id is its own wherever it is."""
    found: dict[Location, list[Row]] = {}
    first: dict[str, Location] = {}
    for row in rows:
        if row.change.location.instance_id:
            location = first.setdefault(row.change.location.instance_id, row.change.location)
            found.setdefault(location, []).append(row)
    return found


def newest_first(snapshot: Snapshot[BackupRecord]) -> list[BackupRecord]:
    """The backups that exist, in the order of their start."""
    living = [record for record in snapshot.records.values() if not record.is_gone]
    return sorted(living, key=lambda record: record.created or _LONG_AGO, reverse=True)


class Timed(Protocol):
    """Something that was started and has ended."""

    @property
    def created(self) -> datetime | None:
        """When it was started."""

    @property
    def updated(self) -> datetime | None:
        """When it last changed."""


def seconds_taken(record: Timed) -> float | None:
    """How long a finished backup took, by the service's own times; None where they don't tell."""
    if record.created is None or record.updated is None:
        return None
    seconds = (record.updated - record.created).total_seconds()
    return seconds if seconds >= 0 else None


def _row(change: Change, facts: InstanceFacts, proofs: Proofs) -> Row:
    records = newest_first(facts.backups) if facts.backups is not None else []
    return Row(change, facts, next((record for record in records if record.has_succeeded), None), proofs)

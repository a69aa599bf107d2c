"""How many keys a backup holds: the sum over its shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..api.key_analyses import KeyCounts


@dataclass(frozen=True)
class Counts:
    """What was counted in a whole backup.

    Attributes:
        keys: how many keys there are.
        bytes: how much memory they take, as the service reckons; None where it does not say of each shard.
        by_type: how many there are of each type.
        finished_at: when the last of it was counted, as the service writes it.
    """

    keys: int
    bytes: int | None
    by_type: tuple[tuple[str, int], ...]
    finished_at: str

    @classmethod
    def of(cls, shards: Iterable[KeyCounts]) -> Counts:
        """Add up what was counted in each shard, which has to say how many keys it holds."""
        found = list(shards)
        sizes = [each.bytes for each in found]
        by_type: Counter[str] = Counter()
        for each in found:
            by_type.update(dict(each.by_type))
        return cls(
            keys=sum(each.keys or 0 for each in found),
            bytes=None if None in sizes else sum(size or 0 for size in sizes),
            by_type=tuple(sorted(by_type.items())),
            # All in the same form and in UTC: the order of the texts is that of the times.
            finished_at=max((each.finished_at for each in found), default=""),
        )

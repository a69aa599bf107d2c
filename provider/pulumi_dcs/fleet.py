"""Deals a fleet of instances out to several stacks, each instance always to the same one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def share(instance_ids: Iterable[str], shard: int, shards: int) -> list[str]:
    """The instances that belong to one of several stacks of the same program.

    By rendezvous hashing: which stack an instance belongs to depends on its id and the number of stacks alone, not on
    the other instances or their order. With one stack more, only the instances that go to it move.

    Args:
        instance_ids: of the whole fleet; one that is named twice counts once.
        shard: which stack this is, from 0.
        shards: how many stacks there are, at least 1.

    Raises:
        ValueError: ``shards`` is below 1, or ``shard`` is not below ``shards``.
    """
    if shards < 1:
        raise ValueError(f"shards is {shards}; it must be at least 1")
    if not 0 <= shard < shards:
        raise ValueError(f"shard is {shard}; with {shards} shards it must be from 0 to {shards - 1}")
    return [each for each in dict.fromkeys(instance_ids) if _home(each, shards) == shard]


def _home(instance_id: str, shards: int) -> int:
    return max(range(shards), key=lambda shard: hashlib.sha256(f"{shard}\n{instance_id}".encode()).digest())

"""Counts and copies the keys of a loaded backup. No key's name leaves this module."""

from __future__ import annotations

import binascii
import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from .server import Client, Server

SLOTS: Final = 16384
"""Hash slots of a Redis cluster."""
LARGEST: Final = 10
"""How many of the largest keys are described; the service describes 100 or more."""
_BATCH: Final = 500
"""Keys per round trip."""
_LENGTHS: Final = {
    "string": "STRLEN",
    "list": "LLEN",
    "set": "SCARD",
    "zset": "ZCARD",
    "hash": "HLEN",
    "stream": "XLEN",
}


@dataclass(frozen=True)
class LargeKey:
    """One of the largest keys, without its name."""

    type: str
    size: int
    elements: int


@dataclass
class KeyCount:
    """What a backup holds.

    Attributes:
        number: keys by type.
        size: bytes that they take in memory, by type.
        largest: the largest keys, largest first.
    """

    number: Counter[str] = field(default_factory=Counter)
    size: Counter[str] = field(default_factory=Counter)
    largest: list[LargeKey] = field(default_factory=list)


def shard_of(key: bytes, shards: int) -> int:
    """The shard of a cluster that a key belongs to, counted from 0."""
    start = key.find(b"{")
    end = key.find(b"}", start + 1) if start >= 0 else -1
    hashed = key[start + 1 : end] if end > start + 1 else key
    return binascii.crc_hqx(hashed, 0) % SLOTS * shards // SLOTS


def count_keys(server: Server, *, shard: int = 0, shards: int = 1) -> KeyCount:
    """Count the keys of one shard in all databases."""
    found = KeyCount()
    largest: list[tuple[int, int, LargeKey]] = []
    for database in _databases(server):
        with server.client(database) as client:
            for keys in _batches(client):
                mine = [key for key in keys if shard_of(key, shards) == shard]
                for key, kind, size in zip(mine, *_described(client, mine), strict=True):
                    if kind == "none":  # it has just expired
                        continue
                    found.number[kind] += 1
                    found.size[kind] += size
                    if len(largest) < LARGEST or size > largest[0][0]:
                        length = _LENGTHS.get(kind)
                        elements = int(client.execute_command(length, key)) if length else 0
                        entry = (size, found.number.total(), LargeKey(kind, size, elements))
                        (heapq.heappushpop if len(largest) == LARGEST else heapq.heappush)(largest, entry)
    found.largest = [key for _, _, key in sorted(largest, reverse=True)]
    return found


def copy_keys(source: Server, target: Server, password: str | None, databases: int) -> None:
    """Copy every key with its expiry: equal keys are overwritten, others stay.

    Args:
        source: the server that has loaded the backup.
        target: the server to fill.
        password: the target's, as whoever asks for the import knows it; None for none.
        databases: how many of the source's databases the target has.
    """
    for database in [each for each in _databases(source) if each < databases] or [0]:
        with source.client(database) as reader, target.client(database, password or "") as writer:
            writer.ping()
            for keys in _batches(reader):
                pipeline = reader.pipeline(transaction=False)
                for key in keys:
                    pipeline.dump(key)
                    pipeline.pexpiretime(key)
                answers = pipeline.execute()
                restoring = writer.pipeline(transaction=False)
                for key, dumped, expiry in zip(keys, answers[::2], answers[1::2], strict=True):
                    # A key that has just expired has neither.
                    if dumped is not None:
                        restoring.restore(key, max(expiry, 0), dumped, replace=True, absttl=expiry > 0)
                restoring.execute()


def _databases(server: Server) -> list[int]:
    with server.client() as client:
        return sorted(int(name.removeprefix("db")) for name in client.info("keyspace"))


def _batches(client: Client) -> Iterator[list[bytes]]:
    cursor = 0
    seen: set[bytes] = set()
    while True:
        cursor, keys = client.scan(cursor, count=_BATCH)
        # A scan may name a key twice while the server's table is being resized.
        fresh = list(dict.fromkeys(key for key in keys if key not in seen))
        seen.update(fresh)
        if fresh:
            yield fresh
        if cursor == 0:
            return


def _described(client: Client, keys: list[bytes]) -> tuple[list[str], list[int]]:
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.type(key)
        pipeline.memory_usage(key, samples=0)
    answers: list[Any] = pipeline.execute()
    return [kind.decode() for kind in answers[::2]], [size or 0 for size in answers[1::2]]

"""Counts and copies the keys of a loaded backup. No key's name leaves this module."""

from __future__ import annotations

import binascii
import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from .server import HOST, Client, Server

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
_TYPES_AND_SIZES: Final = """
local found = {}
for _, key in ipairs(KEYS) do
    found[#found + 1] = redis.call('TYPE', key).ok
    found[#found + 1] = redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0') or 0
end
return found
"""
"""Run by the server: a hundred thousand keys take a second, not ten."""
_EXPIRIES: Final = """
local found = {}
for _, key in ipairs(KEYS) do found[#found + 1] = redis.call('PEXPIRETIME', key) end
return found
"""
_COPY_TIMEOUT: Final = 60_000
"""Milliseconds for which a server may be silent while it copies one batch."""


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
                expiries = reader.eval(_EXPIRIES, len(keys), *keys)
                secret = ["AUTH", password] if password else []
                where = [HOST, target.port, "", database, _COPY_TIMEOUT]
                reader.execute_command("MIGRATE", *where, "COPY", "REPLACE", *secret, "KEYS", *keys)
                # MIGRATE counts from when it is called: the very moment is set again.
                pipeline = writer.pipeline(transaction=False)
                for key, expiry in zip(keys, expiries, strict=True):
                    if expiry > 0:
                        pipeline.pexpireat(key, expiry)
                pipeline.execute()


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
    answers: list[Any] = client.eval(_TYPES_AND_SIZES, len(keys), *keys) if keys else []
    return [kind.decode() for kind in answers[::2]], answers[1::2]

"""What an instance holds, written and read with a Redis client: every key with its type, value and expiry."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from valkey import Valkey

from tests.endpoint import LocalEndpoint

EXPIRY: Final = int(time.time()) + 3600
"""When the keys that expire do, in seconds since the epoch."""

Client = Any
"""valkey's own types are those of two kinds of clients at once."""


@contextmanager
def client_of(endpoint: LocalEndpoint, instance_id: str, database: int = 0) -> Iterator[Client]:
    server = endpoint.control("GET", f"/instances/{instance_id}/server")
    client: Client = Valkey(server["host"], server["port"], database, password=server["password"])
    try:
        yield client
    finally:
        client.close()


def fill(endpoint: LocalEndpoint, instance_id: str, *, databases: int = 1) -> None:
    """Write keys of every type, with every kind of expiry."""
    for database in range(databases):
        with client_of(endpoint, instance_id, database) as client:
            many = {f"order:{number}": f"{number} pieces" * 5 for number in range(2000)}
            client.mset(many)
            client.set(b"bin\x00\xff\r\n", bytes(range(256)) * 40)
            client.set("empty", b"")
            client.rpush("queue", *range(300), b"\x00", "größe")
            client.sadd("numbers", *range(700))
            client.sadd("words", "a", "b", b"\xff")
            client.zadd("scores", {f"m{number}": number * 0.5 for number in range(400)} | {"inf": float("inf")})
            client.hset("cart", mapping={f"item{number}": "x" * number for number in range(200)})
            client.hset("small", mapping={"a": 1, "b": b"\x00"})
            for number in range(50):
                client.xadd("events", {"n": number, "what": "b" * number}, id=f"{number + 1}-1")
            client.xgroup_create("events", "workers", id="10-1")
            client.xreadgroup("workers", "anna", {"events": ">"}, count=3)
            client.set("session", "anna")
            client.expireat("session", EXPIRY)
            client.pexpireat("small", EXPIRY * 1000 + 123)
            client.setbit("bits", 70000, 1)
            client.pfadd("visitors", *range(1000))
            client.geoadd("places", (13.361389, 38.115556, "Palermo"))


def contents(endpoint: LocalEndpoint, instance_id: str, databases: int = 1) -> dict[Any, Any]:
    """Every key of the instance, with what can be read of it."""
    found = {}
    for database in range(databases):
        with client_of(endpoint, instance_id, database) as client:
            for key in client.scan_iter(count=1000):
                kind = client.type(key).decode()
                found[database, key] = (kind, client.pexpiretime(key), _value(client, kind, key))
    return found


def _value(client: Client, kind: str, key: bytes) -> Any:
    if kind == "string":
        return client.get(key)
    if kind == "list":
        return client.lrange(key, 0, -1)
    if kind == "set":
        return sorted(client.smembers(key))
    if kind == "zset":
        return client.zrange(key, 0, -1, withscores=True)
    if kind == "hash":
        return client.hgetall(key)
    assert kind == "stream"
    return client.xrange(key), client.xinfo_groups(key), client.xpending(key, "workers")

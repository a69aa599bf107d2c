"""The data of the demo: a few thousand keys of an instance, their damage, and their comparison."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import requests
import valkey

KEYS: Final = 4000
_BATCH: Final = 1000
"""Keys that are read or written in one go."""


class Data:
    """The keys of an instance.

    Args:
        endpoint: the local endpoint's URL.
        instance_id: the instance.
    """

    def __init__(self, endpoint: str, instance_id: str) -> None:
        self._server = f"{endpoint}/control/instances/{instance_id}/server"

    def write(self) -> None:
        """Make the instance hold the demo's keys, and no others."""
        with self._connect() as redis:
            redis.flushall()
            pipeline = redis.pipeline(transaction=False)
            for number in range(KEYS):
                _write_key(pipeline, number)
            pipeline.execute()

    def damage(self) -> str:
        """Do what a bad migration does; what that was."""
        with self._connect() as redis:
            names = sorted(redis.scan_iter(count=_BATCH))
            lost, changed = names[::3], names[1::3]
            redis.delete(*lost)
            pipeline = redis.pipeline(transaction=False)
            for name in changed:
                pipeline.set(name, "overwritten")
            pipeline.execute()
        return f"{len(lost)} keys deleted, {len(changed)} overwritten"

    def digest(self) -> tuple[int, str]:
        """How many keys there are, and a hash of every key and its value."""
        told = hashlib.sha256()
        count = 0
        with self._connect() as redis:
            for name, value in _everything(redis):
                told.update(repr((name, value)).encode())
                count += 1
        return count, told.hexdigest()

    def _connect(self) -> Any:
        # Asked each time: after a restore the server may be at another port.
        response = requests.get(self._server, timeout=30)
        response.raise_for_status()
        return valkey.Valkey.from_url(response.json()["url"])


def _write_key(pipeline: Any, number: int) -> None:
    kind = number % 4
    if kind == 0:
        pipeline.set(f"order:{number}", f"total={number * 7 % 1000}.00")
    elif kind == 1:
        pipeline.hset(f"customer:{number}", mapping={"name": f"customer {number}", "city": f"city {number % 50}"})
    elif kind == 2:
        pipeline.rpush(f"cart:{number}", *(f"article {number % 100 + i}" for i in range(3)))
    else:
        pipeline.zadd(f"ranking:{number}", {f"article {i}": i * number % 97 for i in range(4)})


def _everything(redis: Any) -> Iterator[tuple[bytes, Any]]:
    readers = {
        b"string": redis.get,
        b"hash": lambda name: sorted(redis.hgetall(name).items()),
        b"list": lambda name: redis.lrange(name, 0, -1),
        b"zset": lambda name: redis.zrange(name, 0, -1, withscores=True),
    }
    for name in sorted(redis.scan_iter(count=_BATCH)):
        yield name, readers[redis.type(name)](name)

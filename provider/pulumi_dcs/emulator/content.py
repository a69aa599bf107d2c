"""Which files a backup has, and which bytes belong to each: the only module that knows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from .records import StoredBackup, StoredInstance

_SHARD_GB: Final = 4
"""Gigabytes that one shard of a cluster holds."""
_SLOTS: Final = 16_384
"""Slots that the keys of a Redis cluster are dealt out to."""
_BLOCK: Final = 65_536


@dataclass(frozen=True)
class BackupFile:
    """One file of a backup.

    Attributes:
        read: the bytes from an offset on, at most the given number.
    """

    name: str
    size: int
    read: Callable[[int, int], bytes] = field(repr=False)


def shards_of(instance: StoredInstance) -> int:
    """How many shards an instance has, each of which is a file of its backups."""
    is_clustered = instance.cache_mode in ("cluster", "proxy")
    return max(1, round(instance.capacity / _SHARD_GB)) if is_clustered else 1


def files_of(backup: StoredBackup, instance: StoredInstance, path: Path | None) -> list[BackupFile]:
    """The files of a backup: the same ones with the same bytes each time.

    Args:
        path: the file that holds the real data of all shards; None where there are no data.
    """
    count = shards_of(instance) if path is None else 1
    ended = datetime.fromtimestamp(backup.created + backup.duration, timezone.utc)
    files = []
    for shard in range(count):
        slots = f"_{shard * _SLOTS // count}-{(shard + 1) * _SLOTS // count - 1}" if count > 1 else ""
        name = f"redis_{instance.ip}_6379{slots}_{ended:%Y%m%d%H%M%S}.{backup.backup_format}"
        if path is not None:
            files.append(BackupFile(name, path.stat().st_size, _file_reader(path)))
            continue
        size = (shard + 1) * backup.size // count - shard * backup.size // count
        files.append(BackupFile(name, size, _reader(f"{backup.backup_id}/{name}", size)))
    return files


def _file_reader(path: Path) -> Callable[[int, int], bytes]:
    def read(offset: int, count: int) -> bytes:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(count)

    return read


def _reader(seed: str, size: int) -> Callable[[int, int], bytes]:
    """Reads bytes that only look like data, made as they are asked for."""

    def read(offset: int, count: int) -> bytes:
        end = min(size, offset + count)
        blocks = range(offset // _BLOCK, -(-end // _BLOCK))
        made = b"".join(hashlib.shake_128(f"{seed}/{number}".encode()).digest(_BLOCK) for number in blocks)
        start = offset % _BLOCK
        return made[start : start + max(0, end - offset)]

    return read

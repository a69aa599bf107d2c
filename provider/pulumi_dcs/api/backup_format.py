"""The file formats of backups; alone in its file, because a program that declares backups imports it."""

from __future__ import annotations

from enum import Enum


class BackupFormat(str, Enum):
    """The file format of a backup. ``rdb`` is the service's default."""

    AOF = "aof"
    RDB = "rdb"

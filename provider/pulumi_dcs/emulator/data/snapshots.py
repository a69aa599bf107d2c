"""Has a running server write all its data to a file, as they are at the start of the call."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any, Final

from .server import APPEND_ONLY_FILE, DATA_FILE, Server

_POLL: Final = 0.01
"""Seconds between two questions whether the server has written its append-only file, which takes it 0.1 s or more."""


def write_rdb_file(server: Server, path: Path) -> int:
    """Write an RDB file; its size in bytes."""
    with server.client() as client:
        client.save()
    return _put(server.folder / DATA_FILE, path)


def write_append_only_file(server: Server, path: Path) -> int:
    """Write an append-only file of commands; its size in bytes.

    Raises:
        OSError: the server can't write it, as on a full disk.
    """
    folder = server.folder / "appendonlydir"
    with server.client() as client:
        client.config_set("appendonly", "yes")
        try:
            while _is_writing(client.info("persistence")):
                time.sleep(_POLL)
            # What is written meanwhile goes to another file, so that this one is as of the start.
            (base,) = folder.glob(f"{APPEND_ONLY_FILE}.*.base.aof")
            return _put(base, path)
        finally:
            client.config_set("appendonly", "no")
            shutil.rmtree(folder, ignore_errors=True)


def _is_writing(persistence: dict[str, Any]) -> bool:
    is_scheduled, is_writing = persistence["aof_rewrite_scheduled"], persistence["aof_rewrite_in_progress"]
    if is_scheduled and not is_writing and persistence["aof_last_bgrewrite_status"] != "ok":
        # It would try again for ever.
        raise OSError("The append-only file can't be written.")
    return bool(is_writing or is_scheduled)


def _put(source: Path, path: Path) -> int:
    """Copy the file so that it is there whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    try:
        shutil.copyfile(source, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path.stat().st_size

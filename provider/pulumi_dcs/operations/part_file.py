"""A file that is being downloaded: hidden until it is whole, then under its final name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from ..api.files import OpenFile
from .errors import DownloadFailedError

_SAME_MOMENT: Final = 2.0
"""Seconds by which the times of the same file may differ: file systems such as FAT keep every other one."""
_SYNCED_FOLDERS: Final = os.name == "posix"
"""Elsewhere a folder can't be opened, and a rename is written with the file."""


def check_same(final: Path, source: OpenFile, total: int) -> None:
    """Make sure that what has the final name is this very file.

    Raises:
        DownloadFailedError: it is something else, which must not be lost.
    """
    is_file = final.is_file() and not final.is_symlink()
    status = final.lstat()
    is_same_time = source.modified is None or abs(status.st_mtime - source.modified) <= _SAME_MOMENT
    if not (is_file and status.st_size == total and is_same_time):
        raise DownloadFailedError(
            f"{final} is there already, and it is not the file of this backup.",
            facts=["its size or its time is not what the storage says; it was left as it is"],
            advice="move it away, or name another folder.",
        )


@contextmanager
def opened(part: Path, start: int) -> Iterator[BinaryIO]:
    """The unfinished file, cut to where writing begins; only for its owner, and never through a link to elsewhere."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(part, flags, 0o600), "r+b") as target:
        target.truncate(start)
        target.seek(start)
        yield target


def finish(part: Path, target: BinaryIO, modified: float | None) -> None:
    """Have the content of the unfinished file survive a power failure.

    Args:
        modified: when the original was changed last, which the file keeps: it tells later that it is the same.
    """
    target.flush()
    if modified is not None:
        os.utime(part, (modified, modified))
    os.fsync(target.fileno())


def put_in_place(part: Path, final: Path) -> None:
    """Give the file its final name, and have that survive a power failure as well."""
    part.replace(final)
    if not _SYNCED_FOLDERS:
        return
    descriptor = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Tell what the system says against writing."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        path = error.filename if isinstance(error.filename, str) else str(folder)
        raise DownloadFailedError(
            f"{path} can't be written: {reason}.",
            facts=["what has come so far is kept, and no unfinished file has a final name"],
            advice="correct that and run it again: it goes on where it ended.",
        ) from error

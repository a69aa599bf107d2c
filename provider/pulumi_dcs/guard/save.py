"""Saves the files of a backup that will be deleted together with its instance."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..api.backups import BackupRecord
from ..api.files import Files
from ..api.links import Link, Links
from ..operations.download import Download
from ..operations.errors import DownloadFailedError
from ..operations.operation import Operation
from ..operations.part_file import told
from ..resources.backups import BackupService
from ..version import version

TIMEOUT: Final = 86_400.0
"""Seconds for a download: it goes on for as long as bytes come, and ends by itself when none do."""
_LINKS_LIVE: Final = 3600
"""Seconds: as long as the largest file takes; new ones are made where that was too short."""
_MAX_NAME: Final = 100
"""Characters of the resource's name that go into a folder's: with the backup's id, file systems allow 255."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
"""What the name of a folder must not have on every system."""


def folder_for(save_to: str, name: str, backup_id: str) -> Path:
    """Where the files of one backup go: no two backups share a folder."""
    return Path(save_to) / f"{_UNSAFE.sub('_', name).lstrip('.')[:_MAX_NAME]}-{backup_id}"


def check_folder(save_to: str) -> None:
    """Make sure that files can be saved there, as far as can be seen without writing.

    Raises:
        DownloadFailedError: something else is in the way.
    """
    folder = Path(save_to)
    with told(folder):
        there = next(each for each in (folder, *folder.parents) if each.exists())
    if not there.is_dir():
        raise DownloadFailedError(
            f"The backup's files can't be saved in {folder}.",
            facts=[f"{there} is not a folder"],
            advice="give save_to another folder, or move that file away.",
        )


def save(
    service: BackupService, operation: Operation, instance_id: str, record: BackupRecord, folder: Path
) -> list[Path]:
    """Download the backup's files, and check that they are whole.

    Raises:
        DcsError: they are not all there, or could not be checked.
    """

    def make_links() -> tuple[Link, ...]:
        links = Links(service.client, operation.pause)
        return links.create(instance_id, record.id, expiration=_LINKS_LIVE)

    files = Files(f"pulumi-dcs/{version()}")
    backup = f"{instance_id}/{record.id}"
    paths = Download(make_links, files, operation, backup=backup, folder=folder).run()
    _check(paths, record, operation.warn)
    return paths


def _check(paths: list[Path], record: BackupRecord, warn: Callable[[str], None]) -> None:
    """Look at the files once more, now that they have their final names."""
    sizes = {path: path.stat().st_size for path in paths}
    if empty := [path for path, size in sizes.items() if not size]:
        raise DownloadFailedError(
            f"Backup {record.id} has a file without a single byte, {empty[0].name}.",
            facts=[f"downloaded to {empty[0].parent}"],
            advice="look at the backup in the console; if it is broken, take another one.",
        )
    total, listed = sum(sizes.values()), record.size or 0
    difference = f"The files of backup {record.id} have {total} bytes; the service lists it with {listed}."
    if total < listed:
        # A proxy in between, or the storage, may tell of a part of a file as if it were all of it.
        raise DownloadFailedError(
            difference,
            facts=[f"downloaded to {paths[0].parent}"],
            advice="move them away and run `pulumi up` again; if it persists, look at the backup in the console.",
        )
    if listed and total != listed:
        warn(difference)

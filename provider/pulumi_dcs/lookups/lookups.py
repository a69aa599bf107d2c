"""Carries look-ups out: asks each thing once per run, and says what went wrong as one diagnostic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Final

import pulumi

from ..api import retries
from ..api.backups import BackupRecord, Backups, BackupStatus
from ..api.client import Client
from ..api.error_response import clean
from ..api.errors import DcsError
from ..api.files import Files
from ..api.instances import Instance as InstanceRecord
from ..api.instances import Instances
from ..api.links import Link, Links
from ..engine.outputs import Dependencies
from ..instance_backup.identity import BackupId
from ..operations.download import Download
from ..operations.errors import OperationError, RecordNotFoundError
from ..operations.list_instances import list_instances
from ..operations.operation import Operation
from ..operations.record_cache import RecordCache
from ..program import Program, is_preview
from ..resources.advice import in_pulumis_terms
from ..resources.mark import without_mark
from ..version import version
from .found import Backup, BackupLink, Instance
from .queries import BackupQuery, FilesQuery, InstanceQuery, Where

_LIST_TIMEOUT: Final = retries.READ_RETRY_TIMEOUT + 20.0
"""Seconds for a list of backups with its retries: as for other reads, and the last pause between two of them."""
_FLEET_TIMEOUT: Final = 1800.0
"""Seconds for a list of instances: with their details, thousands of requests at the pace that the service allows."""
_DOWNLOAD_TIMEOUT: Final = 86_400.0
"""Seconds for a download: it goes on for as long as bytes come, and ends by itself when none do."""
_NOT_KNOWN: Final = datetime.min.replace(tzinfo=timezone.utc)
_SHOWN: Final = 3
"""Backups that an error names: enough to see what there is instead."""


@contextmanager
def diagnosed() -> Iterator[None]:
    """Let the errors of this package end the program as the diagnostics they are, without a traceback."""
    try:
        yield
    except DcsError as error:
        raise pulumi.RunError(in_pulumis_terms(error)) from error


class Lookups:
    """The look-ups of one run.

    Args:
        dependencies: resources that were there before: what was asked before may not know of them yet. In a preview
            nothing changes, and everybody may share what has been asked.
    """

    def __init__(self, program: Program, dependencies: Dependencies = frozenset()) -> None:
        self._program = program
        self._dependencies = frozenset() if is_preview() else dependencies

    def instances(self, query: InstanceQuery) -> list[Instance]:
        """The instances that fit, by name."""

        def ask() -> list[InstanceRecord]:
            operation = self._program.operation("list the instances", _FLEET_TIMEOUT)
            return list_instances(Instances(self._client(query.where), operation.pause), operation, query.filter)

        with diagnosed():
            return [_instance(each) for each in self._program.once((*query.key, self._dependencies), ask)]

    def backups(self, query: BackupQuery) -> list[Backup]:
        """The backups that fit, newest first."""
        return [backup for backup in self._all_backups(query) if query.fits(backup)]

    def latest_backup(self, query: BackupQuery) -> Backup:
        """The newest backup that fits.

        Raises:
            pulumi.RunError: none does; the message says what there is instead.
        """
        everything = self._all_backups(query)
        found = next(filter(query.fits, everything), None)
        if found is None:
            with diagnosed():
                raise _none_fits(query, everything)
        return found

    def links(self, query: FilesQuery) -> list[BackupLink]:
        """The links of a backup's files."""

        def ask() -> tuple[Link, ...]:
            operation = self._program.operation(f"make links for backup {query.backup.backup_id}", _LIST_TIMEOUT)
            return retries.read(
                partial(self._make_links, query, operation),
                clock=operation.clock,
                pause=operation.pause,
                retry_timeout=operation.remaining,
            )

        with diagnosed():
            found = self._program.once(("links", query, self._dependencies), ask)
        return [BackupLink(link.file_name, link.url) for link in found]

    def check_backup(self, query: FilesQuery) -> None:
        """Check what can be checked of a backup whose files are wanted later, with a key that may only read.

        Raises:
            pulumi.RunError: there is no such backup, or it has no files.
        """
        wanted = query.backup
        listed = {each.backup_id: each for each in self._all_backups(BackupQuery(query.where, wanted.instance_id))}
        backup = listed.get(wanted.backup_id)
        if backup is not None and BackupStatus.of(backup.status) is BackupStatus.FAILED:
            with diagnosed():
                raise OperationError(
                    f"Backup {wanted.backup_id} of instance {wanted.instance_id} has failed, and so has no files.",
                    advice="name another backup.",
                )
        if backup is None or BackupStatus.of(backup.status).is_gone:
            with diagnosed():
                raise RecordNotFoundError(
                    f"Instance {wanted.instance_id} has no backup {wanted.backup_id}.",
                    advice="check the id, the region and the project: the backup may have been deleted or pushed out.",
                )

    def download(self, query: FilesQuery, folder: Path, report_progress: Callable[[str], None]) -> list[Path]:
        """Download a backup's files into a folder; their paths."""
        operation = self._program.operation(
            f"download backup {query.backup.backup_id}", _DOWNLOAD_TIMEOUT, report_progress=report_progress
        )
        with diagnosed():
            make_links = partial(self._make_links, query, operation)
            files = Files(f"pulumi-dcs/{version()}")
            return Download(make_links, files, operation, backup=str(query.backup), folder=folder).run()

    def _make_links(self, query: FilesQuery, operation: Operation) -> tuple[Link, ...]:
        links = Links(self._client(query.where), operation.pause)
        return links.create(query.backup.instance_id, query.backup.backup_id, expiration=query.expiration)

    def _all_backups(self, query: BackupQuery) -> list[Backup]:
        """All backups of the instance, newest first."""

        def ask() -> list[BackupRecord]:
            client = self._client(query.where)
            cache = RecordCache[BackupRecord](lambda pause: Backups(client, pause))
            operation = self._program.operation(f"list the backups of instance {query.instance_id}", _LIST_TIMEOUT)
            return list(cache.list_completely(operation, query.instance_id).records.values())

        with diagnosed():
            records = self._program.once((*query.key, self._dependencies), ask)
        # Stable also in reverse: those of the same time stay as the service sorts them, newest first.
        by_time = sorted(records, key=lambda record: record.created or _NOT_KNOWN, reverse=True)
        return [_backup(record, query.instance_id) for record in by_time]

    def _client(self, where: Where) -> Client:
        return self._program.clients.client(where.region, where.project_id)


def _none_fits(query: BackupQuery, everything: list[Backup]) -> DcsError:
    wanted = query.in_words()
    shown = [_in_words(backup) for backup in everything[:_SHOWN]]
    more = len(everything) - len(shown)
    facts = [f"it has {len(everything)} other backups; the newest:", *shown] if everything else ["it has none at all"]
    if len(everything) == 1:
        facts[0] = "it has one other backup:"
    if more:
        facts.append(f"and {more} more")
    return RecordNotFoundError(
        f"Instance {query.instance_id} has no backup{f' {wanted}' if wanted else ''}.",
        facts=facts,
        advice="take a backup first, or look for another one; check the region and the project as well.",
    )


def _in_words(backup: Backup) -> str:
    parts = [backup.backup_id, backup.status, backup.created_at, backup.backup_type]
    remark = f"remark '{clean(backup.remark)[:128]}'" if backup.remark else "no remark"
    return ", ".join([*filter(None, parts), remark])


def _instance(record: InstanceRecord) -> Instance:
    return Instance(
        instance_id=record.instance_id,
        name=record.name,
        status=record.status,
        engine=record.engine,
        engine_version=record.engine_version,
        capacity_gb=record.capacity_gb,
        max_memory_mb=record.max_memory_mb,
        used_memory_mb=record.used_memory_mb,
        tags=dict(record.tags or {}),
        spec_code=record.spec_code,
        can_be_backed_up=record.can_be_backed_up,
        cache_mode=record.cache_mode,
    )


def _backup(record: BackupRecord, instance_id: str) -> Backup:
    return Backup(
        id=str(BackupId(instance_id, record.backup_id)),
        instance_id=instance_id,
        backup_id=record.backup_id,
        backup_name=record.backup_name,
        backup_type=record.backup_type,
        backup_format=record.backup_format,
        status=record.status_text.lower(),
        remark=without_mark(record.remark),
        size=record.size,
        created_at=record.created_at,
        updated_at=record.updated_at,
        error_code=record.error_code,
        is_support_restore=record.is_support_restore,
    )

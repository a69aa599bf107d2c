"""What a program looks up: instances, backups, and the files of a backup; also where no engine runs it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pulumi

from .engine.outputs import Dependencies, is_in_program, looked_up, unknown_secret
from .lookups.found import Backup, BackupLink, Instance
from .lookups.lookups import Lookups
from .lookups.queries import BackupQuery, FilesQuery, InstanceQuery, refusal
from .program import current_program, is_preview

LINKS_LIVE: Final = timedelta(hours=1)
"""As long as the largest download from a slow network takes, and no longer than a secret needs to live."""


def get_instances(  # noqa: PLR0917
    name: str | None = None,
    name_exact: str | None = None,
    status: str | None = None,
    tags: Mapping[str, str] | None = None,
    cache_modes: Collection[str] | None = None,
    region: str | None = None,
    project_id: str | None = None,
) -> list[Instance]:
    """The DCS instances of a project that fit, by name. Everything that is given has to fit.

    Args:
        name: a part of the name.
        name_exact: the whole name.
        status: a status, such as ``RUNNING``.
        tags: tags with their values, all of which an instance has to have.
        cache_modes: modes such as ``ha`` and ``cluster``. Only an instance's details tell its mode, so that this takes
            one more request for each instance.
        region: where to look. Default: the settings, as for resources.
        project_id: where to look. Default: the settings, as for resources.

    Raises:
        pulumi.RunError: an argument can't be used, or the instances could not be listed completely.
    """
    arguments = {
        "name": name,
        "name_exact": name_exact,
        "status": status,
        "tags": tags,
        "cache_modes": cache_modes,
        "region": region,
        "project_id": project_id,
    }
    return _instances(arguments)


def get_instances_output(  # noqa: PLR0917
    name: pulumi.Input[str] | None = None,
    name_exact: pulumi.Input[str] | None = None,
    status: pulumi.Input[str] | None = None,
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
    cache_modes: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
    region: pulumi.Input[str] | None = None,
    project_id: pulumi.Input[str] | None = None,
    opts: pulumi.InvokeOutputOptions | None = None,
) -> pulumi.Output[list[Instance]]:
    """As :func:`get_instances`, for arguments that may be outputs of resources: it looks after those are there.

    Args:
        opts: with ``depends_on``, resources that have to be there before.
    """
    arguments = {
        "name": name,
        "name_exact": name_exact,
        "status": status,
        "tags": tags,
        "cache_modes": cache_modes,
        "region": region,
        "project_id": project_id,
    }
    return looked_up(_instances, arguments, opts)


def get_backups(  # noqa: PLR0917
    instance_id: str,
    remark: str | re.Pattern[str] | None = None,
    backup_type: str | None = None,
    status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    region: str | None = None,
    project_id: str | None = None,
) -> list[Backup]:
    """The backups of an instance that fit, newest first. Everything that is given has to fit.

    Args:
        instance_id: the instance.
        remark: a regular expression that the whole remark has to match.
        backup_type: ``manual`` or ``auto``.
        status: a status, such as ``succeed``.
        since: backups made before that time don't fit; with a time zone.
        until: backups made after that time don't fit; with a time zone.
        region: where to look. Default: the settings, as for resources.
        project_id: where to look. Default: the settings, as for resources.

    Raises:
        pulumi.RunError: an argument can't be used, or the backups could not be listed completely.
    """
    return _backups(_backup_arguments(instance_id, remark, backup_type, status, since, until, region, project_id))


def get_backups_output(  # noqa: PLR0917
    instance_id: pulumi.Input[str],
    remark: pulumi.Input[str | re.Pattern[str]] | None = None,
    backup_type: pulumi.Input[str] | None = None,
    status: pulumi.Input[str] | None = None,
    since: pulumi.Input[datetime] | None = None,
    until: pulumi.Input[datetime] | None = None,
    region: pulumi.Input[str] | None = None,
    project_id: pulumi.Input[str] | None = None,
    opts: pulumi.InvokeOutputOptions | None = None,
) -> pulumi.Output[list[Backup]]:
    """As :func:`get_backups`, for arguments that may be outputs of resources: it looks after those are there.

    Args:
        opts: with ``depends_on``, resources that have to be there before.
    """
    arguments = _backup_arguments(instance_id, remark, backup_type, status, since, until, region, project_id)
    return looked_up(_backups, arguments, opts)


def get_latest_backup(  # noqa: PLR0917
    instance_id: str,
    status: str | None = "succeed",
    remark: str | re.Pattern[str] | None = None,
    backup_type: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    region: str | None = None,
    project_id: str | None = None,
) -> Backup:
    """The newest backup of an instance that fits; by default of those that succeeded.

    Args:
        instance_id: the instance.
        status: its status; None for any.
        remark: as for :func:`get_backups`.
        backup_type: as for :func:`get_backups`.
        since: as for :func:`get_backups`.
        until: as for :func:`get_backups`.
        region: as for :func:`get_backups`.
        project_id: as for :func:`get_backups`.

    Raises:
        pulumi.RunError: as for :func:`get_backups`, and where none fits: then it says what there is instead.
    """
    return _latest_backup(_backup_arguments(instance_id, remark, backup_type, status, since, until, region, project_id))


def get_latest_backup_output(  # noqa: PLR0917
    instance_id: pulumi.Input[str],
    status: pulumi.Input[str] | None = "succeed",
    remark: pulumi.Input[str | re.Pattern[str]] | None = None,
    backup_type: pulumi.Input[str] | None = None,
    since: pulumi.Input[datetime] | None = None,
    until: pulumi.Input[datetime] | None = None,
    region: pulumi.Input[str] | None = None,
    project_id: pulumi.Input[str] | None = None,
    opts: pulumi.InvokeOutputOptions | None = None,
) -> pulumi.Output[Backup]:
    """As :func:`get_latest_backup`, for arguments that may be outputs of resources: it looks after those are there.

    Args:
        opts: with ``depends_on``, resources that have to be there before.
    """
    arguments = _backup_arguments(instance_id, remark, backup_type, status, since, until, region, project_id)
    return looked_up(_latest_backup, arguments, opts)


def get_backup_links(
    id: pulumi.Input[str],
    expiration: pulumi.Input[timedelta] = LINKS_LIVE,
    *,
    region: pulumi.Input[str] | None = None,
    project_id: pulumi.Input[str] | None = None,
    opts: pulumi.InvokeOutputOptions | None = None,
) -> pulumi.Output[list[BackupLink]]:
    """Links by which the files of a backup can be downloaded without a key: always a secret.

    In a preview no links are made: they are known only in the ``up``.

    Args:
        id: ``<instance_id>/<backup_id>``, as an ``InstanceBackup`` has it.
        expiration: how long the links live, from 5 minutes to 24 hours.
        region: where the backup is. Default: the settings, as for resources.
        project_id: where the backup is. Default: the settings, as for resources.
        opts: with ``depends_on``, resources that have to be there before.

    Raises:
        pulumi.RunError: it is called where no outputs can be made. Other failures are the output's.
    """
    if not is_in_program():
        raise pulumi.RunError(
            "get_backup_links needs a Pulumi program, and its main thread, since links are secret outputs.\n"
            "  What to do: call it there, or download the files with download_backup."
        )
    arguments = {"id": id, "expiration": expiration, "region": region, "project_id": project_id}
    links: pulumi.Output[Any] = looked_up(_links, arguments, opts)
    if is_preview():
        links = links.apply(lambda _: unknown_secret())
    return pulumi.Output.secret(links)


def download_backup(
    id: str,
    folder: str | os.PathLike[str],
    *,
    region: str | None = None,
    project_id: str | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> list[Path]:
    """Download the files of a backup, one for each shard.

    A file has its final name only once it is whole. Where a connection breaks, or a run ended, the download goes on
    from there. Files that are there already are not downloaded again. In a preview nothing is downloaded.

    Args:
        id: ``<instance_id>/<backup_id>``, as an ``InstanceBackup`` has it.
        folder: where the files go; it is made if need be.
        region: where the backup is. Default: the settings, as for resources.
        project_id: where the backup is. Default: the settings, as for resources.
        on_progress: called with passing messages. Default: they are shown where a Pulumi program runs.

    Returns:
        The files' paths; none in a preview.

    Raises:
        pulumi.RunError: the files could not be downloaded. What has come so far is kept.
    """
    for name, value in {"id": id, "folder": folder, "region": region, "project_id": project_id}.items():
        if isinstance(value, pulumi.Output):
            raise refusal(
                name, "it is an Output; call it in an apply: backup.id.apply(lambda id: download_backup(id, folder))."
            )
    if not isinstance(folder, (str, os.PathLike)):
        raise refusal("folder", "it must be a path.")
    query = FilesQuery.parse({"id": id, "expiration": LINKS_LIVE, "region": region, "project_id": project_id})
    lookups = Lookups(current_program())
    if is_preview():
        lookups.check_backup(query)
        pulumi.log.info(f"Will download backup {query.backup.backup_id} into {Path(folder)}.")
        return []
    return lookups.download(query, Path(folder), on_progress or _show_progress)


def _show_progress(message: str) -> None:
    if pulumi.runtime.settings.get_engine() is not None:
        pulumi.log.info(message, ephemeral=True)


def _backup_arguments(  # noqa: PLR0917 - the same for six functions
    instance_id: Any, remark: Any, backup_type: Any, status: Any, since: Any, until: Any, region: Any, project_id: Any
) -> dict[str, Any]:
    return {
        "instance_id": instance_id,
        "remark": remark,
        "backup_type": backup_type,
        "status": status,
        "since": since,
        "until": until,
        "region": region,
        "project_id": project_id,
    }


def _instances(arguments: Mapping[str, Any], dependencies: Dependencies = frozenset()) -> list[Instance]:
    return Lookups(current_program(), dependencies).instances(InstanceQuery.parse(arguments))


def _backups(arguments: Mapping[str, Any], dependencies: Dependencies = frozenset()) -> list[Backup]:
    return Lookups(current_program(), dependencies).backups(BackupQuery.parse(arguments))


def _latest_backup(arguments: Mapping[str, Any], dependencies: Dependencies = frozenset()) -> Backup:
    return Lookups(current_program(), dependencies).latest_backup(BackupQuery.parse(arguments))


def _links(arguments: Mapping[str, Any], dependencies: Dependencies) -> list[BackupLink]:
    query, lookups = FilesQuery.parse(arguments), Lookups(current_program(), dependencies)
    if is_preview():
        lookups.check_backup(query)
        return []
    return lookups.links(query)

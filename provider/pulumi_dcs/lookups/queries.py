"""What look-ups are asked for, parsed once from a program's arguments; what can't be used is refused by its name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final, cast

import pulumi

from ..api.backups import BackupStatus
from ..api.instances import CACHE_MODES
from ..api.links import MAX_EXPIRATION, MIN_EXPIRATION
from ..config.location import is_region
from ..instance_backup.identity import BackupId
from ..operations.list_instances import InstanceFilter
from ..resources.identity import ID_RULE, is_id
from .found import Backup

STATUSES: Final = tuple(status.value for status in BackupStatus if status is not BackupStatus.UNKNOWN)
BACKUP_TYPES: Final = ("manual", "auto")


def refusal(argument: str, reason: str) -> pulumi.RunError:
    """The error for an argument that can't be used. Its value may be a secret and is not shown."""
    return pulumi.RunError(f"{argument}: {reason}")


@dataclass(frozen=True)
class Where:
    """The region and project to look in; empty texts where the settings decide."""

    region: str = ""
    project_id: str = ""

    @classmethod
    def parse(cls, arguments: Mapping[str, Any]) -> Where:
        """Read the arguments of these names."""
        region, project_id = _text(arguments, "region"), _text(arguments, "project_id")
        if region and not is_region(region):
            raise refusal("region", 'it is not a valid region; give a region\'s id, such as "cn-north-4".')
        if project_id and not is_id(project_id):
            raise refusal("project_id", f"it is not a valid id ({ID_RULE}).")
        return cls(region, project_id)


@dataclass(frozen=True)
class InstanceQuery:
    """Which instances are wanted."""

    where: Where
    filter: InstanceFilter

    @property
    def key(self) -> tuple[object, ...]:
        """What tells it from other questions."""
        tags = tuple(sorted(self.filter.tags.items()))
        return ("instances", self.where, self.filter, tags)

    @classmethod
    def parse(cls, arguments: Mapping[str, Any]) -> InstanceQuery:
        """Read the arguments of ``get_instances``.

        Raises:
            pulumi.RunError: one can't be used.
        """
        tags = _plain(arguments, "tags") or {}
        if not isinstance(tags, Mapping) or not all(isinstance(part, str) for pair in tags.items() for part in pair):
            raise refusal("tags", 'it must be a dictionary of texts, such as {"backup": "nightly"}.')
        if "" in tags:
            raise refusal("tags", "a tag's key can't be empty.")
        modes = _plain(arguments, "cache_modes")
        if isinstance(modes, str):
            modes = [modes]
        if modes is not None and not _are_modes(modes):
            raise refusal("cache_modes", f"give one or more of {', '.join(CACHE_MODES)}.")
        name, name_exact = _text(arguments, "name"), _text(arguments, "name_exact")
        if name and name_exact:
            raise refusal("name", "name_exact is given as well; give one of them.")
        wanted = InstanceFilter(
            name, name_exact, _text(arguments, "status").upper(), dict(tags), frozenset(modes or ())
        )
        return cls(Where.parse(arguments), wanted)


@dataclass(frozen=True)
class BackupQuery:
    """Which backups of which instance are wanted. Everything that is given has to fit."""

    where: Where
    instance_id: str
    remark: re.Pattern[str] | None = None
    backup_type: str = ""
    status: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What tells it from other questions to the service, which knows no filter."""
        return ("backups", self.where, self.instance_id)

    @classmethod
    def parse(cls, arguments: Mapping[str, Any]) -> BackupQuery:
        """Read the arguments of ``get_backups``.

        Raises:
            pulumi.RunError: one can't be used.
        """
        instance_id = _text(arguments, "instance_id")
        if not is_id(instance_id):
            raise refusal("instance_id", f"it is not a valid id; give it as the DCS console shows it ({ID_RULE}).")
        return cls(
            Where.parse(arguments),
            instance_id,
            _pattern(arguments),
            _one_of(arguments, "backup_type", BACKUP_TYPES),
            _one_of(arguments, "status", STATUSES),
            _moment(arguments, "since"),
            _moment(arguments, "until"),
        )

    def fits(self, backup: Backup) -> bool:
        """Whether a backup is one of those that are wanted. One whose time can't be read is in no period."""
        if self.remark is not None and not self.remark.fullmatch(backup.remark):
            return False
        if self.backup_type not in ("", backup.backup_type) or self.status not in ("", backup.status):
            return False
        if self.since is None and self.until is None:
            return True
        created = backup.created
        if created is None:
            return False
        return (self.since is None or self.since <= created) and (self.until is None or created <= self.until)

    def in_words(self) -> str:
        """What is wanted of a backup, to follow "no backup"; empty where any will do."""
        parts = [
            f"of type {self.backup_type}" if self.backup_type else "",
            f"with status {self.status}" if self.status else "",
            # The pattern may be a secret and is not shown.
            "whose whole remark matches the pattern" if self.remark is not None else "",
            f"made since {self.since:%Y-%m-%dT%H:%M:%SZ}" if self.since else "",
            f"made until {self.until:%Y-%m-%dT%H:%M:%SZ}" if self.until else "",
        ]
        return ", ".join(filter(None, parts))


@dataclass(frozen=True)
class FilesQuery:
    """Which backup's files are wanted.

    Attributes:
        expiration: for how many seconds their links live.
    """

    where: Where
    backup: BackupId
    expiration: int

    @classmethod
    def parse(cls, arguments: Mapping[str, Any]) -> FilesQuery:
        """Read the arguments of ``get_backup_links`` and ``download_backup``.

        Raises:
            pulumi.RunError: one can't be used.
        """
        instance_id, slash, backup_id = _text(arguments, "id").partition("/")
        if not (slash and is_id(instance_id) and is_id(backup_id)):
            raise refusal("id", "it is not the id of a backup; write it as <instance_id>/<backup_id>.")
        expiration = _plain(arguments, "expiration")
        seconds = expiration.total_seconds() if isinstance(expiration, timedelta) else -1.0
        if not MIN_EXPIRATION <= seconds <= MAX_EXPIRATION or seconds != int(seconds):
            raise refusal("expiration", "it must be a timedelta of whole seconds, from 5 minutes to 24 hours.")
        return cls(Where.parse(arguments), BackupId(instance_id, backup_id), int(seconds))


def _are_modes(value: Any) -> bool:
    return (
        isinstance(value, Collection)
        and bool(value)
        and all(isinstance(mode, str) and mode in CACHE_MODES for mode in value)
    )


def _plain(arguments: Mapping[str, Any], name: str) -> Any:
    value = arguments.get(name)
    if isinstance(value, pulumi.Output):
        raise refusal(name, "it is an Output; use the function of the same name with _output at its end.")
    return value


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = _plain(arguments, name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise refusal(name, "it must be a text.")
    return value


def _one_of(arguments: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = _text(arguments, name)
    if value and value not in allowed:
        raise refusal(name, f"give one of {', '.join(allowed)}.")
    return value


def _pattern(arguments: Mapping[str, Any]) -> re.Pattern[str] | None:
    value = _plain(arguments, "remark")
    if value is None or (isinstance(value, re.Pattern) and isinstance(value.pattern, str)):
        return cast("re.Pattern[str] | None", value)
    try:
        return re.compile(_text(arguments, "remark"))
    except (re.error, RecursionError, OverflowError, ValueError):
        raise refusal("remark", "it is not a valid pattern (a regular expression of Python's module re).") from None


def _moment(arguments: Mapping[str, Any], name: str) -> datetime | None:
    value = _plain(arguments, name)
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise refusal(name, "it must be a datetime with a time zone, such as datetime.now(timezone.utc).")
    return value.astimezone(timezone.utc)

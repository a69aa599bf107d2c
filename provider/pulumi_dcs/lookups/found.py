"""What look-ups find: instances, backups, and links, as a program uses them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ..api.parsing import parse_time


@dataclass(frozen=True)
class Instance:
    """A DCS instance.

    Attributes:
        instance_id: its id.
        name: its name; several instances can have the same.
        status: what it does, in capitals, such as ``RUNNING``.
        engine: ``Redis``.
        engine_version: such as ``6.0``.
        capacity_gb: its size; a fraction such as 0.125 is possible.
        max_memory_mb: the memory that it may use.
        used_memory_mb: the memory that it uses.
        tags: its tags by key.
        spec_code: its flavour, such as ``redis.ha.xu1.large.4``.
        can_be_backed_up: whether it is no single-node instance; None where only its details would tell.
        cache_mode: ``ha``, ``cluster``, ``proxy``, ``ha_rw_split`` or ``single``; empty unless ``cache_modes`` asked.
    """

    instance_id: str
    name: str
    status: str
    engine: str
    engine_version: str
    capacity_gb: float | None
    max_memory_mb: int | None
    used_memory_mb: int | None
    tags: dict[str, str] = field(hash=False)
    spec_code: str
    can_be_backed_up: bool | None
    cache_mode: str = ""


@dataclass(frozen=True)
class Backup:
    """A backup of an instance.

    Attributes:
        id: ``<instance_id>/<backup_id>``, as an ``InstanceBackup`` has it.
        instance_id: the instance's id.
        backup_id: the backup's own id.
        backup_name: the name that the service gave it.
        backup_type: ``manual`` or ``auto``.
        backup_format: ``rdb`` or ``aof``.
        status: ``waiting``, ``backuping``, ``succeed``, ``failed``, ``expired`` or ``deleted``.
        remark: its remark, without the mark that ``dcs:mark`` adds.
        size: in bytes; None while the service does not say.
        created_at: when it was started, as the service writes it (UTC).
        updated_at: when its record changed last, as the service writes it (UTC).
        error_code: why it failed; empty otherwise.
        is_support_restore: whether an instance can be restored from it; None where the service does not say.
    """

    id: str
    instance_id: str
    backup_id: str
    backup_name: str
    backup_type: str
    backup_format: str
    status: str
    remark: str
    size: int | None
    created_at: str
    updated_at: str
    error_code: str
    is_support_restore: bool | None

    @property
    def created(self) -> datetime | None:
        """``created_at`` as a time; None where it can't be read."""
        return parse_time(self.created_at)


@dataclass(frozen=True)
class BackupLink:
    """Where a file of a backup can be downloaded. A secret: whoever has it needs no key.

    Attributes:
        file_name: what the service calls the file.
        url: the link; it is not shown where the object is printed.
    """

    file_name: str
    url: str = field(repr=False)

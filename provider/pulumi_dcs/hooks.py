"""What programs call for a backup before a change: ``backup_before``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import pulumi

from .api.backup_format import BackupFormat

if TYPE_CHECKING:
    from pulumi import ResourceHookArgs, ResourceHookBinding

DEFAULT_REMARK: Final = "before {operation} of {name}"


def backup_before(
    operation: Literal["update", "delete"],
    *,
    remark: str = DEFAULT_REMARK,
    only_if_changed: Sequence[str] | None = None,
    instance_id: str | Callable[[ResourceHookArgs], Any] | None = None,
    region: pulumi.Input[str] | None = None,
    project_id: pulumi.Input[str] | None = None,
    backup_format: str | BackupFormat | None = None,
    save_to: str | os.PathLike[str] | None = None,
    reuse_within: timedelta = timedelta(hours=1),
    timeout: timedelta = timedelta(minutes=30),
) -> ResourceHookBinding:
    """Back up an instance, of any provider, before a change of it; without the backup the change does not happen.

    Args:
        operation: ``update``, or ``delete``, which a replacement has as well, for the old instance.
        remark: of the backup, with ``{operation}`` and ``{name}`` filled in. A mark of the change follows it.

    Raises:
        ValueError: an argument can't be used.
    """
    from .guard.binding import bind

    return bind(
        operation,
        remark=remark,
        only_if_changed=only_if_changed,
        instance_id=instance_id,
        region=region,
        project_id=project_id,
        backup_format=backup_format,
        save_to=save_to,
        reuse_within=reuse_within,
        timeout=timeout,
    )

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
    """Have an instance backed up before it is changed; without the backup the change does not happen.

    For instances of any provider, given to them as ``opts=pulumi.ResourceOptions(hooks=backup_before("update"))``. One
    call may serve several instances. Bindings are combined with ``pulumi.ResourceHookBinding.merge``.

    The same change never takes two backups: a run that was cut short, on whatever machine, is gone on with. ``pulumi
    destroy`` runs hooks only with ``--run-program``, and refuses to start without it where an instance has one before
    its delete. Pulumi waits for a running hook when it is told to cancel; Ctrl-C in a terminal ends ours at once.

    Args:
        operation: ``update``, or ``delete``, which is also what happens to the old instance of a replacement.
        remark: the backup's, with ``{operation}`` and ``{name}`` filled in. The mark of the change, 20 characters,
            follows it. Default: ``before {operation} of {name}``.
        only_if_changed: the names of inputs, in snake_case or camelCase; an update that changes none of them is not
            backed up. Default: every update is.
        instance_id: where the resource's own id is not the instance's: the name of a property that holds it, or a
            function that tells it from the hook's arguments (``pulumi.ResourceHookArgs``).
        region: the instance's region. Default: the settings, as for resources.
        project_id: the instance's project. Default: the settings, as for resources.
        backup_format: ``rdb`` or ``aof``. Default: the service's.
        save_to: the folder that the backup's files are downloaded to and checked in before the change. Required before
            a delete: the service deletes an instance's backups together with the instance.
        reuse_within: a backup that succeeded for the same change so recently is used again.
        timeout: how long the backup may take, busy instances included. A download ends by itself when no bytes come.

    Raises:
        ValueError: an argument can't be used.
        TypeError: an argument is of a type that can't be used.
        pulumi.RunError: no Pulumi program runs, or its SDK is too old for hooks.
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

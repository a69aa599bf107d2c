"""Makes the binding that a program gives to a resource: arguments are checked, hooks get their names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import pulumi

from ..api.backup_format import BackupFormat
from .change import Operation
from .hook import Guard, Hook
from .remark import RemarkTemplate
from .run import Run

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def bind(
    operation: str,
    *,
    remark: str,
    only_if_changed: Sequence[str] | None,
    instance_id: str | Callable[[Any], Any] | None,
    region: Any,
    project_id: Any,
    backup_format: str | BackupFormat | None,
    save_to: str | os.PathLike[str] | None,
    reuse_within: timedelta,
    timeout: timedelta,
) -> pulumi.ResourceHookBinding:
    """See ``pulumi_dcs.backup_before``."""
    guard = Guard(
        operation=Operation(operation),
        remark=RemarkTemplate(remark),
        only_if_changed=tuple(only_if_changed) if only_if_changed is not None else None,
        instance_id=instance_id,
        region=region,
        project_id=project_id,
        backup_format=BackupFormat(backup_format) if backup_format is not None else None,
        save_to=os.fspath(save_to) if save_to is not None else None,
        reuse_within=reuse_within,
        timeout=timeout,
    )
    run = Run.current()
    name = f"pulumi_dcs.backup_before:{guard.operation.value}"
    hook = pulumi.ResourceHook(name, Hook(guard, run).before_change, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceHookBinding(before_update=[hook])

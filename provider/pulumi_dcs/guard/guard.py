"""What one ``backup_before`` asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pulumi

from ..api.backup_format import BackupFormat
from .change import Operation
from .remark import RemarkTemplate

if TYPE_CHECKING:
    from pulumi import ResourceHookArgs

InstanceId = Callable[["ResourceHookArgs"], Any]
"""Tells the instance's id from a hook's arguments."""


@dataclass(frozen=True)
class Guard:
    """What ``backup_before`` was asked for; see there.

    Attributes:
        only_if_changed: names of properties, in snake_case or camelCase; None for any change.
        instance_id: a property's name, or a function; None where the resource's id is the instance's.
        save_to: the absolute path of the folder for the backup's files; None where they stay at the service alone.
    """

    operation: Operation
    remark: RemarkTemplate
    only_if_changed: tuple[str, ...] | None
    instance_id: str | InstanceId | None
    region: pulumi.Input[str] | None
    project_id: pulumi.Input[str] | None
    backup_format: BackupFormat | None
    save_to: str | None
    reuse_within: timedelta
    timeout: timedelta

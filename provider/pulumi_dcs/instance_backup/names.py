"""The names of the resource's properties; a program that declares a backup needs no more than these."""

from __future__ import annotations

from typing import Final

from ..resources.names import ENDPOINT

RESOURCE_TYPE: Final = "pulumi-python:dynamic/dcs:InstanceBackup"
"""The resource's type, as states, events and policies have it."""
INPUTS: Final = (
    "instance_id",
    "remark",
    "backup_format",
    "triggers",
    "region",
    "project_id",
    "wait",
    "adopt_backup_id",
    "retain_on_delete",
)
OUTPUTS: Final = (
    "backup_id",
    "backup_name",
    "backup_type",
    "status",
    "progress",
    "size",
    "created_at",
    "updated_at",
    "error_code",
    "is_support_restore",
    ENDPOINT,
)

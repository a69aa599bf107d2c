"""The names of the resource's properties; a program that declares a restore needs no more than these."""

from __future__ import annotations

from typing import Final

from ..resources.names import ENDPOINT

RESOURCE_TYPE: Final = "pulumi-python:dynamic/dcs:InstanceRestore"
"""The resource's type, as states, events and policies have it."""
TARGET_PASSWORD: Final = "target_password"
"""The input that is always a secret, and in no output."""
INPUTS: Final = (
    "instance_id",
    "backup_id",
    "source_instance_id",
    TARGET_PASSWORD,
    "remark",
    "triggers",
    "region",
    "project_id",
    "wait",
    "adopt_restore_id",
)
OUTPUTS: Final = (
    "restore_id",
    "status",
    "progress",
    "error_code",
    "started_at",
    "finished_at",
    "backup_name",
    "backup_created_at",
    "backup_size",
    ENDPOINT,
)

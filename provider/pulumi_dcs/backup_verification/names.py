"""The names of the resource's properties; a program that declares a verification needs no more than these."""

from __future__ import annotations

from typing import Final

from ..resources.names import ENDPOINT

RESOURCE_TYPE: Final = "pulumi-python:dynamic/dcs:BackupVerification"
"""The resource's type, as states, events and policies have it."""
INPUTS: Final = ("instance_id", "backup_id", "minimum_keys", "triggers", "region", "project_id")
OUTPUTS: Final = (
    "key_count",
    "key_bytes",
    "keys_by_type",
    "verified_at",
    "backup_name",
    "backup_created_at",
    "backup_size",
    "backup_format",
    ENDPOINT,
)

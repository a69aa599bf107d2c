"""The names of the resource's properties; a program that declares a retention needs no more than these."""

from __future__ import annotations

from typing import Final

from ..resources.names import ENDPOINT

RESOURCE_TYPE: Final = "pulumi-python:dynamic/dcs:BackupRetention"
"""The resource's type, as states and events have it."""
DELETES: Final = "deletes"
"""The input that ``check`` fills in: the backups that go. A saved plan holds it, and so the engine refuses an ``up``
that would delete others."""
INPUTS: Final = (
    "instance_id",
    "keep",
    "remark",
    "keep_ids",
    "max_deletions",
    "triggers",
    "region",
    "project_id",
)
SURPLUS: Final = "surplus"
DELETED_IDS: Final = "deleted_ids"
OUTPUTS: Final = (SURPLUS, DELETED_IDS, ENDPOINT)
DEFAULT_MAX_DELETIONS: Final = 10
"""Deletions of one run. A nightly run deletes one; what would delete most of an instance's backups, of which there are
24 at most, is more likely a wrong pattern, and has to be asked for by its number."""

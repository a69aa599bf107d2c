"""The resource's id: ``<instance_id>/<backup_id>``, as the Terraform resource has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ..operations.errors import RecordNotFoundError

RESOURCE_ID_RULE: Final = "letters, digits, - and _; at most 128 characters"
_PART: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


@dataclass(frozen=True)
class BackupId:
    """Which backup of which instance."""

    instance_id: str
    backup_id: str

    def __str__(self) -> str:
        """The resource's id."""
        return f"{self.instance_id}/{self.backup_id}"

    @classmethod
    def parse(cls, resource_id: str) -> BackupId:
        """Read a resource's id.

        Raises:
            RecordNotFoundError: it is not one.
        """
        instance_id, slash, backup_id = resource_id.partition("/")
        if not (slash and is_id(instance_id) and is_id(backup_id)):
            raise RecordNotFoundError(
                f"{resource_id!r} is not a valid InstanceBackup id.", advice="write it as <instance_id>/<backup_id>."
            )
        return cls(instance_id, backup_id)


def is_id(value: object) -> bool:
    """Whether this can be the id of an instance, a backup or a project."""
    return isinstance(value, str) and _PART.fullmatch(value) is not None


def resource_name(urn: str) -> str:
    """The name by which the program declares the resource of that URN."""
    return urn.rpartition("::")[2]

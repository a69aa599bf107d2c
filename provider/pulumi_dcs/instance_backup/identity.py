"""The resource's id: ``<instance_id>/<backup_id>``, as the Terraform resource has it."""

from __future__ import annotations

from dataclasses import dataclass

from ..operations.errors import RecordNotFoundError
from ..resources.identity import is_id


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

"""The resource's id: ``<instance_id>/<restore_id>``; of an import, with the task's id."""

from __future__ import annotations

from dataclasses import dataclass

from ..operations.errors import RecordNotFoundError
from ..resources.identity import is_id


@dataclass(frozen=True)
class RestoreId:
    """Which restore of which instance."""

    instance_id: str
    restore_id: str

    def __str__(self) -> str:
        """The resource's id."""
        return f"{self.instance_id}/{self.restore_id}"

    @classmethod
    def parse(cls, resource_id: str) -> RestoreId:
        """Read a resource's id.

        Raises:
            RecordNotFoundError: it is not one.
        """
        instance_id, slash, restore_id = resource_id.partition("/")
        # Whatever the service called the restore, its resource can be read and deleted.
        if not (slash and is_id(instance_id) and restore_id):
            raise RecordNotFoundError(
                f"{resource_id!r} is not a valid InstanceRestore id.", advice="it is <instance_id>/<restore_id>."
            )
        return cls(instance_id, restore_id)

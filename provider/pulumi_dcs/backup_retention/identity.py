"""The resource's id: the instance's, since a retention is nothing at the service."""

from __future__ import annotations

from ..operations.errors import RecordNotFoundError
from ..resources.identity import is_id


def instance_of(resource_id: str) -> str:
    """Read a resource's id.

    Raises:
        RecordNotFoundError: it is not one.
    """
    if not is_id(resource_id):
        raise RecordNotFoundError(
            f"{resource_id!r} is not a valid BackupRetention id.", advice="write it as <instance_id>."
        )
    return resource_id

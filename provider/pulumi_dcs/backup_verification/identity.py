"""The resource's id: ``<instance_id>/<task_id>``, of the service's task that has begun the verification."""

from __future__ import annotations

from dataclasses import dataclass

from ..operations.errors import RecordNotFoundError
from ..resources.identity import is_id


@dataclass(frozen=True)
class VerificationId:
    """Which verification of which instance's backup."""

    instance_id: str
    task_id: str

    def __str__(self) -> str:
        """The resource's id."""
        return f"{self.instance_id}/{self.task_id}"

    @classmethod
    def parse(cls, resource_id: str) -> VerificationId:
        """Read a resource's id.

        Raises:
            RecordNotFoundError: it is not one.
        """
        instance_id, slash, task_id = resource_id.partition("/")
        if not (slash and is_id(instance_id) and is_id(task_id)):
            raise RecordNotFoundError(
                f"{resource_id!r} is not a valid BackupVerification id.", advice="it is <instance_id>/<task_id>."
            )
        return cls(instance_id, task_id)

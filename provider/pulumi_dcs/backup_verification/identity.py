"""The resource's id: ``<instance_id>/<backup_id>/<task_id>``, with the first of the service's tasks.

The task tells one verification of a backup from the next one: a replacement for a trigger verifies the same backup, and
has to be another resource than the one that it replaces. The task is last, so that nobody takes the verification for
what holds the backup (see ``recovery.evidence.record_id_of``).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..operations.errors import RecordNotFoundError
from ..resources.identity import is_id


@dataclass(frozen=True)
class VerificationId:
    """Which verification of which backup of which instance."""

    instance_id: str
    backup_id: str
    task_id: str

    def __str__(self) -> str:
        """The resource's id."""
        return f"{self.instance_id}/{self.backup_id}/{self.task_id}"

    @classmethod
    def parse(cls, resource_id: str) -> VerificationId:
        """Read a resource's id.

        Raises:
            RecordNotFoundError: it is not one.
        """
        parts = resource_id.split("/")
        if len(parts) != 3 or not all(map(is_id, parts)):
            raise RecordNotFoundError(
                f"{resource_id!r} is not a valid BackupVerification id.",
                advice="it is <instance_id>/<backup_id>/<task_id>.",
            )
        return cls(*parts)

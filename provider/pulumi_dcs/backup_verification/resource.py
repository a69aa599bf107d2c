"""What a user declares: the ``BackupVerification`` resource, its inputs and its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from ..engine.registration import register
from ..provider import BackupVerificationProvider
from .names import INPUTS, OUTPUTS


class VerificationProperties:
    """What a verification's outputs are called and of which type."""

    instance_id: pulumi.Output[str]
    """The instance that the backup is of."""
    backup_id: pulumi.Output[str]
    """The backup that was verified."""
    minimum_keys: pulumi.Output[int | None]
    """As given."""
    triggers: pulumi.Output[Mapping[str, Any] | None]
    """As given."""
    region: pulumi.Output[str]
    """The region of the instance."""
    project_id: pulumi.Output[str]
    """The project of the instance."""
    key_count: pulumi.Output[int]
    """How many keys the backup holds, in all shards."""
    key_bytes: pulumi.Output[int | None]
    """How much memory they take in bytes, as the service reckons."""
    keys_by_type: pulumi.Output[Mapping[str, int]]
    """How many keys there are of each type, such as ``{"string": 4000, "hash": 12}``."""
    verified_at: pulumi.Output[str]
    """When the last key was counted, as the service writes it (UTC)."""
    backup_created_at: pulumi.Output[str]
    """When the backup was started, as the service writes it (UTC)."""
    backup_size: pulumi.Output[int | None]
    """The backup's size in bytes."""
    endpoint: pulumi.Output[str]
    """The endpoint that the backup was verified at."""


class BackupVerification(VerificationProperties, Resource, module="dcs", name="BackupVerification"):
    """Proof that the service can read a backup, and how many keys it holds.

    Creating it has the service read the backup's file through and count its keys. It fails if the file can't be read,
    or holds fewer keys than ``minimum_keys``: what depends on it (``depends_on=[proof]``) is then not started. No
    backup is made, no name of a key is kept, and the service's own task is deleted afterwards. A new backup is a new
    verification. Destroying it leaves the backup as it is.

    It proves that the file can be fetched and parsed. Whether a restore from it works, only a restore shows.

    Follows "Create an offline key analysis task" of the DCS API
    (``POST /v2/{project_id}/instances/{instance_id}/offline/key-analysis``), one task for each shard's master.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        instance_id: pulumi.Input[str],
        backup_id: pulumi.Input[str],
        minimum_keys: pulumi.Input[int] | None = None,
        triggers: pulumi.Input[Mapping[str, pulumi.Input[Any]]] | None = None,
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a verification.

        Args:
            resource_name: the resource's name in the stack.
            instance_id: the DCS instance that the backup is of; Redis 4.0 or later.
            backup_id: the backup to verify, in the format ``rdb``. One that is still being made is waited for.
            minimum_keys: how many keys it has to hold: a whole number from 0 on, 1 by default. Changing it counts
                nothing again.
            triggers: any values; a change in them verifies the backup again.
            region: the instance's region. Default: as for ``InstanceBackup``.
            project_id: the instance's project. Default: as for ``InstanceBackup``.
            opts: Pulumi's own. ``custom_timeouts``: create and update 30 minutes by default.

        Raises:
            ValueError: ``opts`` has ``import_`` or ``id``: a verification can't be read from elsewhere.
        """
        if opts is not None and (opts.import_ or opts.id):
            raise ValueError(
                f"BackupVerification {resource_name!r}: ResourceOptions.import_ and id do not work with it. Declare it "
                "without them: the backup is then verified."
            )
        given = {
            "instance_id": instance_id,
            "backup_id": backup_id,
            "minimum_keys": minimum_keys,
            "triggers": triggers,
            "region": region,
            "project_id": project_id,
        }
        register(
            self,
            BackupVerificationProvider(),
            resource_name,
            {**dict.fromkeys((*INPUTS, *OUTPUTS)), **given},
            opts,
        )

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
    """The backup that was verified: what uses it from here depends on the proof."""
    minimum_keys: pulumi.Output[int | None]
    """As given."""
    triggers: pulumi.Output[Mapping[str, Any] | None]
    """As given."""
    region: pulumi.Output[str]
    """The region of the instance."""
    project_id: pulumi.Output[str]
    """The project of the instance."""
    key_count: pulumi.Output[int]
    """How many keys the backup has; of a cluster, in all shards together."""
    key_bytes: pulumi.Output[int | None]
    """How many bytes the keys take, as the service counts them."""
    keys_by_type: pulumi.Output[Mapping[str, int]]
    """How many keys there are of each type, such as ``{"string": 700, "hash": 300}``."""
    verified_at: pulumi.Output[str]
    """When the service had read the backup to its end, as the service writes it (UTC)."""
    backup_name: pulumi.Output[str | None]
    """The name that the service gave the backup."""
    backup_created_at: pulumi.Output[str | None]
    """When the backup was started, as the service writes it (UTC)."""
    backup_size: pulumi.Output[int | None]
    """The backup's size in bytes."""
    backup_format: pulumi.Output[str | None]
    """The backup's format, if the service tells it."""
    endpoint: pulumi.Output[str]
    """The endpoint that it was verified at."""


class BackupVerification(VerificationProperties, Resource, module="dcs", name="BackupVerification"):
    """The proof that a backup of a Huawei Cloud DCS (Redis) instance can be read, and how many keys it has.

    Creating it has the service read the backup through and count its keys; a backup that can't be read, or has too few
    keys, is an error, so that what depends on the proof does not start. It makes no backup. A changed ``minimum_keys``
    is compared with the known count; any other changed input is another verification. Deleting it touches neither data
    nor backup.

    Follows "Create an offline key analysis task" of the DCS API (``POST …/offline/key-analysis``), one task for each
    shard. The tasks are removed afterwards, and names of keys are never kept or shown.
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
            resource_name: the resource's name in the stack. Under another name it is another verification.
            instance_id: the DCS instance that the backup is of; Redis 4.0 or later.
            backup_id: the backup to verify; it has to have succeeded, in the format rdb.
            minimum_keys: with fewer keys it is an error; 1 by default, 0 to verify only that the backup can be read.
            triggers: any values; a change in them verifies the backup again.
            region: the instance's region. Default: as for ``InstanceBackup``.
            project_id: the instance's project. Default: as for ``InstanceBackup``.
            opts: Pulumi's own. ``custom_timeouts``: create and update 30 minutes, delete 10 by default.

        Raises:
            ValueError: ``opts`` has ``import_`` or ``id``: a proof can't be taken over from elsewhere.
        """
        if opts is not None and (opts.import_ or opts.id):
            raise ValueError(
                f"BackupVerification {resource_name!r}: ResourceOptions.import_ and id do not work with it. Declare "
                "it: then the service reads the backup through."
            )
        given = {
            "instance_id": instance_id,
            "backup_id": backup_id,
            "minimum_keys": minimum_keys,
            "triggers": triggers,
            "region": region,
            "project_id": project_id,
        }
        properties = {**dict.fromkeys((*INPUTS, *OUTPUTS)), **given}
        register(self, BackupVerificationProvider(), resource_name, properties, opts)

"""What a user declares: the ``InstanceBackup`` resource, its inputs and its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from ..api.backup_format import BackupFormat
from ..engine.registration import like_a_constructor, register
from ..provider import InstanceBackupProvider
from .names import INPUTS, OUTPUTS


class BackupProperties:
    """What a backup's outputs are called and of which type.

    A class of its own, since Pulumi's SDK reads the annotations of the resource's class again for each resource, which
    took a tenth of the time of a preview of 300 backups.
    """

    instance_id: pulumi.Output[str]
    """The instance that was backed up."""
    remark: pulumi.Output[str | None]
    """The backup's remark."""
    backup_format: pulumi.Output[str]
    """``rdb`` or ``aof``."""
    triggers: pulumi.Output[Mapping[str, Any] | None]
    """As given."""
    region: pulumi.Output[str]
    """The region that the backup was made in."""
    project_id: pulumi.Output[str]
    """The project that the backup was made in."""
    wait: pulumi.Output[bool | None]
    """As given."""
    adopt_backup_id: pulumi.Output[str | None]
    """As given."""
    backup_id: pulumi.Output[str]
    """The backup's id at the service."""
    backup_name: pulumi.Output[str]
    """The name that the service gave the backup."""
    backup_type: pulumi.Output[str]
    """``manual`` (made on request) or ``auto``."""
    status: pulumi.Output[str]
    """``waiting``, ``backuping``, ``succeed`` or ``failed``, as the service writes it."""
    progress: pulumi.Output[str]
    """The progress in percent, as the service writes it."""
    size: pulumi.Output[int]
    """The backup's size in bytes."""
    created_at: pulumi.Output[str]
    """When the backup was started, as the service writes it (UTC)."""
    updated_at: pulumi.Output[str]
    """When its record changed last, as the service writes it (UTC)."""
    error_code: pulumi.Output[str | None]
    """Why the backup failed, such as ``dcs.08.0002``."""
    is_support_restore: pulumi.Output[bool]
    """Whether an instance can be restored from it."""
    endpoint: pulumi.Output[str]
    """The endpoint that the backup was made at."""


class InstanceBackup(BackupProperties, Resource, module="dcs", name="InstanceBackup"):
    """A backup of a Huawei Cloud DCS (Redis) instance.

    The resource is the backup: creating it takes one, replacing it takes a new one before the old one goes,
    deleting it deletes it, refreshing it says whether it still exists.

    Follows "Back up a specified instance" of the DCS API (``POST /v2/{project_id}/instances/{instance_id}/backups``)
    and the backup record of "List backups".
    """

    def __init__(
        self,
        resource_name: str,
        *,
        instance_id: pulumi.Input[str],
        remark: pulumi.Input[str] | None = None,
        backup_format: pulumi.Input[str | BackupFormat] | None = None,
        triggers: pulumi.Input[Mapping[str, pulumi.Input[Any]]] | None = None,
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        wait: pulumi.Input[bool] | None = None,
        adopt_backup_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a backup.

        Args:
            resource_name: the resource's name in the stack.
            instance_id: the DCS instance to back up; master/standby or cluster, single-node ones have no backups.
            remark: a text of at most 128 characters that the service keeps with the backup.
            backup_format: ``rdb`` (the default) or ``aof``.
            triggers: any values; a change in them takes a new backup.
            region: the instance's region. Default: ``dcs:region``, ``HW_REGION_NAME``.
            project_id: the instance's project. Default: ``dcs:projectId``, ``HUAWEICLOUD_SDK_PROJECT_ID``,
                ``HW_PROJECT_ID``; else IAM is asked for the region's project.
            wait: whether creating waits until the backup has succeeded (the default). If not, ``status`` tells at
                the next refresh how it ended.
            adopt_backup_id: take over this existing backup instead of making one. Once that is done, the input is
                spent: it can stay or go, and a replacement takes a new backup.
            opts: Pulumi's own. ``custom_timeouts``: create 30 minutes by default, delete 10.

        Raises:
            ValueError: ``opts`` has ``import_``, which Pulumi can't do with dynamic resources.
        """
        given = {
            "instance_id": instance_id,
            "remark": remark,
            "backup_format": backup_format,
            "triggers": triggers,
            "region": region,
            "project_id": project_id,
            "wait": wait,
            "adopt_backup_id": adopt_backup_id,
        }
        register(self, InstanceBackupProvider(), resource_name, _properties(resource_name, given, opts), opts)

    @classmethod
    @like_a_constructor
    def get(
        cls,
        resource_name: str,
        id: pulumi.Input[str],
        *,
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> InstanceBackup:
        """Read a backup that is managed elsewhere; nothing is made, changed or deleted.

        Args:
            resource_name: a name for it in this stack.
            id: ``<instance_id>/<backup_id>``.
            region: where it is; by default as for a new one.
            project_id: where it is; by default as for a new one.
            opts: Pulumi's own.
        """
        backup = cls.__new__(cls)
        merged = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        given = {"region": region, "project_id": project_id}
        register(backup, InstanceBackupProvider(), resource_name, _properties(resource_name, given, merged), merged)
        return backup


def _properties(resource_name: str, given: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> dict[str, Any]:
    """What to register; what the service tells later is declared as None, so that it becomes an output."""
    properties: dict[str, Any] = dict.fromkeys((*INPUTS, *OUTPUTS))
    properties.update(given)
    if opts is not None and opts.import_:
        raise ValueError(
            f"InstanceBackup {resource_name!r}: ResourceOptions.import_ does not work with dynamic resources. To take "
            "over an existing backup, give its id as adopt_backup_id instead."
        )
    if opts is not None and opts.retain_on_delete is not None:
        # Pulumi tells policies nothing of this option.
        properties["retain_on_delete"] = opts.retain_on_delete
    return properties

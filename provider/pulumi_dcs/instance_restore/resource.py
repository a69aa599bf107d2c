"""What a user declares: the ``InstanceRestore`` resource, its inputs and its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from ..engine.registration import register
from ..provider import InstanceRestoreProvider
from .names import INPUTS, OUTPUTS, TARGET_PASSWORD


class RestoreProperties:
    """What a restore's outputs are called and of which type."""

    instance_id: pulumi.Output[str]
    """The instance whose data was overwritten."""
    backup_id: pulumi.Output[str]
    """The backup that it was restored from."""
    source_instance_id: pulumi.Output[str | None]
    """The instance that the backup is of, if that is another one."""
    remark: pulumi.Output[str | None]
    """As given."""
    triggers: pulumi.Output[Mapping[str, Any] | None]
    """As given."""
    region: pulumi.Output[str]
    """The region of the instance."""
    project_id: pulumi.Output[str]
    """The project of the instance."""
    wait: pulumi.Output[bool | None]
    """As given."""
    adopt_restore_id: pulumi.Output[str | None]
    """As given."""
    restore_id: pulumi.Output[str]
    """The restore's id at the service; of an import, the task's."""
    status: pulumi.Output[str]
    """As the service writes it: ``waiting``, ``restoring``, ``succeed`` or ``failed``; of an import ``MIGRATING``,
    ``SUCCESS``, ``FAILED`` or ``TERMINATED``. ``gone`` if it was no longer listed before its end was seen."""
    progress: pulumi.Output[str | None]
    """The progress in percent, as the service writes it; an import tells none."""
    error_code: pulumi.Output[str | None]
    """Why it failed: a code such as ``dcs.08.0007``; of an import, the service's message."""
    started_at: pulumi.Output[str]
    """When it was started, as the service writes it (UTC)."""
    finished_at: pulumi.Output[str | None]
    """When it ended, as the service writes it (UTC)."""
    backup_name: pulumi.Output[str | None]
    """The name that the service gave the backup."""
    backup_created_at: pulumi.Output[str | None]
    """When the backup was started: what was written later is not in the instance."""
    backup_size: pulumi.Output[int | None]
    """The backup's size in bytes."""
    endpoint: pulumi.Output[str]
    """The endpoint that it was started at."""


class InstanceRestore(RestoreProperties, Resource, module="dcs", name="InstanceRestore"):
    """A restore of a Huawei Cloud DCS (Redis) instance from a backup, which overwrites the instance's data.

    Creating it restores, once. Refreshing it, another ``pulumi up`` and a changed ``wait`` never restore again; any
    other changed input does, as a replacement. Deleting it touches no data. A preview warns of what is overwritten.

    Follows "Restore a specified instance" of the DCS API (``POST …/restores``); for a backup of another instance, the
    import of a backup (``POST …/migration-task``).
    """

    def __init__(
        self,
        resource_name: str,
        *,
        instance_id: pulumi.Input[str],
        backup_id: pulumi.Input[str],
        source_instance_id: pulumi.Input[str] | None = None,
        target_password: pulumi.Input[str] | None = None,
        remark: pulumi.Input[str] | None = None,
        triggers: pulumi.Input[Mapping[str, pulumi.Input[Any]]] | None = None,
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        wait: pulumi.Input[bool] | None = None,
        adopt_restore_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a restore.

        Args:
            resource_name: the resource's name in the stack. Under another name it is another restore.
            instance_id: the DCS instance whose data is overwritten.
            backup_id: the backup to restore from; it has to have succeeded.
            source_instance_id: the instance that the backup is of, if that is another one. Then the backup is imported:
                keys that both have are overwritten, and the target's other keys stay.
            target_password: for an import, the password of the instance that is written to, if it has one. It is kept
                as a secret, and is in no output.
            remark: a text of at most 128 characters that the service keeps with the restore.
            triggers: any values; a change in them restores again.
            region: the instance's region. Default: as for ``InstanceBackup``.
            project_id: the instance's project. Default: as for ``InstanceBackup``.
            wait: whether the resource is good only once the restore has succeeded (the default). If not, ``status``
                tells at the next refresh how it ended.
            adopt_restore_id: take over this restore, which was carried out already, and touch no data. Once that is
                done, the input is spent.
            opts: Pulumi's own. ``custom_timeouts``: create and update 60 minutes by default.

        Raises:
            ValueError: ``opts`` has ``import_`` or ``id``: a restore can't be read from elsewhere.
        """
        given = {
            "instance_id": instance_id,
            "backup_id": backup_id,
            "source_instance_id": source_instance_id,
            TARGET_PASSWORD: None if target_password is None else pulumi.Output.secret(target_password),
            "remark": remark,
            "triggers": triggers,
            "region": region,
            "project_id": project_id,
            "wait": wait,
            "adopt_restore_id": adopt_restore_id,
        }
        if opts is not None and (opts.import_ or opts.id):
            raise ValueError(
                f"InstanceRestore {resource_name!r}: ResourceOptions.import_ and id do not work with it. To take over "
                "a restore that was carried out already, give its id as adopt_restore_id instead."
            )
        properties = {**dict.fromkeys((*INPUTS, *OUTPUTS)), **given}
        register(self, InstanceRestoreProvider(), resource_name, properties, opts)

"""What a user declares: the ``BackupRetention`` resource, its inputs and its outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from ..engine.registration import register
from ..provider import BackupRetentionProvider
from .names import INPUTS, OUTPUTS


class RetentionProperties:
    """What a retention's outputs are called and of which type (see ``BackupProperties``)."""

    instance_id: pulumi.Output[str]
    """The instance whose backups are kept and deleted."""
    keep: pulumi.Output[int]
    """As given."""
    remark: pulumi.Output[str]
    """As given."""
    keep_ids: pulumi.Output[Sequence[str] | None]
    """As given."""
    max_deletions: pulumi.Output[int | None]
    """As given."""
    triggers: pulumi.Output[Mapping[str, Any] | None]
    """As given."""
    region: pulumi.Output[str]
    """The instance's region."""
    project_id: pulumi.Output[str]
    """The instance's project."""
    surplus: pulumi.Output[int]
    """How many backups there were to delete when the service was asked last; 0 after an ``up``."""
    deleted_ids: pulumi.Output[Sequence[str]]
    """The backups that the last run which deleted any has deleted, in that order."""
    endpoint: pulumi.Output[str]
    """The endpoint that was asked."""


class BackupRetention(RetentionProperties, Resource, module="dcs", name="BackupRetention"):
    """Keeps the newest backups of an instance that match, and deletes the older ones.

    Of the instance's manual backups that have succeeded and whose whole remark matches, the newest ``keep`` stay.
    Never deleted are automatic backups, running and failed ones, the newest one that succeeded, any that the stack's
    state holds or names, and those in ``keep_ids``. Destroying the retention deletes no backup.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        instance_id: pulumi.Input[str],
        keep: pulumi.Input[int],
        remark: pulumi.Input[str],
        keep_ids: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        max_deletions: pulumi.Input[int] | None = None,
        triggers: pulumi.Input[Mapping[str, pulumi.Input[Any]]] | None = None,
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a retention.

        Args:
            resource_name: the resource's name in the stack.
            instance_id: the DCS instance whose backups are kept and deleted.
            keep: how many of the newest stay; at least 1.
            remark: a regular expression (Python's ``re``) that a backup's whole remark has to match. It must not match
                the empty remark.
            keep_ids: backups that stay whatever their age.
            max_deletions: how many backups one run may delete, 10 by default. If there are more, nothing is deleted
                and the run stops.
            triggers: any values; a change in them has the backups counted again.
            region: the instance's region. Default: ``dcs:region``, ``HW_REGION_NAME``.
            project_id: the instance's project. Default: ``dcs:projectId``, ``HUAWEICLOUD_SDK_PROJECT_ID``,
                ``HW_PROJECT_ID``; else IAM is asked for the region's project.
            opts: Pulumi's own. ``depends_on=[backup]`` counts the backup that the same run takes.
                ``custom_timeouts``: create and update 30 minutes by default.

        Raises:
            ValueError: ``opts`` has ``import_``, which Pulumi can't do with dynamic resources, or ``id``.
        """
        if opts is not None and (opts.import_ or opts.id is not None):
            raise ValueError(
                f"BackupRetention {resource_name!r}: ResourceOptions.import_ and ResourceOptions.id do not work with "
                "it. A retention is nothing at the service: declaring it is enough."
            )
        given = {
            "instance_id": instance_id,
            "keep": keep,
            "remark": remark,
            "keep_ids": keep_ids,
            "max_deletions": max_deletions,
            "triggers": triggers,
            "region": region,
            "project_id": project_id,
        }
        properties: dict[str, Any] = dict.fromkeys((*INPUTS, *OUTPUTS))
        register(self, BackupRetentionProvider(), resource_name, {**properties, **given}, opts)

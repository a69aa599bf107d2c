"""A component of your own: a service's instances, backed up together before a release."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_dcs import InstanceBackup


class ServiceBackup(pulumi.ComponentResource):
    """A backup of each instance of a service.

    Args:
        name: the service's name.
        instances: the instances' ids, by the names that your team uses for them.
        release: what is about to be released; another release takes new backups.
    """

    backup_ids: pulumi.Output[dict[str, str]]

    def __init__(
        self, name: str, *, instances: Mapping[str, str], release: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("shop:index:ServiceBackup", name, None, opts)
        self.backups = {
            instance: InstanceBackup(
                f"{name}-{instance}",
                instance_id=instance_id,
                remark=f"{name} before {release}",
                triggers={"release": release},
                opts=pulumi.ResourceOptions(parent=self),
            )
            for instance, instance_id in instances.items()
        }
        self.backup_ids = pulumi.Output.all(**{key: backup.backup_id for key, backup in self.backups.items()})
        self.register_outputs({"backup_ids": self.backup_ids})

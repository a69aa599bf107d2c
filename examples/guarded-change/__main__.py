"""A migration that may go wrong, and the backup that is taken before it.

Each release takes a new backup, and the migration does not begin before that has succeeded. The backups of earlier
releases stay at the service: `retain_on_delete` has Pulumi forget them instead of deleting them. With `protect` on,
neither `pulumi destroy` nor a program that has lost these lines can touch the backup; nor can a new release, before
it is off again.
"""

import pulumi
from migration import Migration
from pulumi_dcs import InstanceBackup

config = pulumi.Config()
release = config.require("release")

backup = InstanceBackup(
    "orders-before-release",
    instance_id=config.require("instanceId"),
    remark=f"before {release}",
    triggers={"release": release},
    opts=pulumi.ResourceOptions(
        retain_on_delete=True,
        protect=config.get_bool("protect") or False,
        custom_timeouts=pulumi.CustomTimeouts(create="1h"),
    ),
)

migration = Migration(
    "orders",
    release=release,
    command=config.require("command"),
    opts=pulumi.ResourceOptions(depends_on=[backup]),
)

pulumi.export("restore_from", backup.backup_id)
pulumi.export("migrated_to", migration.release)

"""A migration that may go wrong, and the backup that is made before it.

Each change of the release makes a new backup first, also one that goes back to a release that was there before; the
migration does not start until that backup has succeeded. The backups of earlier releases stay at the service:
`retain_on_delete` has Pulumi forget them instead of deleting them, so delete those that you no longer need there (DCS
keeps 24 of an instance). With `protect` on, neither `pulumi destroy` nor a program that has lost these lines can touch
the backup; nor can a new release, until it is off again.
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

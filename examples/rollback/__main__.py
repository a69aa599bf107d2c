"""A backup before a migration, and the way back: a restore that is declared only when it is wanted.

`pulumi stack output restore_from` names the backup that was made before the release. To go back to it:

    pulumi config set rollbackTo <backup id>
    pulumi preview     # warns of what is overwritten
    pulumi up          # backs up what is there now, then restores

The restore is carried out once, however often `pulumi up` runs afterwards. Once you are done, `pulumi config rm
rollbackTo`: that takes the restore out of the state, and touches no data.
"""

import pulumi
from migration import Migration
from pulumi_dcs import InstanceBackup, InstanceRestore

config = pulumi.Config()
instance_id = config.require("instanceId")
release = config.require("release")
rollback_to = config.get("rollbackTo")

backup = InstanceBackup(
    "orders-before-release",
    instance_id=instance_id,
    remark=f"before {release}",
    triggers={"release": release},
    opts=pulumi.ResourceOptions(retain_on_delete=True),
)

migration = Migration(
    "orders",
    release=release,
    command=config.require("command"),
    opts=pulumi.ResourceOptions(depends_on=[backup]),
)

if rollback_to:
    damaged = InstanceBackup(
        "orders-before-rollback",
        instance_id=instance_id,
        remark=f"before the rollback to {rollback_to}",
        opts=pulumi.ResourceOptions(retain_on_delete=True, depends_on=[migration]),
    )
    rollback = InstanceRestore(
        "orders-rollback",
        instance_id=instance_id,
        backup_id=rollback_to,
        opts=pulumi.ResourceOptions(depends_on=[damaged]),
    )
    pulumi.export("rolled_back_to", rollback.backup_created_at)

pulumi.export("restore_from", backup.backup_id)

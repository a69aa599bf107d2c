"""A backup of one DCS instance before a release, the proof that it can be read, and the way back.

To go back to a backup: `pulumi config set restoreFrom <backup id>`, then `pulumi preview` and `pulumi up`.
"""

import pulumi
from pulumi_dcs import BackupVerification, InstanceBackup, InstanceRestore

config = pulumi.Config()
instance_id = config.require("instanceId")

backup = InstanceBackup(
    "orders-before-release",
    instance_id=instance_id,
    remark=config.get("remark") or "before 2026.11",
    triggers={"release": config.get("release") or "2026.11"},
    opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="30m")),
)

proof = BackupVerification(
    "orders-proof",
    instance_id=instance_id,
    backup_id=backup.backup_id,
    minimum_keys=config.get_int("minimumKeys") or 1,
)

if restore_from := config.get("restoreFrom"):
    InstanceRestore(
        "orders-restore",
        instance_id=instance_id,
        backup_id=restore_from,
        opts=pulumi.ResourceOptions(depends_on=[proof]),
    )

pulumi.export("backup_id", backup.backup_id)
pulumi.export("size", backup.size)
pulumi.export("keys", proof.key_count)

"""Back up one DCS instance before a release."""

import pulumi
from pulumi_dcs import InstanceBackup

config = pulumi.Config()

backup = InstanceBackup(
    "orders-before-release",
    instance_id=config.require("instanceId"),
    remark=config.get("remark") or "before 2026.11",
    triggers={"release": config.get("release") or "2026.11"},
    opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="30m")),
)

pulumi.export("backup_id", backup.backup_id)
pulumi.export("status", backup.status)
pulumi.export("size", backup.size)

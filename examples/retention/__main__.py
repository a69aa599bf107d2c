"""A backup each night, of which the newest seven are kept; run ``pulumi up`` once a night."""

from datetime import datetime, timezone

import pulumi
from pulumi_dcs import BackupRetention, InstanceBackup

config = pulumi.Config()
instance_id = config.require("instanceId")
# A second run of the same night takes no second backup. Set it where a plan is applied on another day than it was made.
night = config.get("night") or f"{datetime.now(timezone.utc):%Y-%m-%d}"

backup = InstanceBackup(
    "nightly",
    instance_id=instance_id,
    remark=f"nightly {night}",
    triggers={"night": night},
    # The backup of the night before leaves the state, and stays at the service until the retention deletes it.
    opts=pulumi.ResourceOptions(retain_on_delete=True),
)
retention = BackupRetention(
    "nightly",
    instance_id=instance_id,
    keep=config.get_int("keep") or 7,
    remark=r"nightly \d{4}-\d{2}-\d{2}",
    # Only once the new backup has succeeded, and counting it.
    opts=pulumi.ResourceOptions(depends_on=[backup]),
)

pulumi.export("backup_id", backup.backup_id)
pulumi.export("deleted_ids", retention.deleted_ids)

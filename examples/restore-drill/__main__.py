"""A restore drill: back up, import into a scratch instance, count the keys there, and compare.

A verification proves that a backup can be read. Only a restore proves that it can be restored: so this program imports
the backup into an instance that nobody needs, backs that up, and has the service count both.

Another `drill`, such as the week, does it all again. Everything in the scratch instance is test data: flush it before
each drill, since an import leaves the keys that the backup does not have, and then the counts differ.

    pulumi config set production <instance id>
    pulumi config set scratch <instance id>
    pulumi config set --secret scratchPassword …
    pulumi config set drill 2026-w48
    pulumi up

Keys that expire between the two backups are missing in the second one. `tolerance` says how many percent may be.
"""

import pulumi
from pulumi_dcs import BackupVerification, InstanceBackup, InstanceRestore

config = pulumi.Config()
production = config.require("production")
scratch = config.require("scratch")
triggers = {"drill": config.require("drill")}
tolerance = config.get_int("tolerance") or 0


def enough(keys: float) -> int:
    """How many keys have to be there after the restore; at least one."""
    return max(1, int(keys) * (100 - tolerance) // 100)


def compared(counts: list[float]) -> str:
    """The result; fails if the scratch instance has more keys than the backup."""
    # Pulumi hands a dynamic resource's numbers to the program as floats.
    backed_up, restored = map(int, counts)
    if restored > backed_up:
        raise ValueError(f"{restored} keys after the restore of {backed_up}: the scratch instance was not empty.")
    return f"{restored} of {backed_up} keys are there after the restore"


backup = InstanceBackup("drill", instance_id=production, remark="restore drill", triggers=triggers)

readable = BackupVerification("drill-readable", instance_id=production, backup_id=backup.backup_id)

restore = InstanceRestore(
    "drill-restore",
    instance_id=scratch,
    source_instance_id=production,
    # The backup by way of its proof: what can't be read is not imported.
    backup_id=readable.backup_id,
    target_password=config.get_secret("scratchPassword"),
    triggers=triggers,
)

restored = InstanceBackup(
    "drill-restored",
    instance_id=scratch,
    triggers={"restore": restore.restore_id},
    opts=pulumi.ResourceOptions(depends_on=[restore]),
)

complete = BackupVerification(
    "drill-complete",
    instance_id=scratch,
    backup_id=restored.backup_id,
    # Fewer keys than in production's backup is an error.
    minimum_keys=readable.key_count.apply(enough),
)

pulumi.export("drilled", pulumi.Output.all(readable.key_count, complete.key_count).apply(compared))
pulumi.export("keys_by_type", complete.keys_by_type)

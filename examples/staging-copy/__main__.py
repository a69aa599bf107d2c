"""Last night's backup of production, imported into staging.

A newer backup imports again, with the next `pulumi up`; the same one never does. Set `backupId` to stay with one. An
import overwrites the keys that both instances have and leaves staging's other keys: flush staging before, if it has to
be equal. Staging has to have the same Redis version or a newer one, and the same size or more; production must not be
single-node.

    pulumi config set --secret stagingPassword …
    pulumi preview     # warns of what is overwritten, and names the backup
    pulumi up
"""

import pulumi
from pulumi_dcs import InstanceRestore, get_latest_backup

config = pulumi.Config()
production = config.require("production")
backup_id = config.get("backupId") or get_latest_backup(production).backup_id

copy = InstanceRestore(
    "staging-copy",
    instance_id=config.require("staging"),
    source_instance_id=production,
    backup_id=backup_id,
    target_password=config.get_secret("stagingPassword"),
    opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="2h", update="2h")),
)

pulumi.export("staging_is_of", copy.backup_created_at)

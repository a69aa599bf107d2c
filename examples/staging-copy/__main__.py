"""A backup of production, imported into staging.

Another `backupId` imports again; the same one never does. An import overwrites the keys that both instances have and
leaves staging's other keys: flush staging before, if it has to be equal. Staging has to have the same Redis version or
a newer one, and the same size or more; production must not be single-node.

    pulumi config set --secret stagingPassword …
    pulumi config set backupId <id of last night's backup>
    pulumi up
"""

import pulumi
from pulumi_dcs import InstanceRestore

config = pulumi.Config()

copy = InstanceRestore(
    "staging-copy",
    instance_id=config.require("staging"),
    source_instance_id=config.require("production"),
    backup_id=config.require("backupId"),
    target_password=config.get_secret("stagingPassword"),
    opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="2h", update="2h")),
)

pulumi.export("staging_is_of", copy.backup_created_at)

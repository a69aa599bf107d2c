"""Back up instances in several regions by one program.

$ pulumi config set --path 'fleet["cn-north-4"][0]' 9ca3f4c5-0000-4000-8000-000000000001
$ pulumi config set --path 'fleet["eu-west-101"][0]' 9ca3f4c5-0000-4000-8000-000000000002

The endpoint and the project of each region are found by the region's name. If you set `dcs:endpoint`, `{region}` in it
is filled in.
"""

import pulumi
from pulumi_dcs import InstanceBackup

config = pulumi.Config()
fleet: dict[str, list[str]] = config.require_object("fleet")

for region, instance_ids in fleet.items():
    for instance_id in instance_ids:
        backup = InstanceBackup(
            f"{region}-{instance_id}", instance_id=instance_id, region=region, remark=config.get("remark") or "nightly"
        )
        pulumi.export(f"{region}/{instance_id}", backup.backup_id)

"""Back up every instance that has a tag, dealt out to several stacks.

$ pulumi stack init fleet-0
$ pulumi config set shards 2
$ pulumi config set shard 0

And the same for fleet-1, with shard 1. An instance that gets the tag is backed up by the next `pulumi up`. One that
loses it is no longer declared: `retain_on_delete` keeps its backup. The list of instances is complete, or an error.
"""

import pulumi
from pulumi_dcs import InstanceBackup, get_instances
from pulumi_dcs.fleet import share

config = pulumi.Config()
key, _, value = (config.get("tag") or "backup=nightly").partition("=")
shards = config.get_int("shards") or 1
shard = config.get_int("shard") or 0

tagged = {each.instance_id: each for each in get_instances(tags={key: value})}
names: dict[str, str] = {}
for instance_id in share(tagged, shard, shards):
    if tagged[instance_id].can_be_backed_up is False:
        pulumi.log.warn(f"{tagged[instance_id].name} has the tag, but single-node instances have no backups.")
        continue
    names[instance_id] = tagged[instance_id].name
    InstanceBackup(
        f"backup-{instance_id}",
        instance_id=instance_id,
        remark=config.get("remark") or "nightly",
        opts=pulumi.ResourceOptions(retain_on_delete=True),
    )

pulumi.export("instances", names)

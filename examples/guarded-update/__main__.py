"""An instance that is backed up before it is resized or upgraded, and whose data are saved before it is deleted.

$ pip install -r requirements.txt
$ pulumi config set capacity 8
$ pulumi up

The preview of such a change says that the backup will be taken, and fails where it can't be. In the `up` the change
waits for the backup; where that fails, nothing is changed. Other updates, such as another description, need none.

Before the instance is deleted or replaced, the files of a last backup are downloaded: the service deletes an instance's
backups together with it. `pulumi destroy` needs `--run-program` for that, since hooks are code of this program.
"""

import pulumi
import pulumi_huaweicloud as huaweicloud
from pulumi_dcs import backup_before

config = pulumi.Config()

# Made once, and given to each instance.
guard = pulumi.ResourceHookBinding.merge(
    backup_before("update", only_if_changed=["capacity", "engine_version", "flavor"]),
    backup_before("delete", save_to=config.get("saveTo") or "last-backups"),
)

orders = huaweicloud.dcs.Instance(
    "orders",
    engine="Redis",
    engine_version=config.get("engineVersion") or "6.0",
    capacity=config.require_float("capacity"),
    flavor=config.get("flavor") or "redis.ha.xu1.large.r2.4",
    availability_zones=config.require_object("availabilityZones"),
    vpc_id=config.require("vpcId"),
    subnet_id=config.require("subnetId"),
    password=config.require_secret("password"),
    description=config.get("description") or "orders of the shop",
    opts=pulumi.ResourceOptions(hooks=guard),
)

pulumi.export("instance_id", orders.id)

"""Declare a DCS instance with the `huaweicloud` package and back it up before each release, by one set of settings.

$ pip install -r requirements.txt
$ pulumi config set huaweicloud:region cn-north-4
$ pulumi config set --secret huaweicloud:accessKey ...
$ pulumi config set --secret huaweicloud:secretKey ...

`InstanceBackup` reads these settings as well: it needs no `dcs:*` setting of its own. In the first preview the
instance's id is not known yet; `pulumi up` makes the instance, then the backup.

The Terraform provider, bridged, works in the same way: `pulumi package add terraform-provider huaweicloud/huaweicloud`
generates a package `huaweicloud` with the same configuration; pass on the `id` of its instance.
"""

import pulumi
import pulumi_huaweicloud as huaweicloud
from pulumi_dcs import InstanceBackup

config = pulumi.Config()
release = config.require("release")

instance = huaweicloud.dcs.Instance(
    "orders",
    engine="Redis",
    engine_version="6.0",
    capacity=4,
    flavor="redis.ha.xu1.large.r2.4",  # master/standby: single-node instances can't be backed up
    availability_zones=config.require_object("availabilityZones"),
    vpc_id=config.require("vpcId"),
    subnet_id=config.require("subnetId"),
    password=config.require_secret("password"),  # the package does not mark it as a secret by itself
    opts=pulumi.ResourceOptions(protect=True),  # a deleted instance takes its backups with it
)

backup = InstanceBackup(
    "orders-before-release",
    instance_id=instance.id,
    remark=f"before {release}",
    triggers={"release": release},
)

pulumi.export("instance_id", instance.id)
pulumi.export("backup_id", backup.backup_id)

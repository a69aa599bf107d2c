"""Back up the orders service's instances before a release."""

import pulumi
from service_backup import ServiceBackup

config = pulumi.Config()

orders = ServiceBackup("orders", instances=config.require_object("instances"), release=config.require("release"))

pulumi.export("backup_ids", orders.backup_ids)

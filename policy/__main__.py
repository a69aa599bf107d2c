"""A policy pack with all policies of ``pulumi_dcs.policies``; copy it and leave out what you don't want."""

from pulumi_dcs import policies
from pulumi_policy import PolicyPack

PolicyPack("dcs-backups", policies.all_policies())

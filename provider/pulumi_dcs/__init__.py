"""Backups of Huawei Cloud DCS (Redis) instances as Pulumi resources."""

from .api.models import BackupFormat
from .instance_backup import InstanceBackup

__all__ = ["BackupFormat", "InstanceBackup"]

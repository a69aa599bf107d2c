"""Backups of Huawei Cloud DCS (Redis) instances as Pulumi resources."""

from .api.backup_format import BackupFormat
from .backup_retention.resource import BackupRetention
from .instance_backup.resource import InstanceBackup

__all__ = ["BackupFormat", "BackupRetention", "InstanceBackup"]

"""Backups of Huawei Cloud DCS (Redis) instances as Pulumi resources."""

from .api.backup_format import BackupFormat
from .hooks import backup_before
from .instance_backup.resource import InstanceBackup

__all__ = ["BackupFormat", "InstanceBackup", "backup_before"]

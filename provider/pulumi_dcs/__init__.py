"""Backups of Huawei Cloud DCS (Redis) instances as Pulumi resources."""

from .api.backup_format import BackupFormat
from .backup_verification.resource import BackupVerification
from .instance_backup.resource import InstanceBackup
from .instance_restore.resource import InstanceRestore

__all__ = ["BackupFormat", "BackupVerification", "InstanceBackup", "InstanceRestore"]

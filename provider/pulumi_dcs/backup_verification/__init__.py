"""``BackupVerification``: has the service read a backup through and count its keys."""

"""``BackupRetention``: keeps the newest backups of an instance that match, and deletes the older ones."""

"""The ``BackupVerification`` resource: proof that the service can read a backup, and how many keys it holds."""

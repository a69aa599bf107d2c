"""Real data for the local endpoint: a Valkey server per instance, and backups that are files."""

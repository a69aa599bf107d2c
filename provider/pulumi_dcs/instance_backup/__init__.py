"""The ``InstanceBackup`` resource: what a user declares, and what becomes of it."""

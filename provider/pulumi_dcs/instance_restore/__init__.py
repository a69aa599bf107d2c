"""The ``InstanceRestore`` resource: restores an instance from a backup, once for each declaration."""

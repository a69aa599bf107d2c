"""The backup before a change of an instance: what ``backup_before`` does, in the program's process."""

"""Settings and credentials, and where they come from."""

"""What is wrong with a setting."""

from __future__ import annotations

from ..api.errors import DcsError


class SettingsError(DcsError):
    """A setting is missing, or has a value that can't be used. The setting is named, its value is never shown."""

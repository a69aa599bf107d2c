"""The provider classes that the state refers to: module and class names are frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .engine.dynamic_provider import DynamicProvider

if TYPE_CHECKING:
    from .engine.requests import Provider


class InstanceBackupProvider(DynamicProvider):
    """Carries out what the engine asks for an ``InstanceBackup``."""

    def make_provider(self, configuration: Mapping[str, Any]) -> Provider:
        """The one lifecycle of this process, whatever asks first."""
        from .instance_backup.lifecycle import Lifecycle
        from .session import process_session

        return process_session(configuration).shared(Lifecycle)


class InstanceRestoreProvider(DynamicProvider):
    """Carries out what the engine asks for an ``InstanceRestore``."""

    def make_provider(self, configuration: Mapping[str, Any]) -> Provider:
        """The one lifecycle of this process, whatever asks first."""
        from .instance_restore.lifecycle import Lifecycle
        from .session import process_session

        return process_session(configuration).shared(Lifecycle)


class BackupVerificationProvider(DynamicProvider):
    """Carries out what the engine asks for a ``BackupVerification``."""

    def make_provider(self, configuration: Mapping[str, Any]) -> Provider:
        """The one lifecycle of this process, whatever asks first."""
        from .backup_verification.lifecycle import Lifecycle
        from .session import process_session

        return process_session(configuration).shared(Lifecycle)


class BackupRetentionProvider(DynamicProvider):
    """Carries out what the engine asks for a ``BackupRetention``."""

    def make_provider(self, configuration: Mapping[str, Any]) -> Provider:
        """The one lifecycle of this process, whatever asks first."""
        from .backup_retention.lifecycle import Lifecycle
        from .session import process_session

        return process_session(configuration).shared(Lifecycle)

"""The provider as Pulumi's host knows it: passes on what the engine asks for to the lifecycle."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import (
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

if TYPE_CHECKING:
    from .instance_backup.lifecycle import Lifecycle


class InstanceBackupProvider(ResourceProvider):
    """What the state keeps of it is a reference to this class and nothing else.

    A user's program imports it, but never has anything done by it: what that takes is imported in the host's process
    only.
    """

    serialize_as_secret_always = False

    _lifecycle: Lifecycle

    def configure(self, req: ConfigureRequest) -> None:
        """Called once in the host's process, before anything else there."""
        # What is loaded stays until the process ends: looking for garbage in it would hold up the first backups.
        gc.disable()
        try:
            from .instance_backup.lifecycle import Lifecycle

            gc.freeze()
        finally:
            gc.enable()
        self._lifecycle = Lifecycle(req)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        return self._lifecycle.check(_olds, news)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return self._lifecycle.diff(_id, _olds, _news)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return self._lifecycle.create(props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return self._lifecycle.read(id_, props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return self._lifecycle.update(_id, _olds, _news)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        self._lifecycle.delete(_id, _props)

"""What all backups before changes share in one run of a program: lists, pace, what was asked and taken already."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final

import pulumi
from pulumi.runtime.settings import get_monitor

from ..api.backups import BackupRecord
from ..engine.interrupts import Interrupts
from ..engine.log import Log
from ..engine.stack_state import StackStates, StackStateUnavailable
from ..operations.operation import Operation
from ..program import Program, current_program, is_preview
from ..recovery.evidence import records_in
from ..resources.backups import BackupServices
from ..resources.instance_probe import InstanceProbe
from .guard import Guard

_ATTRIBUTE: Final = "_pulumi_dcs_guard"
"""Where a run is kept: each run of a program has an engine's monitor of its own."""
_lock: Final = threading.Lock()


class Run:
    """One run of a program, as hooks see it; its methods may be called from any thread.

    Attributes:
        hooks: those that the program has made, by what was asked for; under the lock.
        taken: the backups of this run's changes by their mark, for hooks on the program's event loop.
        started: the ids of backups that were started or found, by mark.
    """

    def __init__(self, program: Program) -> None:
        self.program: Final = program
        self.log: Final = Log.of_program()
        self.is_preview: Final = is_preview()
        self.organization: Final = pulumi.get_organization() or ""
        self.services: Final = BackupServices(program.clients)
        self.probe: Final = InstanceProbe(self)
        self.interrupts: Final = Interrupts(program.clock.cancel)
        self.lock: Final = threading.Lock()
        self.hooks: Final[dict[Guard, pulumi.ResourceHook]] = {}
        self.taken: Final[dict[str, asyncio.Future[BackupRecord]]] = {}
        self.started: Final[dict[str, str]] = {}
        self._states = StackStates()
        self._has_warned = False

    @classmethod
    def current(cls) -> Run:
        """That of the program which calls this.

        Raises:
            pulumi.RunError: there is none.
        """
        monitor = get_monitor()
        if monitor is None:
            raise pulumi.RunError(
                "backup_before was called where no Pulumi program runs.\n"
                "  What to do: call it in the program, or in a test after pulumi.runtime.set_mocks."
            )
        with _lock:
            found = getattr(monitor, _ATTRIBUTE, None)
            if not isinstance(found, cls):
                found = cls(current_program())
                # On the monitor, not in a dictionary: hooks refer to it, and both have to go when the run is over.
                setattr(monitor, _ATTRIBUTE, found)
        return found

    def operation(self, name: str, urn: str, timeout: float) -> Operation:
        """An operation for a resource; its messages appear on the resource's row."""
        return self.program.operation(
            name,
            timeout,
            report_progress=lambda message: self.log.report_progress(urn, message),
            warn=lambda message: self.log.warn(urn, message),
        )

    def warn_once(self, urn: str, message: str) -> None:
        """Add a lasting warning to the resource, the first time that this is called in the run."""
        with self.lock:
            is_first, self._has_warned = not self._has_warned, True
        if is_first:
            self.log.warn(urn, message)

    def holders(self, urn: str) -> Callable[[], dict[str, str]]:
        """Tells the backups that the stack's saved state holds, with their URNs; none where it can't be read."""

        def read() -> dict[str, str]:
            try:
                return records_in(self._states.read(urn, self.organization).resources)
            except StackStateUnavailable:
                return {}

        return read

"""What ``backup_before`` says in a run: its backups are made by hooks, and the engine has no steps for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..instance_backup.names import RESOURCE_TYPE
from .events import Diagnostic, EventLog

_TAKES: Final = ("Takes a backup of instance ", "Backed up before ")
_USES: Final = ("Uses backup ", "Goes on with backup ", "Saved before ")
"""How its messages begin, in a preview and in a run (``guard.preview``, ``guard.take`` and ``guard.hook``)."""
_PERHAPS: Final = " changes, which is not known yet"
"""What a preview says of a backup that depends on a value of the run."""


def guards_in(log: EventLog) -> tuple[Diagnostic, ...]:
    """Its messages on backups, each once. An ``InstanceBackup``, which has a row, says some of them as well."""
    said = (each for each in log.diagnostics if each.severity == "info" and each.message.startswith(_TAKES + _USES))
    return tuple(dict.fromkeys(each for each in said if RESOURCE_TYPE not in each.urn))


def taken_by(guards: Iterable[Diagnostic]) -> int:
    """How many backups they are about that are taken for certain, or were."""
    return sum(each.message.startswith(_TAKES) and _PERHAPS not in each.message for each in guards)

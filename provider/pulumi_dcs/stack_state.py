"""Asks the engine's command line which backups the stack's state holds.

The engine tells a provider of a resource's old state in check and diff, but not when a replacement is forced
(``--target-replace``, ``pulumi state taint``). Before a backup is taken over on what an earlier run left behind,
which is seldom, the state itself is read.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any, Final

HeldBackups = Callable[[str], frozenset[str] | None]
"""Tells which backups the state of a URN's stack holds; None where that could not be found out."""

_TIMEOUT: Final = 30.0


def held_backups(urn: str) -> frozenset[str] | None:
    """The ids of the backups in the state of the URN's stack; None where that could not be found out."""
    try:
        done = subprocess.run(
            ["pulumi", "stack", "export", "--non-interactive"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=True,
        )
        resources: list[dict[str, Any]] = json.loads(done.stdout)["deployment"].get("resources", [])
        stack = urn.split("::")[:2]
        if any(resource["urn"].split("::")[:2] != stack for resource in resources):
            return None
        ids = [str(resource.get("id", "")) for resource in resources]
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, AttributeError, TypeError):
        return None
    return frozenset(text.rpartition("/")[2] for text in ids if "/" in text)

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

HeldBackups = Callable[[str, str], frozenset[str] | None]
"""Tells which backups the state of a URN's stack in an organisation holds; None where that could not be found out."""

_TIMEOUT: Final = 30.0


def held_backups(urn: str, organization: str = "") -> frozenset[str] | None:
    """The ids of the backups in the state of the URN's stack; None where that could not be found out.

    Args:
        organization: the stack's; if that is not known, the state backend takes its default one.
    """
    stack = urn.split("::")[:2]
    try:
        name, project = stack[0].rpartition(":")[2], stack[1]
        # Not the selected one: the run may have been told by --stack which it is.
        reference = f"{organization}/{project}/{name}" if organization else name
        done = subprocess.run(
            ["pulumi", "stack", "export", "--stack", reference, "--non-interactive"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=True,
        )
        resources: list[dict[str, Any]] = json.loads(done.stdout)["deployment"].get("resources", [])
        if any(resource["urn"].split("::")[:2] != stack for resource in resources):
            return None
        ids = [str(resource.get("id", "")) for resource in resources]
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, AttributeError, TypeError):
        return None
    return frozenset(text.rpartition("/")[2] for text in ids if "/" in text)

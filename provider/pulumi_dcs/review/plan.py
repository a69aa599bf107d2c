"""The reviewed plan on its way from the preview to the apply: under which name it is kept, and whose it is."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PLAN: Final = "plan.json"
MANIFEST: Final = "reviewed.json"
MAX_SIZE: Final = 256 * 1024 * 1024
"""Bytes of a plan that are read; one of 3,000 backups has about 5 MB."""
_MAX_SLUG: Final = 60


class PlanRefused(Exception):
    """What was handed over does not count as the reviewed plan; its text says why."""


def artifact_name(stack: str) -> str:
    """The name under which GitHub keeps a stack's plan.

    Stack names may have slashes and artifacts may not; the hash tells stacks apart that look the same without them.
    """
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", stack)[:_MAX_SLUG]
    return f"plan-{slug}-{_sha256(stack.encode())[:12]}"


def write_manifest(plan: Path, *, stack: str, commit: str) -> Path:
    """Write down beside the plan which stack and commit it was made for."""
    manifest = plan.with_name(MANIFEST)
    told = {"stack": stack, "commit": commit, "sha256": _sha256(plan.read_bytes())}
    manifest.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    return manifest


def check_handed_over(plan: Path, *, stack: str) -> None:
    """Make sure that the plan in this folder is the one of that stack that a preview has written down beside it.

    Raises:
        PlanRefused: it is not, or the preview could not show it to anybody.
    """
    files = {PLAN: plan.read_bytes()}
    manifest = plan.with_name(MANIFEST)
    if manifest.is_file():
        files[MANIFEST] = manifest.read_bytes()
    check_manifest(files, stack=stack)


def check_manifest(files: Mapping[str, bytes], *, stack: str, commit: str | None = None) -> None:
    """Make sure that this is the plan of that stack and commit, as it was made.

    Args:
        files: what was handed over, by name.
        commit: the head of the request that was reviewed; None where nobody tells.

    Raises:
        PlanRefused: something is missing, or belongs to another stack or commit.
    """
    if PLAN not in files or MANIFEST not in files:
        missing = [name for name in (PLAN, MANIFEST) if name not in files]
        raise PlanRefused(f"The preview handed over no {' and no '.join(missing)}.")
    try:
        told = json.loads(files[MANIFEST])
        made_for = {name: str(told[name]) for name in ("stack", "commit", "sha256")}
    except (ValueError, KeyError, TypeError):
        raise PlanRefused(f"{MANIFEST} of the handed-over plan can't be read.") from None
    if made_for["stack"] != stack:
        raise PlanRefused(f"The handed-over plan was made for stack {made_for['stack']!r}, and not for {stack!r}.")
    if commit is not None and made_for["commit"] != commit:
        raise PlanRefused(
            f"The handed-over plan was made for commit {made_for['commit'][:12]}, and reviewed was {commit[:12]}."
        )
    if made_for["sha256"] != _sha256(files[PLAN]):
        raise PlanRefused("The handed-over plan is not the one that the preview made: its hash differs.")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

"""``review comment`` and ``review plan``: show the report on the request, and fetch the plan that was reviewed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..plan import MANIFEST, PLAN, PlanRefused, check_manifest
from .forge import LABELS, Forge, ForgeError, NoRequestError, NothingReviewed, forge_of, required

MAX_COMMENT: Final = 65_000
"""Characters; the report keeps to fewer."""


def write_comment(report: Path, environment: Mapping[str, str]) -> int:
    """Write the report as the stack's comment on the request, or edit the one that is there.

    Raises:
        ForgeError: the forge refused it, or a setting is missing.
    """
    (stack,) = required(environment, "STACK")
    try:
        text = report.read_text("utf-8")
    except OSError as error:
        raise ForgeError(f"The report {report} can't be read: {error.strerror}. Run `review preview` first.") from None
    try:
        forge = forge_of(environment)
        marker = f"<!-- backups of {stack.replace('--', '- -')} -->"
        print(f"The report is shown at {forge.comment(marker, text[:MAX_COMMENT])}")
        if environment.get("LABELS") == "true":
            _label(forge, report)
    except NoRequestError as error:
        print(f"{error} The report is in {report}.")
    return 0


def fetch_plan(folder: Path, environment: Mapping[str, str]) -> int:
    """Fetch the plan that was reviewed with the request that this commit has merged; without one, say why.

    Raises:
        ForgeError: the forge refused it, or a setting is missing.
    """
    (stack,) = required(environment, "STACK")
    # What lies there already is nobody's reviewed plan.
    for name in (PLAN, MANIFEST):
        (folder / name).unlink(missing_ok=True)
    try:
        reviewed = forge_of(environment).reviewed(stack)
        check_manifest(reviewed.files, stack=stack, commit=reviewed.commit)
    except (NoRequestError, NothingReviewed, PlanRefused) as error:
        print(f"No reviewed plan was found. {error}")
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    for name in (PLAN, MANIFEST):
        (folder / name).write_bytes(reviewed.files[name])
    print(f"Fetched the plan that was reviewed, of commit {reviewed.commit[:12]}: {reviewed.url}")
    return 0


def _label(forge: Forge, report: Path) -> None:
    try:
        label = json.loads(report.with_suffix(".json").read_text("utf-8"))["label"]
    except (OSError, ValueError, KeyError):
        return
    if label in LABELS:
        forge.label(label)
        print(f"The request is labelled {label!r}.")

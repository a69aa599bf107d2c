"""What a preview checks and says of the backup before a change."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from ..api.backups import BackupRecord
from ..api.clock import in_words as time_in_words
from ..api.errors import ConnectionFailed, CredentialsUnavailable, ServiceError
from ..config.errors import SettingsError
from ..operations.errors import OperationError
from ..operations.record_cache import Snapshot
from ..operations.wait import usual_length
from ..resources.backups import BackupService
from ..resources.instance_text import details
from .change import Change, Operation, plain
from .remark import change_mark
from .save import check_folder
from .take import find_existing, in_words_of_reuse, now_at

if TYPE_CHECKING:
    from .guard import Guard
    from .run import Run

_LASTING: Final = ("CREATEFAILED", "ERROR", "FROZEN")
"""Statuses that don't pass by themselves."""


def in_words(change: Change) -> str:
    """The change, to follow "before": ``this update of orders``."""
    return f"this {change.operation.value} of {change.name}"


def check(run: Run, guard: Guard, change: Change, region: str | None, project_id: str | None) -> None:
    """Ask the service whether the instance can be backed up, and say what the run will do.

    Raises:
        DcsError: it can't be backed up.
    """
    found, facts = _checked(run, guard, change, region, project_id)
    if found is not None:
        intent = in_words_of_reuse(found, in_words(change))
        if not found.is_running:
            intent += f" less than {time_in_words(guard.reuse_within.total_seconds())} ago"
    else:
        intent = f"Takes a backup of instance {change.name} before this {change.operation.value}"
    if guard.save_to is not None:
        check_folder(guard.save_to)
        intent += f"{',' if found else ''} and saves its files in {guard.save_to}"
    names = guard.only_if_changed
    if names is not None and change.operation is Operation.UPDATE:
        changing = change.of_interest(names)
        unknown = change.unknown(changing)
        if unknown and len(unknown) == len(changing):
            intent += f" if {listed(unknown)} changes, which is not known yet"
    run.log.info(change.urn, f"{intent}{facts}.")


def _checked(
    run: Run, guard: Guard, change: Change, region: str | None, project_id: str | None
) -> tuple[BackupRecord | None, str]:
    """A backup that serves for the change already, and what the service says of the instance, to follow the intent."""
    settings = run.program.settings
    if change.instance_id is None:
        return None, "; its id is not known yet"
    if settings.credentials_at_hand() is None:
        trouble = settings.profile_trouble()
        reason = trouble or "there are no credentials at hand"
        return None, f"; whether it can be backed up could not be checked: {reason}".rstrip(".")
    if region is None or project_id is None:
        return None, "; its region or project is not known yet"
    if (service := _service(run, change, region, project_id)) is None:
        return None, ""
    try:
        instance = run.probe.instance(change.urn, service, change.instance_id)
    except ServiceError as error:
        raise OperationError(
            f"Instance {change.instance_id} can't be backed up: there is no such instance.",
            facts=(error.summary, *error.facts),
            advice=error.advice,
        ) from error
    if instance is None:
        return None, ""
    if instance.is_single_node:
        raise OperationError(
            f"Instance {change.instance_id} can't be backed up: it is a single-node instance, which has no backups.",
            advice="take backup_before out of its hooks.",
        )
    facts = [details(instance)]
    snapshot = run.probe.backups(change.urn, service, change.instance_id)
    if snapshot is not None:
        if (found := _existing(run, guard, change, snapshot)) is not None:
            return found, f" ({'; '.join(facts)})"
        if (length := usual_length(snapshot)) is not None:
            facts.append(f"the last one took {time_in_words(length)}")
    if instance.status in _LASTING:
        run.log.warn(
            change.urn,
            f"Instance {change.instance_id} is {instance.status}: no backup can be taken until it is RUNNING again, so "
            f"that this {change.operation.value} will not happen before.",
        )
    elif instance.task or instance.status not in ("", "RUNNING"):
        facts.append(f"it is busy now ({instance.task or instance.status}), and the run waits until it is not")
    return None, f" ({'; '.join(facts)})"


def _existing(run: Run, guard: Guard, change: Change, snapshot: Snapshot[BackupRecord]) -> BackupRecord | None:
    """The backup that the run would find if it came now."""
    if not change.is_known:
        return None
    mark = change_mark(change.change_hash(run.organization))
    return find_existing(snapshot, mark, guard.reuse_within, now_at(snapshot, run.program.clock))


def _service(run: Run, change: Change, region: str, project_id: str) -> BackupService | None:
    """The backups there; None in a preview that can't find the project's id out."""
    clients = run.program.clients
    try:
        project_id = project_id or clients.project_id(region or clients.settings.region, retry_timeout=0.0)
    except SettingsError:
        raise
    except (ConnectionFailed, CredentialsUnavailable, ServiceError) as error:
        run.warn_once(change.urn, f"The project id could not be looked up for this preview.\n  {error}")
        return None
    return run.services.at(region, project_id)


def missing_names(change: Change, missing: Sequence[str]) -> str:
    """The warning about names in only_if_changed that the resource does not have."""
    near = closest(missing, change.known_names)
    hint = f" Did you mean {listed(near)}?" if near else ""
    return f"only_if_changed names {listed(missing)}, which {change.name} does not have as far as is known.{hint}"


def closest(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """The properties whose names are most like these; all that are known where none is."""
    by_plain = {plain(name): name for name in known if not name.startswith("__")}
    found = [each for name in names for each in difflib.get_close_matches(plain(name), by_plain, n=1)]
    return [by_plain[each] for each in dict.fromkeys(found)]


def listed(names: Iterable[str]) -> str:
    """Names in words: ``a, b and c``."""
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last

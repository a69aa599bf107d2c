"""Asks the service what has become of a backup that an interrupted run has left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..api.backups import BackupRecord
from ..api.errors import DcsError
from ..api.instances import is_instance_gone
from ..recovery.journal_database import Entry
from ..recovery.orphans import Found, Orphans
from ..resources.backups import SECRET, BackupServices, fits
from ..resources.mark import without_mark
from ..session import Session
from .properties import inputs_hash

_FIND_TIMEOUT: Final = 10.0
"""Seconds: every command waits for this, and the message is as good without the remark."""


def name_orphans(session: Session, services: BackupServices) -> Callable[[str], None]:
    """What names a stack's orphans, once, when the engine asks for the first resource (its URN).

    Args:
        services: the backups of each project and region.
    """
    orphans = Orphans(
        session.journal,
        session.stack_states,
        lambda entry: _find(entry, session, services),
        inputs_hash,
        session.log.warn,
        ways_out=_ways_out,
    )

    def announce(urn: str) -> None:
        if urn:
            orphans.announce(session.scope(urn), urn)

    return announce


def _ways_out(backup_id: str, name: str) -> str:
    adopt = f"take it over with adopt_backup_id={backup_id!r}" if backup_id else "look for it in the console: adopt it"
    return (
        f"`pulumi up` takes it over by itself if {name!r} is declared as it was then. If it is not, {adopt}, or delete "
        f"it{' in the console' if backup_id else ''}."
    )


def _find(entry: Entry, session: Session, services: BackupServices) -> Found:
    site, progress = entry.site, entry.progress
    unseen = Found(
        progress.record_id,
        f"backup {progress.record_id} of instance {site.instance_id}"
        if progress.record_id
        else f"a backup of instance {site.instance_id} that may have been started",
        is_certain=False,
    )
    try:
        if session.settings.credentials_at_hand() is None:
            return unseen
        service = services.at(site.region, site.project_id)
        if service.client.location.endpoint != site.endpoint:
            return Found(progress.record_id, f"{unseen.description} at {site.endpoint}", is_certain=False)
        operation = session.operation(f"list the backups of instance {site.instance_id}", "", _FIND_TIMEOUT)
        snapshot = service.cache.list(operation, site.instance_id, retry_timeout=0.0)
    except DcsError as error:
        return Found("", "") if is_instance_gone(error) else unseen
    request = progress.request
    if progress.record_id:
        records = [each for each in snapshot.records.values() if each.id == progress.record_id]
    elif request is not None:
        records = [
            each for each in snapshot.records.values() if fits(each, request.wanted) and request.can_have_made(each)
        ]
    else:
        records = []
    records = [each for each in records if not each.is_gone]
    if not records:
        is_over = request is None or request.time_left(snapshot.service_time) == 0
        return Found("", "") if snapshot.is_complete and is_over else unseen
    is_secret = request is not None and SECRET in request.wanted
    return Found(records[0].id, _description(records[0], site.instance_id, is_secret=is_secret))


def _description(record: BackupRecord, instance_id: str, *, is_secret: bool) -> str:
    remark = without_mark(record.remark)
    shown = "a secret remark" if is_secret else f"remark {remark!r}" if remark else "no remark"
    return f"backup {record.id} of instance {instance_id} ({shown}, {record.status_text})"

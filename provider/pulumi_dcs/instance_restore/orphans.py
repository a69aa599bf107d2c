"""Asks the service what has become of a restore that an interrupted run has started."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..api.errors import DcsError
from ..api.instances import is_instance_gone
from ..recovery.journal_database import Entry
from ..recovery.orphans import Found, Orphans, with_kind
from ..session import Session
from .properties import inputs_hash
from .service import RestoreServices, kind_of
from .wanted import WantedImport, WantedRestore

_FIND_TIMEOUT: Final = 10.0
"""Seconds: every command waits for this, and the message is as good without the status."""


def name_orphans(session: Session, services: RestoreServices) -> Callable[[str], None]:
    """What names a stack's orphans, once, when the engine asks for the first resource (its URN)."""
    kinds = [_orphans(session, services, is_import=is_import) for is_import in (False, True)]

    def announce(urn: str) -> None:
        if urn:
            for each in kinds:
                each.announce(session.scope(urn), urn)

    return announce


def _orphans(session: Session, services: RestoreServices, *, is_import: bool) -> Orphans:
    noun = kind_of(is_import=is_import).noun
    return Orphans(
        session.journal,
        session.stack_states,
        lambda entry: _find(entry, session, services, is_import=is_import),
        lambda inputs: with_kind(noun, inputs_hash(inputs)),
        session.log.warn,
        kind=noun,
        ways_out=_ways_out,
    )


def _ways_out(restore_id: str, name: str) -> str:
    if not restore_id:
        return (
            f"If {name!r} is declared as it was then, `pulumi up` goes on with it where the service lists it; "
            "else look at the instance in the console."
        )
    return (
        f"`pulumi up` goes on with it if {name!r} is declared as it was then; "
        f"adopt_restore_id={restore_id!r} takes it over. Neither touches any data."
    )


def _find(entry: Entry, session: Session, services: RestoreServices, *, is_import: bool) -> Found:
    """What the service says. A restore that is no longer listed was carried out all the same: it is never "nothing"."""
    site, progress = entry.site, entry.progress
    noun = kind_of(is_import=is_import).noun
    unseen = Found(
        progress.record_id,
        f"{noun} {progress.record_id} of instance {site.instance_id}"
        if progress.record_id
        else f"a restore of instance {site.instance_id} that may have been started",
        is_certain=False,
    )
    try:
        if session.settings.credentials_at_hand() is None:
            return unseen
        service = services.at(site.region, site.project_id)
        if service.client.location.endpoint != site.endpoint:
            return Found(progress.record_id, f"{unseen.description} at {site.endpoint}", is_certain=False)
        operation = session.operation(f"list the restores of instance {site.instance_id}", "", _FIND_TIMEOUT)
        cache = service.channel(is_import=is_import).cache
        snapshot = cache.list(operation, site.instance_id, retry_timeout=0.0)
    except DcsError as error:
        return Found("", "") if is_instance_gone(error) else unseen
    request = progress.request
    if progress.record_id:
        record = snapshot.records.get(progress.record_id)
        if record is None:
            return unseen
        return Found(record.id, f"{noun} {record.id} of instance {site.instance_id} ({record.status_text})")
    wanted = WantedImport("", "", is_name_proof=False) if is_import else WantedRestore("")
    fitting = [
        each
        for each in snapshot.records.values()
        if request is not None and wanted.fits(each, request.wanted) and request.can_have_made(each)
    ]
    if fitting:
        found = fitting[0]
        return Found(found.id, f"{noun} {found.id} of instance {site.instance_id} ({found.status_text})")
    is_over = request is None or request.time_left(snapshot.service_time) == 0
    # Of one that was killed, nobody has told the user yet that it may have restored.
    return Found("", "") if snapshot.is_complete and is_over and entry.is_unresolved else unseen

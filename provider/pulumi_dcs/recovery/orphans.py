"""Deletes what killed runs of a resource have made and no state holds."""

from __future__ import annotations

import threading

from ..api.errors import DcsError
from ..engine.host import Severity
from ..session import DELETE_TIMEOUT, Session
from .journal import Entry
from .journal_format import Stray


class Leftovers:
    """What the journal knows and the state does not, for all resources of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._is_announced = False

    def announce(self, urn: str) -> None:
        """Say once, before anything is done, which creates of the URN's stack were cut short.

        What becomes of a resource that the program declares no more and no state holds, nobody asks the provider.
        """
        with self._lock:
            is_first, self._is_announced = not self._is_announced, True
        if not is_first:
            return
        for entry in self._cut_short(urn):
            sites = ", ".join(sorted({stray.site.instance_id for stray in entry.strays}))
            self._session.host.tell(
                urn,
                f"An unfinished run was backing up instance {sites} for {entry.urn.rpartition('::')[2]!r}: "
                "it was interrupted, or it goes on right now.\n"
                "  `pulumi up` takes over what it made, or deletes it, if the program or the state still has that "
                "resource; else, once nothing runs, look at the instance's backups yourself, and then delete "
                f"{entry.path}.",
                Severity.INFO,
            )

    def _cut_short(self, urn: str) -> list[Entry]:
        """What creates in the URN's stack have left unfinished; not what a run got into the state before it ended."""
        entries = self._session.journal.left_of_stack(urn)
        held = self._session.held_backups(urn) if entries else None
        if held is None:
            return entries
        for entry in entries:
            for stray in entry.strays:
                if stray.trail.backup_id in held:
                    self._session.journal.settle(entry.urn, stray.trail.backup_id)
        return [entry for entry in entries if any(stray.trail.backup_id not in held for stray in entry.strays)]

    def are_left(self, urn: str, backup_id: str) -> bool:
        """Whether killed runs may have made something besides the backup that the resource's state holds."""
        return self._session.journal.left(urn, backup_id) is not None

    def remove_besides(self, urn: str, backup_id: str) -> None:
        """Delete what killed runs made besides the backup that the resource's state holds.

        Raises:
            DcsError: something could not be deleted; the journal keeps it.
        """
        if self._session.journal.has_begun(urn):
            return
        entry = self._session.journal.left(urn, backup_id)
        if entry is None:
            return
        errors = self._remove(entry)
        self._session.journal.settle(urn, backup_id)
        if errors:
            errors[0].add_fact("an interrupted run left that backup; the next run tries again")
            raise errors[0]

    def remove(self, entry: Entry) -> None:
        """Delete the strays of a create's entry; warn of those that can't be deleted now, and keep them."""
        for error in self._remove(entry):
            self._warn(f"A backup that an interrupted run left could not be deleted.\n  {error}", entry.urn)

    def _remove(self, entry: Entry) -> list[DcsError]:
        if not entry.strays:
            return []
        held = self._session.held_backups(entry.urn)
        if held is None:
            self._warn("What an interrupted run left is not deleted: the stack's state could not be read.", entry.urn)
            return []
        kept: dict[Stray, DcsError] = {}
        for stray in entry.strays:
            try:
                self._remove_one(entry, stray, held)
            except DcsError as error:
                kept[stray] = error
        entry.keep(kept)
        return list(kept.values())

    def _remove_one(self, entry: Entry, stray: Stray, held: frozenset[str]) -> None:
        site = stray.site
        service = self._session.service(site.region, site.project_id)
        if service.place.endpoint != site.endpoint:
            self._warn(
                f"An interrupted run was backing up instance {site.instance_id} at {site.endpoint}, "
                "which the settings name no more: look at its backups there.",
                entry.urn,
            )
            return
        name = f"delete the backup of instance {site.instance_id} that an interrupted run left"
        operation = self._session.operation(name, site.instance_id, DELETE_TIMEOUT)
        backup_id = service.find_left(operation, stray.trail, entry)
        if backup_id is not None and backup_id not in held:
            service.remove(operation, backup_id)
            self._session.host.tell(
                entry.urn, f"Deleted backup {backup_id}, which an interrupted run left.", Severity.INFO
            )

    def _warn(self, message: str, urn: str) -> None:
        self._session.host.tell(urn, message, Severity.WARNING)

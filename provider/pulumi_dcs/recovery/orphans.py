"""Names what killed runs have made and no state holds; nothing is deleted on a guess."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..engine.stack_state import StackState, StackStateUnavailable
from ..engine.urn import resource_name
from ..operations.ownership import Progress
from .evidence import ReadsStackStates, records_in
from .journal import Journal
from .journal_database import Entry
from .journal_format import Scope


@dataclass(frozen=True)
class Found:
    """What the service says of what an entry tells of.

    Attributes:
        record_id: empty if there is none: nothing was made, or it no longer exists.
        description: in words, with id and instance.
        is_certain: whether the service could be asked, and its list was complete.
    """

    record_id: str
    description: str
    is_certain: bool = True


class FindsRecords(Protocol):
    """Asks the service for what an entry tells of."""

    def __call__(self, entry: Entry) -> Found:
        """What has become of it. Raises nothing."""


class Orphans:
    """What the journal knows of a stack and its state does not, named once in a process.

    Args:
        journal: knows what dead runs have left.
        states: reads the saved state.
        find: asks the service.
        inputs_hash: of a pending create's inputs, as the journal has it.
        warn: adds a lasting warning to a resource.
        kind: what it is that is made, as :func:`with_kind` has written it; empty for backups.
        ways_out: says what can be done, from the record's id and the resource's name.
    """

    def __init__(
        self,
        journal: Journal,
        states: ReadsStackStates,
        find: FindsRecords,
        inputs_hash: Callable[[Mapping[str, Any]], str],
        warn: Callable[[str, str], None],
        *,
        ways_out: Callable[[str, str], str],
        kind: str = "",
    ) -> None:
        self._journal = journal
        self._states = states
        self._find = find
        self._inputs_hash = inputs_hash
        self._warn = warn
        self._ways_out = ways_out
        self._kind = kind
        self._lock = threading.Lock()
        self._is_started = False

    def announce(self, scope: Scope, urn: str) -> None:
        """Name them, once, before anything is done.

        What runs have left that ended in good order is most likely in the state: nobody waits for that to be seen.

        Args:
            urn: the resource whose row shows the warnings.
        """
        with self._lock:
            is_first, self._is_started = not self._is_started, True
            if not is_first:
                return
            entries = [each for each in self._journal.left(scope) if kind_of(each.inputs_hash) == self._kind]
            if not entries:
                return
            if all(entry.is_reported for entry in entries):
                threading.Thread(target=self._announce, args=(entries, scope, urn), name="orphans", daemon=True).start()
                return
            # The others wait meanwhile: what is named now can't be taken over before.
            self._announce(entries, scope, urn)

    def _announce(self, entries: list[Entry], scope: Scope, urn: str) -> None:
        try:
            state = self._states.read(urn, scope.organization)
        except StackStateUnavailable as error:
            if all(entry.is_reported for entry in entries):
                return
            self._warn(
                urn,
                f"{len(entries)} create{'s' * (len(entries) > 1)} of earlier runs may have been interrupted; whether "
                f"the stack's state holds what they made could not be read: {error.reason}",
            )
            return
        in_state = records_in(state.resources)
        self._journal.note_all_in_state(list(in_state))
        for entry in entries:
            if self._journal.is_left(entry.number):
                self._see_to(entry, state, in_state, urn)

    def _see_to(self, entry: Entry, state: StackState, in_state: Mapping[str, str], urn: str) -> None:
        if entry.progress.record_id in in_state:
            return
        pending = [each for each in state.pending_creates if each.urn == entry.urn]
        if sum(self._inputs_hash(each.inputs) == entry.inputs_hash for each in pending) > entry.interrupted:
            self._journal.note_known_to_engine(entry.number, entry.run)
        elif not pending and entry.is_known_to_engine and not entry.is_unresolved:
            # Saved and given up since, or cleared by the user: an entry that is out of date.
            self._journal.drop_left(entry.number)
            return
        if entry.progress == Progress():
            return
        found = self._find(entry)
        if not found.record_id and found.is_certain:
            # Kept for as long as its create is pending: that it has made nothing tells whose a backup is that fits.
            self._journal.note_nothing_made(entry.number)
            return
        if found.record_id in in_state:
            return
        name = resource_name(entry.urn)
        ending = "\n  `pulumi refresh --clear-pending-creates` ends this message." if pending else ""
        self._warn(
            urn,
            f"Orphan: {found.description}, made for {name!r} by a run that was interrupted. No state holds it.\n"
            f"  {self._ways_out(found.record_id, name)}{ending}",
        )


def with_kind(kind: str, inputs_hash: str) -> str:
    """The hash of a create's inputs as the journal keeps it, which tells what is made; backups are written without."""
    return f"{kind}:{inputs_hash}" if kind else inputs_hash


def kind_of(inputs_hash: str) -> str:
    """What is made, by the hash that the journal has kept; empty for a backup."""
    kind, colon, _ = inputs_hash.rpartition(":")
    return kind if colon else ""

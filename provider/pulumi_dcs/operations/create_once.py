"""Takes a backup, exactly one, whatever happens to the request and its answer."""

from __future__ import annotations

from typing import Final

from ..api import retries
from ..api.client import DcsClient
from ..api.error_codes import BUSY
from ..api.errors import (
    CancelledError,
    DcsError,
    InstanceBusyError,
    NoAnswerError,
    ServiceError,
    ThrottledError,
    TimedOutError,
    UnreadableAnswerError,
)
from ..api.parsing import BackupRecord
from .operation import Operation, in_words
from .ownership import Ownership
from .polling import next_look
from .record_cache import BackupLists, Snapshot

LOOKS_FOR_A_LOST_ONE: Final = (0.0, 0.5, 1.0, 2.0)
"""Seconds before each look at the list after a lost answer: the record may come a little late."""
MOST_LOST_POSTS: Final = 4
"""How many answers may be lost, one after another, before we give up."""
LONGEST_PAUSE: Final = 15.0
"""Seconds between two tries while the instance is busy or can't be reached."""
LONGEST_TRUST_IN_A_RECORD: Final = 60.0
"""Seconds after which the instance is asked again, even if its list still shows a running backup."""


class Taking:
    """One create on its way from "a backup is wanted" to "this is its id".

    Args:
        ownership: what it asks for, and what it can prove.
    """

    def __init__(
        self,
        client: DcsClient,
        lists: BackupLists,
        operation: Operation,
        ownership: Ownership,
    ) -> None:
        self._client = client
        self._lists = lists
        self._operation = operation
        self._ownership = ownership
        self._trouble: DcsError | None = None
        self._lost_posts = 0
        self._failed_connections = 0
        self._unreached_since = 0.0
        self._busy_since: float | None = None

    def run(self) -> str:
        """Have a backup begun, or find the one that an interrupted run began; its ``backup_id``.

        Raises:
            DcsError: nothing was made, or the error says that this is not known.
        """
        try:
            return self._take()
        except (TimedOutError, CancelledError) as error:
            if (found := self._last_look()) is not None:
                return self._ours(found.backup_id)
            if self._trouble is not None:
                error.facts = (*error.facts, self._trouble.summary, *self._trouble.facts)
                error.advice = error.advice or self._trouble.advice
            self._add_fate(error)
            raise
        except DcsError as error:
            self._add_fate(error)
            raise

    def _take(self) -> str:
        snapshot = self._lists.look(self._operation)
        found = self._ownership.left_behind(snapshot.records.values(), snapshot.service_time)
        if found is None and self._ownership.is_outstanding:
            found, snapshot = self._find_lost()
        if found is not None:
            self._operation.say(f"going on with backup {found.backup_id} of an interrupted run")
            return self._ours(found.backup_id)
        suspects = self._ownership.suspects(snapshot.records.values())
        self._ownership.see(snapshot.records.values())
        while True:
            self._operation.go_on()
            self._ownership.sending(snapshot.by_service_clock(self._operation.clock.monotonic()))
            try:
                backup_id = self._ours(self._post())
            except InstanceBusyError as error:
                found, snapshot = self._after_busy(error)
            except ThrottledError as error:
                self._trouble = error
                self._ownership.refused()
                self._operation.say(f"{error.summary} Trying again in {in_words(max(1.0, error.retry_after or 1.0))}.")
                continue
            except NoAnswerError as error:
                if not error.sent:
                    self._after_no_connection(error)
                    continue
                found, snapshot = self._after_lost_answer(error, snapshot)
            except UnreadableAnswerError as error:
                found, snapshot = self._after_lost_answer(error, snapshot)
            except DcsError:
                self._ownership.refused()
                raise
            else:
                self._warn_of(suspects)
                return backup_id
            self._failed_connections = 0
            if found is not None:
                return self._ours(found.backup_id)

    def _post(self) -> str:
        return self._client.create_backup(self._operation, self._ownership.remark, self._ownership.backup_format)

    def _warn_of(self, suspects: set[str]) -> None:
        for backup_id in sorted(suspects):
            self._operation.warn(
                f"Backup {backup_id} of instance {self._operation.instance_id} was under way when this run began, "
                "with the same remark.\n  If a killed run has left it, no state holds it: delete it, "
                "or take it over with adopt_backup_id."
            )

    def _after_busy(self, error: InstanceBusyError) -> tuple[BackupRecord | None, Snapshot]:
        """Pause until it is worth trying again; or the backup of a lost POST, if that is what keeps it busy."""
        self._trouble = error
        self._ownership.refused()
        operation = self._operation
        began = operation.elapsed
        self._busy_since = began if self._busy_since is None else self._busy_since
        while True:
            waited = operation.elapsed - self._busy_since
            what = BUSY[error.error_code]
            operation.say(f"the instance is {what} ({error.error_code}); waiting, {in_words(waited)}")
            pause = min(next_look(waited), LONGEST_PAUSE)
            operation.pause(pause)
            snapshot = self._look(max_age=pause / 4)
            self._ownership.see(snapshot.records.values())
            found = self._ownership.find(snapshot.records.values())
            is_running = any(record.status.is_running for record in snapshot.records.values())
            if found or not is_running or operation.elapsed - began > LONGEST_TRUST_IN_A_RECORD:
                return found, snapshot

    def _after_no_connection(self, error: NoAnswerError) -> None:
        self._trouble = error
        self._ownership.refused()
        if not self._failed_connections:
            self._unreached_since = self._operation.elapsed
        self._failed_connections += 1
        if not error.can_pass or self._operation.elapsed - self._unreached_since > retries.UNREACHABLE_PATIENCE:
            raise error
        self._operation.say(f"{error.summary} Trying again.")
        self._operation.pause(min(0.25 * 2 ** min(self._failed_connections, 6), LONGEST_PAUSE))

    def _after_lost_answer(self, error: DcsError, before: Snapshot) -> tuple[BackupRecord | None, Snapshot]:
        self._trouble = error
        self._ownership.lost(before.by_service_clock(self._operation.clock.monotonic()))
        self._lost_posts += 1
        self._operation.say("The answer to the request was lost; looking whether the backup was begun.")
        found, snapshot = self._find_lost()
        if found is None and self._lost_posts >= MOST_LOST_POSTS:
            raise error
        return found, snapshot

    def _find_lost(self) -> tuple[BackupRecord | None, Snapshot]:
        """The backup that a lost POST made, if it did; looking more than once, since its record may come late."""
        found, snapshot, refusal = None, None, None
        for pause in LOOKS_FOR_A_LOST_ONE:
            self._operation.pause(pause)
            try:
                snapshot = self._look()
            except ServiceError as error:
                # What decides over a second backup is not left undecided for one refusal.
                refusal = error
                continue
            if (found := self._ownership.find(snapshot.records.values())) is not None:
                break
        if snapshot is None:
            assert refusal is not None
            raise refusal
        return found, snapshot

    def _look(self, max_age: float = 0.0) -> Snapshot:
        """The list, however long it takes to get it: without it nothing can be decided."""
        return self._lists.look(self._operation, max_age=max_age, patience=self._operation.remaining)

    def _last_look(self) -> BackupRecord | None:
        if not self._ownership.is_outstanding:
            return None
        try:
            return self._ownership.find(self._lists.look(self._operation, patience=0.0).records.values())
        except DcsError:
            return None

    def _ours(self, backup_id: str) -> str:
        self._ownership.made(backup_id)
        return backup_id

    def _add_fate(self, error: DcsError) -> None:
        if self._ownership.is_outstanding:
            error.add_fact("an answer was lost on the way: whether a backup was begun is not known")
            error.advice = (
                "run `pulumi up` again: it takes the backup over if it can prove that it is this one; "
                "else look at the instance's backups (adopt_backup_id takes one over)."
            )
        else:
            error.add_fact("no backup was begun")

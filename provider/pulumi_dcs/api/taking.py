"""Takes a backup, exactly one, whatever happens to the request and its answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from . import retries
from .client import DcsClient
from .error_codes import BUSY
from .errors import (
    CancelledError,
    DcsError,
    InstanceBusyError,
    NoAnswerError,
    ThrottledError,
    TimedOutError,
    UnreadableAnswerError,
)
from .listing import BackupLists, Snapshot
from .models import BackupFormat, BackupRecord
from .operation import Operation, in_words
from .ownership import Claims, LostPost
from .pace import next_look

LOOKS_FOR_A_LOST_ONE: Final = (0.0, 0.5, 1.0, 2.0)
"""Seconds before each look at the list after a lost answer: the record may come a little late."""
MOST_LOST_POSTS: Final = 4
"""How many answers may be lost, one after another, before we give up."""
LONGEST_BUSY_PAUSE: Final = 15.0
LONGEST_TRUST_IN_A_RECORD: Final = 60.0
"""Seconds after which the instance is asked again, even if its list still shows a running backup."""


class BackupTaker:
    """Has the service begin one backup for each call of :meth:`take`."""

    def __init__(self, client: DcsClient, lists: BackupLists, claims: Claims) -> None:
        self._client = client
        self._lists = lists
        self._claims = claims

    def take(self, operation: Operation, remark: str, backup_format: BackupFormat | None) -> str:
        """Have a backup begun; its ``backup_id``.

        It is not finished then: see ``waiting``.

        Raises:
            DcsError: nothing was made, or the error says that this is not known.
        """
        post = LostPost(remark, backup_format, self._claims)
        trouble: DcsError | None = None
        lost = unreached = 0
        busy_since: float | None = None
        unreached_since = operation.elapsed
        try:
            snapshot = self._lists.look(operation)
            post.not_ours(snapshot.records.values())
            while True:
                sent_at = operation.clock.monotonic()
                try:
                    return self._claimed(self._client.create_backup(operation, remark, backup_format))
                except InstanceBusyError as error:
                    trouble = error
                    busy_since = operation.elapsed if busy_since is None else busy_since
                    found, snapshot = self._wait_while_busy(operation, post, error, operation.elapsed - busy_since)
                except ThrottledError as error:
                    trouble = error
                    operation.say(f"{error.summary} Trying again in {in_words(max(1.0, error.retry_after or 1.0))}.")
                    found = None
                except (NoAnswerError, UnreadableAnswerError) as error:
                    trouble = error
                    if isinstance(error, NoAnswerError) and not error.sent:
                        unreached = unreached + 1
                        since = operation.elapsed - unreached_since
                        if not error.can_pass or since > retries.UNREACHABLE_PATIENCE:
                            raise
                        operation.say(f"{error.summary} Trying again.")
                        operation.pause(min(0.25 * 2 ** min(unreached, 6), 15.0))
                        continue
                    lost += 1
                    post.lost(_by_service_clock(snapshot, sent_at))
                    operation.say("The answer to the request was lost; looking whether the backup was begun.")
                    found, snapshot = self._find_lost(operation, post)
                    if found is None and lost >= MOST_LOST_POSTS:
                        raise
                unreached_since = operation.elapsed
                if found is not None:
                    return self._claimed(found.backup_id)
        except (TimedOutError, CancelledError) as error:
            if (found := self._last_look(operation, post)) is not None:
                return self._claimed(found.backup_id)
            if trouble is not None:
                error.facts = (*error.facts, trouble.summary, *trouble.facts)
                error.advice = error.advice or trouble.advice
            raise self._with_fate(error, post) from None
        except DcsError as error:
            raise self._with_fate(error, post) from error.__cause__

    def _wait_while_busy(
        self, operation: Operation, post: LostPost, busy: InstanceBusyError, waited: float
    ) -> tuple[BackupRecord | None, Snapshot]:
        """Pause until it is worth trying again; what a lost POST of ours made, if that is what keeps it busy."""
        began_waiting = operation.elapsed
        while True:
            what = BUSY.get(busy.error_code, "busy")
            operation.say(f"the instance is {what} ({busy.error_code}); waiting, {in_words(waited)}")
            began = operation.elapsed
            pause = min(next_look(waited), LONGEST_BUSY_PAUSE)
            operation.pause(pause)
            snapshot = self._look(operation, max_age=pause / 4)
            if (found := self._settled(post, snapshot)) is not None:
                return found, snapshot
            waited += operation.elapsed - began
            is_running = any(record.status.is_running for record in snapshot.records.values())
            if not is_running or operation.elapsed - began_waiting > LONGEST_TRUST_IN_A_RECORD:
                return None, snapshot

    def _find_lost(self, operation: Operation, post: LostPost) -> tuple[BackupRecord | None, Snapshot]:
        """The backup that a lost POST made, if it did; looking more than once, since its record may come late."""
        for pause in LOOKS_FOR_A_LOST_ONE:
            operation.pause(pause)
            snapshot = self._look(operation)
            if (found := post.find(snapshot.records.values())) is not None:
                break
        return found, snapshot

    def _look(self, operation: Operation, max_age: float = 0.0) -> Snapshot:
        """The list, however long it takes to get it: without it nothing can be decided."""
        return self._lists.look(operation, max_age=max_age, patience=operation.remaining)

    def _last_look(self, operation: Operation, post: LostPost) -> BackupRecord | None:
        if not post.is_outstanding:
            return None
        try:
            return post.find(self._lists.look(operation, patience=0.0).records.values())
        except DcsError:
            return None

    def _settled(self, post: LostPost, snapshot: Snapshot) -> BackupRecord | None:
        if not post.is_outstanding:
            post.not_ours(snapshot.records.values())
            return None
        return post.find(snapshot.records.values())

    def _claimed(self, backup_id: str) -> str:
        self._claims.claim(backup_id)
        return backup_id

    @staticmethod
    def _with_fate(error: DcsError, post: LostPost) -> DcsError:
        if post.is_outstanding:
            error.add_fact("an answer was lost on the way: whether a backup was begun is not known")
            error.advice = "look at the instance's backups; one that was begun can be taken over with adopt_backup_id."
        else:
            error.add_fact("no backup was begun")
        return error


def _by_service_clock(snapshot: Snapshot, moment: float) -> datetime | None:
    """When something was done here, by the clock that the records' times are from."""
    if snapshot.service_time is None:
        return None
    return snapshot.service_time + timedelta(seconds=moment - snapshot.asked_at)

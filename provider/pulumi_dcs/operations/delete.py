"""Removes a backup; done when it is gone, however often it is asked for."""

from __future__ import annotations

from typing import Final

from ..api.client import DcsClient
from ..api.error_codes import BACKUP_GONE, BUSY
from ..api.errors import (
    CancelledError,
    DcsError,
    InstanceBusyError,
    NoAnswerError,
    NotFoundError,
    ServiceError,
    ThrottledError,
    TimedOutError,
    UnreadableAnswerError,
)
from ..api.parsing import BackupRecord
from .operation import Operation, in_words
from .polling import next_look
from .record_cache import BackupLists

PATIENCE: Final = 120.0
"""Seconds for which a delete is tried again while the service can't be reached or fails."""
_MOST_CONTRADICTIONS: Final = 3


def find_backup(
    lists: BackupLists, operation: Operation, backup_id: str, *, max_age: float = 0.0
) -> BackupRecord | None:
    """The backup's record; None where it is gone, because it was deleted, has expired, or its instance was deleted.

    Raises:
        DcsError: it could not be found out. Never taken for "gone".
    """
    try:
        record = lists.look(operation, max_age=max_age).get(backup_id)
    except NotFoundError as error:
        # Anything can answer 404, a wrong endpoint above all; only DCS itself knows its instances.
        if not error.error_code.startswith("DCS."):
            raise
        return None
    return None if record is None or record.status.is_gone else record


def remove_backup(client: DcsClient, lists: BackupLists, operation: Operation, backup_id: str) -> None:
    """Delete the backup, and see that it is gone where the service's answer leaves that open.

    Raises:
        DcsError: it still exists, or that could not be found out.
    """
    trouble: DcsError | None = None
    contradictions = 0
    try:
        while True:
            try:
                client.delete_backup(operation, backup_id)
            except InstanceBusyError as error:
                trouble = error
                what = BUSY[error.error_code]
                operation.say(f"the instance is {what} ({error.error_code}); waiting, {in_words(operation.elapsed)}")
            except ThrottledError as error:
                trouble = error
                continue
            except (NoAnswerError, UnreadableAnswerError) as error:
                if (isinstance(error, NoAnswerError) and not error.can_pass) or operation.elapsed > PATIENCE:
                    raise
                trouble = error
                operation.say(f"{error.summary} Trying again.")
            except ServiceError as error:
                record = find_backup(lists, operation, backup_id)
                if record is None:
                    break
                if record.status.is_final:
                    contradictions += 1
                    is_said_to_be_gone = isinstance(error, NotFoundError) or error.error_code == BACKUP_GONE
                    if not is_said_to_be_gone or contradictions >= _MOST_CONTRADICTIONS:
                        error.add_fact(f"backup {backup_id} is still in the instance's list")
                        raise
                trouble = error
                operation.say("the backup is still being made; it is deleted when it is finished")
            else:
                break
            operation.pause(min(next_look(operation.elapsed), 15.0))
    except (TimedOutError, CancelledError) as error:
        if trouble is not None:
            error.facts = (*error.facts, trouble.summary, *trouble.facts)
        error.add_fact("the backup stays in the state; the next run deletes it")
        raise
    finally:
        lists.forget(operation.instance_id)

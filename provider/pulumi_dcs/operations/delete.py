"""Finds a record, and deletes one; done when it is gone, however often it is asked for."""

from __future__ import annotations

from enum import Enum
from typing import Final, Generic

from ..api import retries
from ..api.error_codes import BACKUP_GONE
from ..api.errors import (
    ConnectionFailed,
    DcsError,
    InstanceBusyError,
    NotFoundError,
    ServiceError,
    ThrottledError,
    UnexpectedResponse,
)
from ..api.instances import is_instance_gone
from .busy import MAX_BUSY_DELAY, busy_message
from .errors import CancelledError, DeleteFailedError, OperationError, TimedOutError, facts_of
from .operation import Operation
from .polling import next_poll_delay
from .record_cache import RecordCache
from .records import OpenApi, R, RecordKind

RETRY_TIMEOUT: Final = 120.0
"""Seconds for which a delete is tried again while the service can't be reached or fails."""
_MAX_CONTRADICTIONS: Final = 3
"""How often the service may say that a record is gone which its list still has, before that is an error: a deleted
record stays listed for a while."""


def find(
    cache: RecordCache[R],
    operation: Operation,
    instance_id: str,
    record_id: str,
    *,
    max_age: float = 0.0,
    missing_timeout: float = 0.0,
) -> R | None:
    """The record; None where it is gone, because it was deleted, has expired, or its instance no longer exists.

    Args:
        max_age: seconds for which a list may be used again.
        missing_timeout: seconds for which the record may be missing before that is believed; for records that the
            list may not have yet.

    Raises:
        IncompleteListError: the record is missing from a list that proves nothing.
        DcsError: it could not be found out. Never taken for "gone".
    """
    since = operation.elapsed
    while True:
        try:
            snapshot = cache.list(operation, instance_id, max_age=max_age)
        except ServiceError as error:
            if not is_instance_gone(error):
                raise
            return None
        record = snapshot.records.get(record_id)
        if record is not None:
            return None if record.is_gone else record
        missing_for = operation.elapsed - since
        if snapshot.is_complete and missing_for >= missing_timeout:
            return None
        if missing_for >= missing_timeout:
            if cache.list_completely(operation, instance_id).records.get(record_id) is None:
                return None
            continue
        operation.pause(next_poll_delay(missing_for))
        max_age = 0.0


class _Outcome(Enum):
    """What one try has come to."""

    GONE = "gone"
    AGAIN = "again"
    AGAIN_AT_ONCE = "again at once"


class Delete(Generic[R]):
    """Deletes one record, and sees that it is gone where the service's response leaves that open."""

    def __init__(
        self,
        kind: RecordKind,
        cache: RecordCache[R],
        open_api: OpenApi[R],
        operation: Operation,
        *,
        instance_id: str,
        record_id: str,
    ) -> None:
        self._kind = kind
        self._cache = cache
        self._open_api = open_api
        self._operation = operation
        self._instance_id = instance_id
        self._record_id = record_id
        self._contradictions = 0
        self._last_failure: DcsError | None = None

    def run(self) -> None:
        """Delete it.

        Raises:
            DeleteFailedError: it still exists, or that could not be found out.
            TimedOutError, CancelledError: likewise, for these reasons.
        """
        try:
            self._run()
        except (TimedOutError, CancelledError) as error:
            facts = (*error.facts, *facts_of(self._last_failure))
            raise type(error)(error.summary, facts=facts, advice=error.advice) from error
        except OperationError:
            raise
        except DcsError as error:
            raise DeleteFailedError(error.summary, facts=error.facts, advice=error.advice) from error
        finally:
            self._cache.forget(self._instance_id)

    def _run(self) -> None:
        while True:
            outcome = self._try()
            if outcome is _Outcome.GONE:
                return
            delay = next_poll_delay(self._operation.elapsed) if outcome is _Outcome.AGAIN else 0.0
            self._operation.pause(min(delay, MAX_BUSY_DELAY))

    def _try(self) -> _Outcome:
        """Send the request once."""
        try:
            self._open_api(self._operation.pause).delete(self._instance_id, self._record_id)
        except InstanceBusyError as error:
            return self._again(error, busy_message(error, self._operation.elapsed))
        except ThrottledError as error:
            # The client waits by itself until the service wants to hear from us again.
            self._last_failure = error
            return _Outcome.AGAIN_AT_ONCE
        except (ConnectionFailed, UnexpectedResponse) as error:
            if not retries.is_transient(error) or self._operation.elapsed > RETRY_TIMEOUT:
                raise
            return self._again(error, f"{error.summary} Trying again.")
        except ServiceError as error:
            return self._after_refusal(error)
        return _Outcome.GONE

    def _again(self, error: DcsError, message: str) -> _Outcome:
        self._last_failure = error
        self._operation.report_progress(message)
        return _Outcome.AGAIN

    def _after_refusal(self, error: ServiceError) -> _Outcome:
        """What the list says of a record that the service refuses to delete."""
        record = find(self._cache, self._operation, self._instance_id, self._record_id)
        if record is None:
            return _Outcome.GONE
        if record.is_running:
            return self._again(error, f"the {self._kind.noun} is still being made; it is deleted when it is finished")
        self._contradictions += 1
        is_said_to_be_gone = isinstance(error, NotFoundError) or error.error_code == BACKUP_GONE
        if is_said_to_be_gone and self._contradictions < _MAX_CONTRADICTIONS:
            self._last_failure = error
            return _Outcome.AGAIN
        raise DeleteFailedError(
            error.summary,
            facts=(*error.facts, f"{self._kind.noun} {self._record_id} is still in the instance's list"),
            advice=error.advice,
        ) from error

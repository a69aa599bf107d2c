"""What can go wrong with an operation, beyond what a single request can meet.

    DcsError (pulumi_dcs.api.errors)
    └── OperationError
        ├── RecordNotFoundError      there is no such record
        ├── RecordFailedError        DCS reports that what the record stands for failed
        ├── RecordGoneError          the record disappeared while its end was waited for
        ├── CredentialsRefusedError  DCS keeps refusing the credentials while a record is waited for
        ├── IncompleteListError      a list contradicts its own total, so that it proves no absence
        ├── TimedOutError            the operation's timeout passed
        ├── CancelledError           the deployment was cancelled
        ├── UncertainOwnershipError  it can't be proved whether an interrupted run made this already
        ├── CreateFailedError        nothing was started, or it is not known whether something was
        ├── DeleteFailedError        the record still exists, or that is not known
        └── DownloadFailedError      a file can't be written, or does not come as it should

Each is complete when raised: its summary, facts and advice stay as they are. A boundary that knows more raises an error
of its own from it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..api.errors import DcsError


class OperationError(DcsError):
    """Base of the errors of operations."""


class RecordNotFoundError(OperationError):
    """There is no such record."""


class RecordFailedError(OperationError):
    """DCS reports that what the record stands for failed.

    Attributes:
        record_id: the record.
        error_code: the record's own code such as ``dcs.08.0002``, or ``""``.
        is_documented: whether the record says so in a documented status, so that its file is certainly of no use.
    """

    def __init__(
        self,
        summary: str,
        *,
        record_id: str = "",
        error_code: str = "",
        is_documented: bool = True,
        facts: Sequence[str] = (),
        advice: str = "",
    ) -> None:
        super().__init__(summary, facts=facts, advice=advice)
        self.record_id = record_id
        self.is_documented = is_documented
        self.error_code = error_code


class RecordGoneError(OperationError):
    """The record disappeared (deleted, expired or pushed out) while its end was waited for."""


class CredentialsRefusedError(OperationError):
    """DCS keeps refusing the credentials while a record is waited for."""


class IncompleteListError(OperationError):
    """A list contradicts its own total, however often it is read: what is missing in it may exist.

    Attributes:
        instance_id: whose records were listed.
    """

    def __init__(self, instance_id: str) -> None:
        super().__init__(
            f"DCS sends an incomplete list for instance {instance_id}.",
            facts=["it has fewer rows than its own total says; what is missing in it may exist all the same"],
            advice="try again later; if it persists, ask the service's support.",
        )
        self.instance_id = instance_id


class TimedOutError(OperationError):
    """The operation's timeout passed before it was finished."""


class CancelledError(OperationError):
    """The deployment was cancelled before the operation was finished."""


class UncertainOwnershipError(OperationError):
    """It can't be proved whether an interrupted run made what is asked for: nothing was sent."""


class CreateFailedError(OperationError):
    """A create ended without a record.

    Attributes:
        is_outcome_known: whether it is certain that nothing was started.
    """

    def __init__(self, summary: str, *, is_outcome_known: bool, facts: Sequence[str] = (), advice: str = "") -> None:
        super().__init__(summary, facts=facts, advice=advice)
        self.is_outcome_known = is_outcome_known


class DeleteFailedError(OperationError):
    """A record was not deleted, or whether it was is not known."""


class DownloadFailedError(OperationError):
    """A file was not downloaded. Under its final name there is what was there before, or nothing."""


def facts_of(error: DcsError | None) -> tuple[str, ...]:
    """An error as facts of another one: its summary, then its own facts; none where there is no error."""
    return (error.summary, *error.facts) if error is not None else ()

"""What can go wrong between us and DCS: one exception for each kind, each a complete diagnostic.

    DcsError
    ├── SettingsError            a setting is missing or wrong (raised by pulumi_dcs.settings)
    ├── ServiceError             the service, or a gateway in front of it, answered with an error
    │   ├── AuthenticationError      401 or 403
    │   ├── NotFoundError            404
    │   ├── InstanceBusyError        400 with one of the codes that pass when the instance is free again
    │   ├── ThrottledError           429
    │   └── UnreadableAnswerError    5xx, or an answer that is not what the API page says
    ├── NoAnswerError            no answer at all: no connection, TLS, a lost connection, a time-out
    ├── BackupNotFoundError      the instance has no such backup
    ├── BackupFailedError        DCS reports that the backup failed
    ├── BackupGoneError          the backup disappeared while we waited for it
    ├── TimedOutError            the operation's timeout passed
    └── CancelledError           the deployment was cancelled

``str()`` of each is what the user of ``pulumi up`` reads: what happened, the facts, what to do.
"""

from __future__ import annotations

from collections.abc import Sequence


class DcsError(Exception):
    """Base of every error of this package: a summary, the facts behind it, and what to do about it."""

    def __init__(self, summary: str, *, facts: Sequence[str] = (), advice: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.facts = tuple(facts)
        self.advice = advice

    def add_fact(self, fact: str) -> None:
        """Tell one thing more."""
        self.facts = (*self.facts, fact)

    def __str__(self) -> str:
        lines = [self.summary, *self.facts]
        if self.advice:
            lines.append(f"What to do: {self.advice}")
        return "\n  ".join(lines)


class SettingsError(DcsError):
    """A setting is missing, or has a value that can't be used."""


class ServiceError(DcsError):
    """DCS (or a gateway in front of it) answered with an error.

    Attributes:
        http_status: the HTTP status code.
        error_code: the service's own code such as ``DCS.4086``, or ``""`` where the answer carried none.
        error_msg: the service's own message, cut to a readable length, or ``""``.
        request_id: the value of the ``X-Request-Id`` header, or ``""``.
    """

    def __init__(
        self,
        summary: str,
        *,
        http_status: int,
        error_code: str = "",
        error_msg: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        facts: Sequence[str] = (),
        advice: str = "",
    ) -> None:
        super().__init__(summary, facts=facts, advice=advice)
        self.http_status = http_status
        self.error_code = error_code
        self.error_msg = error_msg
        self.request_id = request_id
        self.retry_after = retry_after


class AuthenticationError(ServiceError):
    """401 or 403: the credentials are wrong, expired, or not allowed to do this."""


class NotFoundError(ServiceError):
    """404: no such instance, backup or project."""


class InstanceBusyError(ServiceError):
    """400 with a code that passes by itself once the instance has finished what it is doing."""


class ThrottledError(ServiceError):
    """429: too many requests. ``retry_after`` holds the seconds that the service asked for, if it did."""


class UnreadableAnswerError(ServiceError):
    """5xx, or an answer of another shape than documented. Whether the request was carried out is unknown."""


class NoAnswerError(DcsError):
    """No answer came.

    Attributes:
        sent: whether the service may have received the request. False proves that it did not.
        can_pass: whether trying again makes sense (a certificate that fails verification stays wrong).
    """

    def __init__(
        self,
        summary: str,
        *,
        sent: bool,
        can_pass: bool = True,
        facts: Sequence[str] = (),
        advice: str = "",
    ) -> None:
        super().__init__(summary, facts=facts, advice=advice)
        self.sent = sent
        self.can_pass = can_pass


class BackupNotFoundError(DcsError):
    """The instance has no backup of that id."""


class BackupFailedError(DcsError):
    """DCS reports the backup as failed.

    Attributes:
        error_code: the record's own code such as ``dcs.08.0002``, or ``""``.
    """

    def __init__(self, summary: str, *, error_code: str, facts: Sequence[str] = (), advice: str = "") -> None:
        super().__init__(summary, facts=facts, advice=advice)
        self.error_code = error_code


class BackupGoneError(DcsError):
    """The backup disappeared (deleted, expired or pushed out) while we waited for it."""


class TimedOutError(DcsError):
    """The operation's timeout passed before it was finished."""


class CancelledError(DcsError):
    """The deployment was cancelled before the operation was finished."""

"""What can go wrong between us and the service: one exception for each kind, each a complete diagnostic.

    DcsError
    ├── ServiceError                 the service, or a gateway in front of it, responded with an error
    │   ├── AuthenticationError      401 or 403
    │   ├── NotFoundError            404
    │   ├── InstanceBusyError        a code that passes when the instance is free again
    │   ├── ThrottledError           429
    │   └── UnexpectedResponse       5xx, or a response that is not what the API page says
    ├── ConnectionFailed             no response: no connection, TLS, proxy, a lost connection, a time-out
    └── CredentialsUnavailable       there are no usable credentials at this moment; nothing was sent

``str()`` of each says what happened, the facts, and what to do. They are complete when they are raised: nobody
changes them on their way. Whoever knows more raises an exception of its own from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

E = TypeVar("E", bound="DcsError")


class DcsError(Exception):
    """Base of every error of this package: a summary, the facts behind it, and what to do about it."""

    summary: str
    facts: tuple[str, ...]
    advice: str

    def __init__(self, summary: str, *, facts: Sequence[str] = (), advice: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.facts = tuple(facts)
        self.advice = advice

    def __setattr__(self, name: str, value: object) -> None:
        # What Python itself sets (__traceback__, __notes__ …) has to stay open.
        if name in self.__dict__ and not name.startswith("__"):
            raise AttributeError(f"{type(self).__name__}.{name} is set once, when the error is made")
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions with keyword arguments can't be copied by Python's own way.
        return _copy_of, (type(self), self.args, dict(self.__dict__))

    def with_facts(self, *facts: str, advice: str = "") -> Self:
        """A copy that tells more, to be raised in its place (``raise error.with_facts(…) from error``)."""
        return _copy_of(
            type(self),
            self.args,
            {**self.__dict__, "facts": (*self.facts, *facts), "advice": advice or self.advice},
        )

    def __str__(self) -> str:
        lines = [self.summary, *self.facts]
        if self.advice:
            lines.append(f"What to do: {self.advice}")
        return "\n  ".join(lines)


def _copy_of(kind: type[E], args: tuple[object, ...], attributes: dict[str, object]) -> E:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class ServiceError(DcsError):
    """The service (or a gateway in front of it) responded with an error.

    Attributes:
        http_status: the HTTP status code.
        error_code: the service's own code such as ``DCS.4086``, or ``""`` where the response carried none.
        error_msg: the service's own message, cut to a readable length, or ``""``.
        request_id: the value of the ``X-Request-Id`` header, or ``""``.
        retry_after: the seconds that the service wants us to wait; None where it named none.
    """

    http_status: int
    error_code: str
    error_msg: str
    request_id: str
    retry_after: float | None

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
    """404: no such instance, backup or project, or no such URL."""


class InstanceBusyError(ServiceError):
    """A code that passes by itself once the instance has finished what it is doing. The request had no effect."""


class ThrottledError(ServiceError):
    """429: too many requests. ``retry_after`` holds the seconds until the next request may leave."""


class UnexpectedResponse(ServiceError):
    """5xx, or a response of another shape than documented. Whether the request was carried out is unknown."""


class ConnectionFailed(DcsError):
    """No response came.

    Attributes:
        sent: whether the service may have received the request. False proves that it did not.
        is_transient: whether trying again makes sense (a certificate that fails verification stays wrong).
    """

    sent: bool
    is_transient: bool

    def __init__(
        self, summary: str, *, sent: bool, is_transient: bool = True, facts: Sequence[str] = (), advice: str = ""
    ) -> None:
        super().__init__(summary, facts=facts, advice=advice)
        self.sent = sent
        self.is_transient = is_transient


class CredentialsUnavailable(DcsError):
    """The source of the credentials gave none that can be used. Nothing was sent.

    Attributes:
        is_transient: whether trying again makes sense: a server's metadata may be back in a moment.
    """

    is_transient: bool

    def __init__(
        self, summary: str, *, is_transient: bool = False, facts: Sequence[str] = (), advice: str = ""
    ) -> None:
        super().__init__(summary, facts=facts, advice=advice)
        self.is_transient = is_transient

"""Sends one request to one location; every failure is one of ``errors``.

Nothing is sent twice here: what may be repeated, and when, is decided in ``retries`` and by those who call.
"""

from __future__ import annotations

import platform
import threading
from typing import Final

from .clock import Clock, Pause
from .credentials import Credentials, CredentialSource
from .error_response import describe, error_from, is_throttled, named_wait, redaction
from .errors import CredentialsUnavailable, DcsError, ServiceError
from .location import Location
from .messages import Request, Response
from .rate_limit import RateLimit
from .signing import RequestSigner
from .transport import Transport


class Client:
    """Speaks to one location, from any number of threads.

    Args:
        credentials: asked before each request.
        version: this package's, for the User-Agent.
        service: what responds there, for messages.

    Raises:
        ConnectionFailed: the environment names a proxy or certificates that can't be used.
    """

    def __init__(
        self,
        location: Location,
        credentials: CredentialSource,
        clock: Clock,
        version: str = "0",
        *,
        service: str = "DCS",
    ) -> None:
        self.location: Final = location
        self.clock: Final = clock
        self._credentials = credentials
        self._service = service
        self._rate_limit = RateLimit(clock)
        self._lock = threading.Lock()
        self._secrets: frozenset[str] = frozenset()
        agent = f"pulumi-dcs/{version} python/{platform.python_version()}"
        self._transport = Transport(location.endpoint, clock, agent, service)

    @property
    def spacing(self) -> float:
        """Seconds that the service wants between two requests; 0 while it does not care."""
        return self._rate_limit.spacing

    def send(
        self, request: Request, *, action: str, expected: tuple[int, ...] = (200,), pause: Pause | None = None
    ) -> Response:
        """Send the request once, as soon as the rate limit allows, and return the expected response.

        Args:
            action: what is asked for, to follow "to": ``back up instance 9ca3…``.
            expected: the HTTP statuses that mean success.
            pause: sleeps until the request may leave; raises when the operation has to end. The clock's by default.

        Raises:
            ServiceError: the response was another.
            ConnectionFailed: there was none.
            CredentialsUnavailable: nothing was sent.
        """
        leaves_at = self.clock.monotonic() + self._rate_limit.reserve()
        while (wait := leaves_at - self.clock.monotonic()) > 0:
            (pause or self.clock.sleep)(wait)
        signer = RequestSigner(self._current_credentials(), self.clock, self.location.project_id)
        attempt = f"tried to {action}: {describe(request, self.location.region)}"
        response = self._transport.exchange(request, signer, attempt=attempt)
        # An expected status rules out a refusal: the body need not be searched for one.
        if response.status not in expected and is_throttled(response):
            wait = self._rate_limit.refused(named_wait(response))
            raise self._error(response, request, action, retry_after=wait)
        self._rate_limit.accepted()
        if response.status in expected and response.is_complete:
            return response
        raise self._error(response, request, action)

    def hide(self, secret: str) -> None:
        """Let no error of this client show a text from now on, even where the service sends it back."""
        if secret:
            with self._lock:
                self._secrets |= {secret}

    def redacted(self, text: str) -> str:
        """A text that the service sent, without what is to be hidden."""
        return redaction(self._secrets)(text)

    def unexpected(self, response: Response, request: Request, *, action: str) -> ServiceError:
        """The error for a response with an expected status, but not what the API page says."""
        return self._error(response, request, action)

    def _current_credentials(self) -> Credentials:
        try:
            credentials = self._credentials()
        except DcsError:
            raise
        except Exception as error:
            raise CredentialsUnavailable(
                f"The credentials for {self._service} could not be got ({type(error).__name__}).",
                advice="check where the credentials come from.",
            ) from None
        if not self._secrets.issuperset(credentials.secrets):
            with self._lock:
                # Those of before stay: their responses may still be under way.
                self._secrets |= frozenset(credentials.secrets)
        return credentials

    def _error(
        self, response: Response, request: Request, action: str, *, retry_after: float | None = None
    ) -> ServiceError:
        return error_from(
            response,
            request,
            action=action,
            region=self.location.region,
            clock=self.clock,
            secrets=self._secrets,
            service=self._service,
            retry_after=retry_after,
        )

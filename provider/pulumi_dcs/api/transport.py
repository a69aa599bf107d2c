"""One HTTP exchange: send a signed request, read a bounded answer, tell whether it may have arrived."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import requests
import urllib3.exceptions as urllib3_errors
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from .clock import Clock
from .errors import NoAnswerError

CONNECT_TIMEOUT: Final = 10.0
READ_TIMEOUT: Final = 30.0
LARGEST_ANSWER: Final = 16 * 1024 * 1024
"""Bytes. A full page of 1,000 backup records has about half a megabyte."""
LONGEST_ANSWER: Final = 60.0
"""Seconds that one answer's body may take, however steadily it trickles."""
CONNECTIONS: Final = 64


@dataclass(frozen=True)
class Request:
    """What is to be sent."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    complete: bool = True

    def json(self) -> object:
        """The body as JSON; None where it is none."""
        try:
            parsed: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return parsed


class Transport:
    """Sends requests to one endpoint, from any number of threads.

    By requests' adapter, without a session around it: what a session adds (redirects, cookies, the environment's
    settings looked up again) is not wanted here. Nothing is sent twice.
    """

    def __init__(self, endpoint: str, auth: AuthBase, clock: Clock, user_agent: str) -> None:
        self.endpoint: Final = endpoint.rstrip("/")
        self._auth = auth
        self._clock = clock
        self._headers = {"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "identity"}
        self._adapter = HTTPAdapter(max_retries=0, pool_maxsize=CONNECTIONS, pool_block=True)
        # Proxies and certificates as the environment names them.
        surroundings = requests.Session().merge_environment_settings(self.endpoint, {}, None, None, None)
        self._proxies = surroundings["proxies"]
        self._verify = surroundings["verify"] or True

    def exchange(self, request: Request) -> Answer:
        """Send the request once and read what comes.

        Raises:
            NoAnswerError: there was no answer; ``sent`` tells whether the service may have received the request.
        """
        headers = dict(self._headers)
        data = None
        if request.body is not None:
            data = json.dumps(dict(request.body), ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json"
        try:
            prepared = requests.Request(
                request.method,
                self.endpoint + request.path,
                params=list(request.query),
                data=data,
                headers=headers,
                auth=self._auth,
            ).prepare()
            response = self._adapter.send(
                prepared,
                stream=True,
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                verify=self._verify,
                proxies=self._proxies,
            )
        except requests.RequestException as error:
            raise self._no_answer(error) from error
        with response:
            body, complete = self._read(response)
        return Answer(response.status_code, response.headers, body, complete)

    def _read(self, response: requests.Response) -> tuple[bytes, bool]:
        """The body, and whether all of it came."""
        until = self._clock.monotonic() + LONGEST_ANSWER
        body = bytearray()
        try:
            # read1 returns what has arrived, so that a trickle is seen as one and the time bound holds.
            while chunk := response.raw.read1(65536):
                body += chunk
                if len(body) > LARGEST_ANSWER or self._clock.monotonic() > until:
                    return bytes(body[:LARGEST_ANSWER]), False
        except (urllib3_errors.HTTPError, OSError, ValueError):
            return bytes(body), False
        expected = response.headers.get("Content-Length", "")
        return bytes(body), not (expected.isdecimal() and len(body) < int(expected))

    def _no_answer(self, error: requests.RequestException) -> NoAnswerError:
        place = f"at {self.endpoint}"
        cause = _innermost(error)
        if isinstance(error, requests.exceptions.SSLError):
            return NoAnswerError(
                f"No trusted connection to DCS {place}.",
                # TLS can also break after the request has left; only these tell that it did not.
                sent=not any(sign in str(error) for sign in _HANDSHAKE_FAILED),
                can_pass="CERTIFICATE_VERIFY_FAILED" not in str(error),
                facts=[cause],
                advice="check the endpoint, and that this machine trusts its certificate (REQUESTS_CA_BUNDLE).",
            )
        if isinstance(error, (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError)) or _never_sent(
            error
        ):
            return NoAnswerError(
                f"No connection to DCS {place}.",
                sent=False,
                facts=[cause],
                advice="check the endpoint (dcs:endpoint, DCS_ENDPOINT or the region), the network and the proxy.",
            )
        if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
            return NoAnswerError(
                f"DCS can't be asked {place}.",
                sent=False,
                can_pass=False,
                facts=[cause],
                advice="correct the endpoint (dcs:endpoint or DCS_ENDPOINT).",
            )
        return NoAnswerError(
            f"The connection to DCS {place} was lost before an answer came.",
            sent=True,
            facts=[cause],
            advice="check the network between this machine and the endpoint.",
        )


_HANDSHAKE_FAILED: Final = ("CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER", "HANDSHAKE_FAILURE", "ALERT_PROTOCOL")


def _causes(error: BaseException) -> list[BaseException]:
    """The error and everything it wraps, outermost first."""
    found: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        item = todo.pop(0)
        if isinstance(item, BaseException) and item not in found:
            found.append(item)
            todo += [getattr(item, "reason", None), *item.args, item.__cause__, item.__context__]
    return found


def _never_sent(error: BaseException) -> bool:
    """Whether the connection was never made, which proves that the service saw nothing."""
    never = (urllib3_errors.NewConnectionError, urllib3_errors.ConnectTimeoutError, urllib3_errors.ProxyError)
    return any(isinstance(cause, never) for cause in _causes(error))


def _innermost(error: BaseException) -> str:
    """What went wrong, in the words of the lowest layer, without the objects' addresses."""
    for cause in reversed(_causes(error)):
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, requests.RequestException):
            return cause.strerror
    text = str(_causes(error)[-1]) or type(error).__name__
    return text[:300]

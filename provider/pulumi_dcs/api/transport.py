"""One HTTP exchange: send a signed request, read a bounded response, tell whether it may have arrived."""

from __future__ import annotations

import json
import re
from typing import Final

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from .clock import Clock
from .connection_errors import translated
from .messages import Request, Response
from .route import find_route

__all__ = ["Request", "Response", "Transport"]

CONNECT_TIMEOUT: Final = 10.0
"""Seconds. A connection across the world takes under one; ten survive three lost SYN packets (1 s, 2 s, 4 s)."""
READ_TIMEOUT: Final = 30.0
"""Seconds without a byte. The slowest call, a full list, takes a few; gateways themselves give up after 30 to 60."""
MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024
"""A full page of 1,000 backup records has about half a megabyte: this is 30 times that, and no danger to the memory."""
MAX_RESPONSE_SECONDS: Final = 60.0
"""For one response's body, however steadily it trickles: the read timeout alone would let it trickle for ever."""
MAX_CONNECTIONS: Final = 64
"""Kept open per client: as many as operations run at the same time with the largest sensible ``--parallel``."""

_HEADER_VALUE: Final = re.compile(r"[ -~]*")


class Transport:
    """Sends requests to one endpoint, from any number of threads.

    By requests' adapter, without a session around it: what a session adds (redirects, cookies, the environment's
    settings looked up again each time) is not wanted here. Nothing is sent twice.

    Args:
        service: what responds there, for messages.

    Raises:
        ConnectionFailed: the endpoint can't be one, or the environment names a proxy or certificates that can't be
            used.
    """

    def __init__(self, endpoint: str, clock: Clock, user_agent: str, service: str = "DCS") -> None:
        self.endpoint: Final = endpoint.rstrip("/")
        self._clock = clock
        self._service = service
        self._headers = {"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "identity"}
        self._adapter = HTTPAdapter(max_retries=0, pool_maxsize=MAX_CONNECTIONS, pool_block=True)
        self._route = find_route(self.endpoint, self._adapter)
        proxy = self._route.proxy
        self._proxies = {"http": proxy.url, "https": proxy.url} if proxy is not None else {}
        self._verify = self._route.bundle or True

    def exchange(self, request: Request, auth: AuthBase, *, attempt: str = "") -> Response:
        """Send the request once and read what comes.

        Args:
            auth: signs it. Also keeps requests from taking credentials out of a ``.netrc`` file.
            attempt: what is tried, for the error.

        Raises:
            ConnectionFailed: there was no response; ``sent`` tells whether the service may have received the request.
        """
        with translated(route=self._route, service=self._service, attempt=attempt, is_prepared=False):
            prepared = self._prepare(request, auth)
        with translated(route=self._route, service=self._service, attempt=attempt):
            response = self._adapter.send(
                prepared,
                stream=True,
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                verify=self._verify,
                proxies=self._proxies,
            )
            with response:
                body, is_complete = self._read(response)
            return Response(response.status_code, response.headers, body, is_complete)

    def _prepare(self, request: Request, auth: AuthBase) -> requests.PreparedRequest:
        headers = dict(self._headers)
        data = None
        if request.body is not None:
            data = json.dumps(dict(request.body), ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json"
        url = self.endpoint + request.path
        prepared = requests.PreparedRequest()
        prepared.prepare(request.method, url, headers, data=data, params=list(request.query), auth=auth)
        # http.client would find out only while it sends, by an error that shows the value.
        for name, value in prepared.headers.items():
            if not _HEADER_VALUE.fullmatch(value):
                raise requests.exceptions.InvalidHeader(name)
        return prepared

    def _read(self, response: requests.Response) -> tuple[bytes, bool]:
        """The body, and whether all of it came."""
        until = self._clock.monotonic() + MAX_RESPONSE_SECONDS
        body = bytearray()
        try:
            # read1 returns what has arrived, so that a trickle is seen as one and the time bound holds.
            while chunk := response.raw.read1(65536):
                body += chunk
                if len(body) > MAX_RESPONSE_BYTES or self._clock.monotonic() > until:
                    return bytes(body[:MAX_RESPONSE_BYTES]), False
        except Exception:
            # Of urllib3, http.client, ssl, zlib or the system: the status line has come, the rest has not.
            return bytes(body), False
        expected = response.headers.get("Content-Length", "")
        return bytes(body), not (expected.isdecimal() and len(body) < int(expected))

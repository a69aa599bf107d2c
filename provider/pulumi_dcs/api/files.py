"""Fetches files by pre-signed links: no credentials of ours go along, and no link is in an error or a log."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

from .connection_errors import translated
from .error_response import clean
from .errors import ConnectionFailed, DcsError
from .links import Link
from .location import is_loopback
from .route import Route, find_route
from .transport import CONNECT_TIMEOUT, READ_TIMEOUT

SERVICE: Final = "DCS's storage"
_CHUNK: Final = 256 * 1024
"""Bytes read at once, at most: large enough to cost no time, small enough for progress to be seen."""
_MAX_REDIRECTS: Final = 4
"""A storage redirects once, to the bucket's own region; a few more do no harm, and a circle ends."""
_CONTENT_RANGE: Final = re.compile(r"bytes (?:([0-9]{1,18})-[0-9]{1,18}|\*)/([0-9]{1,18})")
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
"""Up to an exabyte: longer numbers are nonsense, and take long to read."""
_HOST: Final = re.compile(r"[!-~]+")
"""Without blanks and control characters."""
_LOGGERS: Final = ("urllib3.connectionpool", "urllib3.util.retry")
"""Of urllib3 (2.2 and later): they log the path and query of each request at level DEBUG."""


class FileRefused(DcsError):
    """The storage gave no file for a link.

    Attributes:
        http_status: the HTTP status code.
    """

    http_status: int

    def __init__(self, summary: str, *, http_status: int, facts: tuple[str, ...] = (), advice: str = "") -> None:
        super().__init__(summary, facts=facts, advice=advice)
        self.http_status = http_status

    @property
    def is_transient(self) -> bool:
        """Whether trying the same link again makes sense."""
        return self.http_status in (408, 429) or self.http_status >= 500

    @property
    def may_have_expired(self) -> bool:
        """Whether a new link may help: 400, 401 and 403 are how storages refuse an old one, 404 and 410 a moved one."""
        return self.http_status in (400, 401, 403, 404, 410)


@dataclass(frozen=True)
class OpenFile:
    """A response with a file's bytes, or a part of them.

    Attributes:
        status: 200 for the whole file, 206 for a part, 416 where nothing is left from the offset on.
        start: where the bytes that come begin in the file.
        total: how many bytes the whole file has; None where the storage does not say.
        modified: when the file was changed last, in seconds since the epoch; None where the storage does not say.
    """

    status: int
    start: int
    total: int | None
    modified: float | None
    _response: requests.Response = field(repr=False)
    _route: Route = field(repr=False)
    _attempt: str = field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        """The bytes as they come.

        Raises:
            ConnectionFailed: the connection broke.
        """
        while True:
            with _unlogged(), translated(route=self._route, service=SERVICE, attempt=self._attempt):
                chunk = self._response.raw.read1(_CHUNK)
            if not chunk:
                return
            yield chunk

    def close(self) -> None:
        """Close the connection, whether everything was read or not."""
        self._response.close()


class Files:
    """Fetches files, from any number of threads; cheap to make, one for each download.

    Args:
        user_agent: what we call ourselves.
    """

    def __init__(self, user_agent: str = "pulumi-dcs") -> None:
        self._headers = {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "identity"}
        self._ways: dict[str, tuple[HTTPAdapter, Route]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def open(self, link: Link, *, offset: int = 0) -> Iterator[OpenFile]:
        """Ask for the file from an offset on. Redirects are followed, never from https to http.

        Raises:
            FileRefused: the storage responded otherwise than with the file.
            ConnectionFailed: it did not respond, or the link is no URL that may be asked.
        """
        opened = self._open(link, offset)
        try:
            yield opened
        finally:
            opened.close()

    def _open(self, link: Link, offset: int) -> OpenFile:
        url = link.url.strip()
        attempt = f"tried to download '{clean(link.file_name)[:120]}'"
        for _ in range(_MAX_REDIRECTS + 1):
            adapter, route = self._way(url, attempt)
            headers = {**self._headers, **({"Range": f"bytes={offset}-"} if offset else {})}
            response = _sent(adapter, route, url, headers, attempt)
            target = response.headers.get("Location", "")
            if response.status_code not in (301, 302, 303, 307, 308) or not target:
                break
            response.close()
            target = _joined(url, target)
            if _scheme(url) == "https" and _scheme(target) != "https":
                raise _unusable(attempt, "is redirected to a URL without TLS")
            url = target
        if response.status_code in (200, 206, 416):
            return _opened(response, route, attempt)
        response.close()
        raise FileRefused(
            f"{SERVICE} at {route.endpoint} refused a file: HTTP {response.status_code}.",
            http_status=response.status_code,
            facts=(attempt,),
            advice="check that the backup still exists, and that this machine's clock is right: links live for a time.",
        )

    def _way(self, url: str, attempt: str) -> tuple[HTTPAdapter, Route]:
        """How the URL's host is reached."""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
            origin = f"{parts.scheme}://{parts.netloc}"
            is_plain = "@" not in parts.netloc and parts.port != 0
        except ValueError:
            host, origin, is_plain = "", "", False
        if not is_plain or not _HOST.fullmatch(host) or parts.scheme not in ("https", "http"):
            raise _unusable(attempt, "is not a usable URL")
        if parts.scheme == "http" and not is_loopback(host):
            raise _unusable(attempt, "is a URL without TLS")
        with self._lock:
            if origin not in self._ways:
                adapter = HTTPAdapter(max_retries=0)
                self._ways[origin] = (adapter, find_route(origin, adapter))
            return self._ways[origin]


def _sent(adapter: HTTPAdapter, route: Route, url: str, headers: dict[str, str], attempt: str) -> requests.Response:
    proxies = {"http": route.proxy.url, "https": route.proxy.url} if route.proxy is not None else {}
    with translated(route=route, service=SERVICE, attempt=attempt, is_prepared=False):
        prepared = requests.PreparedRequest()
        prepared.prepare("GET", url, headers)
    with _unlogged(), translated(route=route, service=SERVICE, attempt=attempt):
        return adapter.send(
            prepared,
            stream=True,
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            verify=route.bundle or True,
            proxies=proxies,
        )


def _opened(response: requests.Response, route: Route, attempt: str) -> OpenFile:
    """The response, once its headers have been read."""
    headers = response.headers
    start, total = 0, None
    if response.status_code == 200:
        length = headers.get("Content-Length", "").strip()
        total = int(length) if _LENGTH.fullmatch(length) else None
    elif match := _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip()):
        start, total = int(match[1] or 0), int(match[2])
    elif response.status_code == 206:
        start = -1
    try:
        modified = parsedate_to_datetime(headers.get("Last-Modified", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        modified = None
    return OpenFile(response.status_code, start, total, modified, response, route, attempt)


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError:
        return ""


def _unusable(attempt: str, defect: str) -> ConnectionFailed:
    return ConnectionFailed(
        f"A download link of DCS {defect}. It is a secret and not shown.",
        sent=False,
        is_transient=False,
        facts=[attempt],
        advice="check that the endpoint is the right one; if it is, ask the service's support.",
    )


class _Secrecy(logging.Filter):
    """Drops what urllib3 logs of a link, in the threads that are using one."""

    def __init__(self) -> None:
        super().__init__()
        self.using = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(self.using, "is_link", False)


_secrecy: Final = _Secrecy()
for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_secrecy)


@contextmanager
def _unlogged() -> Iterator[None]:
    _secrecy.using.is_link = True
    try:
        yield
    finally:
        _secrecy.using.is_link = False

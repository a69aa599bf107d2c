"""Translates what requests and the layers below it raise into :class:`ConnectionFailed`.

None of their texts is repeated: they hold proxies with passwords, header values, objects' addresses. What is told comes
from the kinds of the errors, from the system's error numbers and from OpenSSL's own names.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import requests.exceptions as requests_errors
import urllib3.exceptions as urllib3_errors

from .errors import ConnectionFailed, DcsError
from .route import Route

_NEVER_CONNECTED: Final = (
    requests_errors.ConnectTimeout,
    urllib3_errors.NewConnectionError,
    urllib3_errors.ConnectTimeoutError,
)
"""The connection was never made, which proves that the service saw nothing."""

_PROXY_FAILED: Final = (requests_errors.ProxyError, urllib3_errors.ProxyError)
"""The proxy could not be reached, or did not connect us: that comes before the request."""

_NEVER_WRITTEN: Final = (
    requests_errors.InvalidURL,
    requests_errors.InvalidSchema,
    requests_errors.MissingSchema,
    requests_errors.InvalidHeader,
    requests_errors.InvalidProxyURL,
    urllib3_errors.LocationValueError,
)
"""The request could not even be written: a host name or a header that can't exist."""

_HANDSHAKE_FAILED: Final = ("CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER", "HANDSHAKE_FAILURE", "ALERT_PROTOCOL")
"""TLS can also break after the request has left; only these reasons of OpenSSL's tell that it did not."""

_TUNNEL_REFUSED: Final = re.compile(r"Tunnel connection failed: (\d{3})\b")
"""http.client raises a bare OSError with this text and the proxy's status (since Python 3.0)."""

_OPENSSL_NAME: Final = re.compile(r"[A-Z0-9_]{1,80}")


@contextmanager
def translated(*, route: Route, service: str, attempt: str, is_prepared: bool = True) -> Iterator[None]:
    """Whatever the block raises leaves it as one of ours.

    Args:
        attempt: what was tried, as the first fact; may be empty.
        is_prepared: False while nothing can have been sent yet, whatever goes wrong.
    """
    try:
        yield
    except DcsError:
        raise
    except Exception as error:
        # None of the lower layers' errors comes along, also not as the cause: tracebacks show their texts.
        raise _connection_failed(error, route, service, attempt, is_prepared=is_prepared) from None


def _connection_failed(
    error: Exception, route: Route, service: str, attempt: str, *, is_prepared: bool
) -> ConnectionFailed:
    causes = _causes(error)
    cause = _in_words(causes)
    facts = [attempt, cause] if attempt else [cause]
    peer = f"{service} at {route.endpoint}"

    def failed(summary: str, *, sent: bool, advice: str, is_transient: bool = True) -> ConnectionFailed:
        return ConnectionFailed(summary, sent=sent, is_transient=is_transient, facts=facts, advice=advice)

    if not is_prepared or isinstance(error, _NEVER_WRITTEN):
        return failed(
            f"{peer} can't be asked: the request could not be written.",
            sent=False,
            is_transient=False,
            advice="check the endpoint, the project's id and the credentials for characters that don't belong there.",
        )
    # What comes from a connection is wrapped by requests; a bare OSError is its check of the certificates, before it.
    if type(error) is OSError and route.bundle and not Path(route.bundle).exists():
        return failed(
            f"No trusted connection to {peer}.",
            sent=False,
            is_transient=False,
            advice=f"correct {route.bundle_source}: the certificates that it names are no longer there.",
        )
    if _has(causes, _PROXY_FAILED) and route.proxy is not None:
        return failed(
            f"No connection to {peer} through the proxy {route.proxy.address}.",
            sent=False,
            is_transient=_tunnel_status(causes) in ("", "502", "503", "504"),
            advice=f"check the proxy that {route.proxy.source} names, and whether it lets us through.",
        )
    if _has(causes, (requests_errors.SSLError, urllib3_errors.SSLError, ssl.SSLError)):
        return _tls_failed(causes, facts, peer, route)
    if _has(causes, (*_NEVER_CONNECTED, *_PROXY_FAILED)):
        return failed(f"No connection to {peer}.", sent=False, advice="check the endpoint, the network and the proxy.")
    return failed(
        f"The connection to {peer} was lost before a response came.",
        sent=True,
        advice="check the network between this machine and the endpoint.",
    )


def _tls_failed(causes: list[BaseException], facts: list[str], peer: str, route: Route) -> ConnectionFailed:
    reasons = {str(getattr(cause, "reason", "")) for cause in causes if isinstance(cause, ssl.SSLError)}
    is_untrusted = _has(causes, (ssl.SSLCertVerificationError,)) or any("VERIFY_FAILED" in text for text in reasons)
    is_before = is_untrusted or any(sign in text for sign in _HANDSHAKE_FAILED for text in reasons)
    trust = route.bundle_source or "REQUESTS_CA_BUNDLE"
    return ConnectionFailed(
        f"No trusted connection to {peer}." if is_before else f"The TLS connection to {peer} broke.",
        sent=not is_before,
        is_transient=not is_untrusted,
        facts=facts,
        advice=f"check the endpoint, and that this machine trusts its certificate ({trust}).",
    )


def _has(causes: list[BaseException], kinds: tuple[type[BaseException], ...]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and everything it wraps, outermost first."""
    found: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        item = todo.pop(0)
        if isinstance(item, BaseException) and not any(item is other for other in found):
            found.append(item)
            todo += [getattr(item, "reason", None), *item.args, item.__cause__, item.__context__]
    return found


def _tunnel_status(causes: list[BaseException]) -> str:
    """The HTTP status with which a proxy refused to connect us; empty where it did not."""
    for cause in causes:
        if type(cause) is OSError and (found := _TUNNEL_REFUSED.search(str(cause))):
            return found[1]
    return ""


def _in_words(causes: list[BaseException]) -> str:
    """What went wrong in the lowest layer that can be told about."""
    if status := _tunnel_status(causes):
        return f"the proxy refused with HTTP {status}"
    for cause in reversed(causes):
        if told := _one_in_words(cause):
            return told
    return f"{type(causes[-1]).__name__} in the HTTP layer"


def _one_in_words(cause: BaseException) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {getattr(cause, 'verify_message', '') or 'verification failed'}"
    if isinstance(cause, ssl.SSLError):
        reason = str(getattr(cause, "reason", None) or "")
        return f"TLS: {reason}" if _OPENSSL_NAME.fullmatch(reason) else "TLS failed"
    if isinstance(cause, (socket.gaierror, urllib3_errors.NameResolutionError)):
        return "the host name could not be resolved"
    if isinstance(cause, (requests_errors.ConnectTimeout, urllib3_errors.ConnectTimeoutError)):
        return "the connection was not made in time"
    if isinstance(cause, (requests_errors.ReadTimeout, urllib3_errors.ReadTimeoutError, TimeoutError)):
        return "no response came in time"
    if isinstance(cause, http.client.RemoteDisconnected):
        return "the connection was closed without a response"
    if isinstance(cause, http.client.HTTPException):
        return f"what came is not HTTP ({type(cause).__name__})"
    if isinstance(cause, OSError) and isinstance(cause.errno, int):
        return os.strerror(cause.errno)
    return ""

"""Refuses every request that is not signed as it should be. What SignedHeaders names is what counts."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import product
from typing import Final
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from fastapi import Request

CLOCK_WINDOW: Final = 15 * 60
"""Seconds by which the signer's clock may differ from ours."""

ALGORITHM: Final = "SDK-HMAC-SHA256"
UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"
"""In place of the body's hash: the official SDKs send it where the body is not JSON."""

_AUTHORIZATION: Final = re.compile(
    rf"{ALGORITHM} +Access=(?P<access>[^, ]+), *SignedHeaders=(?P<headers>[^, ]+), *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_EMPTY_HASH: Final = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Accepted:
    """The credentials that are accepted."""

    access_key: str
    secret_key: str
    security_token: str = ""
    auth_token: str = ""


def refusal(request: Request, body: bytes, accepted: Accepted, now: float) -> str:
    """Why the request is refused; empty where it is in order."""
    token = request.headers.get("X-Auth-Token")
    if token is not None:
        is_right = bool(accepted.auth_token) and hmac.compare_digest(token.encode(), accepted.auth_token.encode())
        return "" if is_right else "the token must be updated"
    match = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    if match is None:
        return "decrypt token fail"
    if match["access"] != accepted.access_key:
        return "get secretKey failed"
    if accepted.security_token and request.headers.get("X-Security-Token") != accepted.security_token:
        return "verify ak and security token fail"
    date = request.headers.get("X-Sdk-Date", "")
    try:
        signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ")
    except ValueError:
        return "the X-Sdk-Date header is missing"
    if abs(signed_at.replace(tzinfo=timezone.utc).timestamp() - now) > CLOCK_WINDOW:
        return "signature expired"
    names = match["headers"].lower().split(";")
    if any(name not in request.headers for name in names):
        return "a signed header is missing"
    content_hash = request.headers.get("X-Sdk-Content-Sha256")
    if content_hash not in (None, UNSIGNED_PAYLOAD, hashlib.sha256(body).hexdigest()):
        return "the body does not have the hash of X-Sdk-Content-Sha256"
    for canonical in _canonical_requests(request, body, names, content_hash):
        to_sign = f"{ALGORITHM}\n{date}\n{hashlib.sha256(canonical).hexdigest()}"
        expected = hmac.new(accepted.secret_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        if hmac.compare_digest(expected, match["signature"]):
            return ""
    return "verify aksk signature fail"


def _canonical_requests(request: Request, body: bytes, names: list[str], content_hash: str | None) -> Iterator[bytes]:
    """The request as it may have been signed: the documented form first, then those that clients derive from it."""
    values: dict[str, bytes] = {}
    for raw_name, value in request.headers.raw:
        values.setdefault(raw_name.decode("latin-1"), value.strip())
    path = _canonical_path(request.scope["raw_path"].decode("ascii"))
    start = f"{request.method.upper()}\n{path}".encode()
    queries = _canonical_queries(request.scope["query_string"].decode("latin-1"))
    # SignedHeaders is sorted by every client seen; where it is not, either order may have been signed.
    orders = dict.fromkeys((tuple(sorted(names)), tuple(names)))
    for query, order, payload in product(queries, orders, _payloads(body, content_hash)):
        headers = b"".join(name.encode() + b":" + values[name] + b"\n" for name in order)
        end = f"{';'.join(order)}\n{payload}".encode()
        yield start + b"\n" + query.encode() + b"\n" + headers + b"\n" + end


def _canonical_path(raw_path: str) -> str:
    encoded = "/".join(_encoded(unquote_to_bytes(part)) for part in raw_path.split("/"))
    return encoded if encoded.endswith("/") else f"{encoded}/"


def _canonical_queries(query: str) -> Iterable[str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    # The Python SDK sorts the names before it encodes them.
    written = [f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(pairs)]
    yield "&".join(written)
    # The documentation sorts the encoded names.
    yield "&".join(sorted(written))
    # The Go SDK signs names in lower case, whatever it sends.
    yield "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted((n.lower(), v) for n, v in pairs))


def _payloads(body: bytes, content_hash: str | None) -> Iterable[str]:
    if content_hash is None:
        yield hashlib.sha256(body).hexdigest()
        return
    yield content_hash
    if not body:
        # The Python SDK passes X-Sdk-Content-Sha256 over where there is no body.
        yield _EMPTY_HASH


def _encoded(text: str | bytes) -> str:
    return quote(text, safe="~")

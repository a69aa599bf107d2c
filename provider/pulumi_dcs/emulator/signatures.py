"""Refuses every request that is not signed as it should be."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

CLOCK_WINDOW: Final = 15 * 60
"""Seconds by which the signer's clock may differ from ours."""

_AUTHORIZATION: Final = re.compile(
    r"SDK-HMAC-SHA256 Access=(?P<access>[^,]+), SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Accepted:
    """The credentials that are accepted."""

    access_key: str
    secret_key: str
    security_token: str = ""
    auth_token: str = ""


@dataclass(frozen=True)
class _Keys:
    ak: str
    sk: str


def refusal(request: Request, body: bytes, accepted: Accepted, now: float) -> str:
    """Why the request is refused; empty where it is in order."""
    token = request.headers.get("X-Auth-Token")
    if token is not None:
        is_right = bool(accepted.auth_token) and hmac.compare_digest(token, accepted.auth_token)
        return "" if is_right else "the token must be updated"
    match = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    if match is None:
        return "decrypt token fail"
    if match["access"] != accepted.access_key:
        return "get secretKey failed"
    if accepted.security_token and request.headers.get("X-Security-Token") != accepted.security_token:
        return "verify ak and security token fail"
    try:
        signed_at = datetime.strptime(request.headers.get("X-Sdk-Date", ""), "%Y%m%dT%H%M%SZ")
    except ValueError:
        return "the X-Sdk-Date header is missing"
    if abs(signed_at.replace(tzinfo=timezone.utc).timestamp() - now) > CLOCK_WINDOW:
        return "signature expired"
    names = match["headers"].split(";")
    if "host" not in names or "x-sdk-date" not in names:
        return "the host and x-sdk-date headers must be signed"
    if any(name not in request.headers for name in names):
        return "a signed header is missing"
    again = SdkRequest(
        method=request.method,
        host=request.headers["host"],
        resource_path=request.scope["raw_path"].decode("ascii"),
        query_params=parse_qsl(request.url.query, keep_blank_values=True),
        header_params={name: request.headers[name] for name in names},
        body=body,
    )
    Signer(_Keys(accepted.access_key, accepted.secret_key)).sign(again)
    expected = _AUTHORIZATION.fullmatch(again.header_params["Authorization"])
    if expected is None or not hmac.compare_digest(expected["signature"], match["signature"]):
        return "verify aksk signature fail"
    return ""

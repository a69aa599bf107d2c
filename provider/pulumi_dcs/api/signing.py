"""Signs a request as the service wants it: SDK-HMAC-SHA256 by the official signer, or a token in a header."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import requests
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from requests.auth import AuthBase

from .clock import Clock
from .credentials import AuthToken, Credentials

DATE_HEADER: Final = "X-Sdk-Date"
DATE_FORMAT: Final = "%Y%m%dT%H%M%SZ"
SIGNING_WINDOW: Final = 15 * 60
"""By how many seconds the local clock may differ from the service's before signatures are refused."""


class _KeyPair:
    """What the official signer wants to be given."""

    def __init__(self, access_key: str, secret_key: str) -> None:
        self.ak = access_key
        self.sk = secret_key


class RequestSigner(AuthBase):
    """Signs one request. Its credentials are got before, so that nothing in the exchange can fail for want of them."""

    def __init__(self, credentials: Credentials, clock: Clock, project_id: str = "") -> None:
        self._credentials = credentials
        self._clock = clock
        self._project_id = project_id

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        credentials = self._credentials
        if self._project_id:
            request.headers["X-Project-Id"] = self._project_id
        if isinstance(credentials, AuthToken):
            request.headers["X-Auth-Token"] = credentials.token
            return request
        if credentials.security_token:
            request.headers["X-Security-Token"] = credentials.security_token
        now = datetime.fromtimestamp(self._clock.time(), timezone.utc)
        url = urlsplit(request.url or "")
        headers = {name: value for name, value in request.headers.items() if name.lower() in _SIGNED}
        to_sign = SdkRequest(
            method=request.method or "",
            host=url.netloc,
            resource_path=url.path,
            query_params=parse_qsl(url.query, keep_blank_values=True),
            header_params={**headers, "Host": url.netloc, DATE_HEADER: now.strftime(DATE_FORMAT)},
            body=request.body or b"",
        )
        signed = Signer(_KeyPair(credentials.access_key, credentials.secret_key)).sign(to_sign)
        request.headers.update(signed.header_params)
        return request


_SIGNED: Final = frozenset({"content-type", "x-project-id", "x-security-token"})
"""The headers that the signature covers, beside Host and X-Sdk-Date: those no proxy may alter."""

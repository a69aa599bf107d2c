"""Requests signed by hand, as "AK/SK signing" is documented: no code of ours or of an SDK takes part."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Sequence
from urllib.parse import quote

from tests.endpoint import ACCESS_KEY, SECRET_KEY

Headers = list[tuple[str, str]]


def date_of(moment: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))


def signed(
    method: str,
    path: str,
    headers: Headers,
    body: bytes = b"",
    *,
    names: Sequence[str],
    query: str = "",
    payload: str = "",
    access_key: str = ACCESS_KEY,
    secret_key: str = SECRET_KEY,
) -> Headers:
    """These headers and Authorization.

    Args:
        names: the headers to sign, lower case, in the order in which SignedHeaders names them.
        query: the canonical query.
        payload: what stands for the body; its hash where empty.
    """
    values = {name.lower(): value.strip() for name, value in headers}
    canonical = "\n".join(
        [
            method,
            quote(path if path.endswith("/") else f"{path}/", safe="/~"),
            query,
            *(f"{name}:{values[name]}" for name in names),
            "",
            ";".join(names),
            payload or hashlib.sha256(body).hexdigest(),
        ]
    )
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"SDK-HMAC-SHA256\n{values['x-sdk-date']}\n{hashed}"
    signature = hmac.new(secret_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    authorization = f"SDK-HMAC-SHA256 Access={access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return [*headers, ("Authorization", authorization)]

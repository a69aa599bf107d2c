"""The temporary keys of a cloud server, from its metadata service."""

from __future__ import annotations

import math
import threading
import time
from datetime import datetime, timezone
from typing import Any, Final

from ..api.clock import Clock
from ..api.credentials import AccessKey
from ..api.errors import CredentialsUnavailable

_RENEW_BEFORE: Final = 40 * 60.0
"""Seconds before their end at which keys are renewed: as the official SDK has it. Keys live for hours, and an operation
that begins with them may take half an hour."""
_RETRY_RENEWAL: Final = 30.0
"""Seconds between two tries to renew keys that are still good: a try can take 12 s, and each request would try."""
_SAFETY: Final = 60.0
"""Seconds before their end at which keys no longer serve: the request has to arrive while they are good."""
_UNKNOWN_LIFE: Final = 60 * 60.0
"""Seconds for which keys count as good where the SDK does not know their end."""


class MetadataKeys:
    """Hands the keys out. They serve until they expire, also while they can't be renewed.

    Args:
        sdk_credentials: the SDK's; its ``update_security_token_from_metadata`` asks the metadata service.
    """

    def __init__(self, sdk_credentials: Any, clock: Clock) -> None:
        self._sdk = sdk_credentials
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: tuple[AccessKey, float] | None = None
        """The keys, and until when they serve (monotonic)."""
        self._renew_at = -math.inf
        self._tried_at = -math.inf
        self._trouble = ""

    def __call__(self) -> AccessKey:
        """The keys to use now.

        Raises:
            CredentialsUnavailable: there are none that are still good, and no new ones to be had.
        """
        asked_at = self._clock.monotonic()
        has_keys = self._good_keys() is not None
        # While somebody renews them, nobody has to wait who has keys.
        if (asked_at >= self._renew_at or not has_keys) and self._lock.acquire(blocking=not has_keys):
            try:
                # Whoever has waited for another's try shares what came of it.
                if self._tried_at < asked_at:
                    self._renew()
            finally:
                self._lock.release()
        keys = self._good_keys()
        if keys is None:
            raise CredentialsUnavailable(
                "This server's metadata gave no usable keys.",
                is_transient=True,
                facts=[self._trouble] if self._trouble else [],
                advice="check that an agency is assigned to this server, and that its metadata service responds.",
            )
        return keys

    def _good_keys(self) -> AccessKey | None:
        if self._keys is None or self._clock.monotonic() >= self._keys[1]:
            return None
        return self._keys[0]

    def _renew(self) -> None:
        sdk = self._sdk
        try:
            sdk.update_security_token_from_metadata()
            # Taken over together or not at all: the SDK sets one attribute after the other.
            keys = AccessKey(_checked(sdk.ak), _checked(sdk.sk), _checked(sdk.security_token or ""))
            life = _seconds_left(sdk)
        except Exception as error:
            self._trouble = metadata_trouble(error)
            self._tried_at = self._clock.monotonic()
            self._renew_at = self._tried_at + _RETRY_RENEWAL
        else:
            self._trouble = ""
            self._tried_at = now = self._clock.monotonic()
            self._keys = (keys, now + life - _SAFETY)
            self._renew_at = now + max(life - _RENEW_BEFORE, _RETRY_RENEWAL)


def metadata_trouble(error: Exception) -> str:
    """Why the metadata gave no keys, without a word of what it sent."""
    if isinstance(error, CredentialsUnavailable):
        return error.facts[0] if error.facts else error.summary
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return f"the metadata service responded with HTTP {status}"
    return f"the metadata service can't be reached, or what it sent can't be read ({type(error).__name__})"


def _checked(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _seconds_left(sdk: Any) -> float:
    """How long the SDK's keys are still good.

    ``_expired_at`` is the SDK's private name for it, in 3.1.100 as in 3.1.219; it is UTC taken for local time.
    """
    end = getattr(sdk, "_expired_at", None)
    if not isinstance(end, (int, float)) or not math.isfinite(end):
        return _UNKNOWN_LIFE
    utc = datetime.fromtimestamp(time.time(), timezone.utc).replace(tzinfo=None, microsecond=0)
    return end - time.mktime(utc.timetuple())

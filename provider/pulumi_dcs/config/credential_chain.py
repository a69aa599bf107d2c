"""The end of the official credential chain: the profile file, then the cloud server's metadata."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..api.credentials import AccessKey, CredentialSource

PROFILE_VARIABLE: Final = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
PROFILE_FILE: Final = "~/.huaweicloud/credentials"


class OfficialChain:
    """Asks ``huaweicloudsdkcore`` for credentials, each place once.

    Its credential providers are imported only when they are needed: the import writes a file below HOME, which may
    not be writable.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._found: dict[str, Any] = {}
        self.troubles: dict[str, str] = {}
        """By place: why it gave no credentials."""

    def profile(self) -> CredentialSource | None:
        """The profile file's credentials; None where there is no such file, or nothing of use in it."""
        if not self._has_profile():
            return None
        return self._source(self._ask("the profile file", "ProfileCredentialProvider"))

    def profile_project_id(self) -> str:
        """The profile file's project id; empty where it names none."""
        if not self._has_profile():
            return ""
        credentials = self._ask("the profile file", "ProfileCredentialProvider")
        return getattr(credentials, "project_id", None) or ""

    def metadata(self) -> CredentialSource | None:
        """What the server's metadata hands out, renewed when it expires; None where this is no such server."""
        return self._source(self._ask("the server's metadata", "MetadataCredentialProvider"))

    def _has_profile(self) -> bool:
        try:
            return Path(self._environment.get(PROFILE_VARIABLE) or PROFILE_FILE).expanduser().exists()
        except (OSError, RuntimeError):
            return False

    def _ask(self, place: str, provider: str) -> Any:
        with self._lock:
            if place not in self._found:
                self._found[place] = None
                try:
                    from huaweicloudsdkcore.auth import provider as providers

                    self._found[place] = getattr(providers, provider).get_basic().get_credentials()
                except Exception as error:
                    # The SDK raises its own exceptions, requests' and the operating system's: all mean "not here".
                    self.troubles[place] = type(error).__name__
            return self._found[place]

    def _source(self, credentials: Any) -> CredentialSource | None:
        if credentials is None:
            return None

        def current() -> AccessKey:
            with self._lock:
                credentials.process_sts(None)
                return AccessKey(credentials.ak, credentials.sk, credentials.security_token or "")

        return current

"""The end of the official credential chain: the profile file, then the cloud server's metadata."""

from __future__ import annotations

import configparser
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..api.clock import Clock, SystemClock
from ..api.credentials import AccessKey, CredentialSource
from ..api.errors import CredentialsUnavailable
from .metadata_keys import MetadataKeys, metadata_trouble

PROFILE_VARIABLE: Final = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
PROFILE_FILE: Final = "~/.huaweicloud/credentials"
PROFILE: Final = "the profile file"
METADATA: Final = "the server's metadata"


@dataclass(frozen=True)
class Profile:
    """What the profile file holds."""

    keys: AccessKey = field(repr=False)
    project_id: str


class OfficialChain:
    """Asks ``huaweicloudsdkcore`` for credentials, each place once.

    Its credential providers are imported only when they are needed: the import takes long, and writes a file below
    HOME, which may not be writable.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ, clock: Clock | None = None) -> None:
        self._environment = environment
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._has_read = False
        self._profile: Profile | None = None
        self._has_asked = False
        self._metadata: MetadataKeys | None = None
        self.troubles: dict[str, str] = {}
        """By place: why it gave no credentials. Never a part of what stands there."""

    def profile(self) -> CredentialSource | None:
        """The profile file's credentials; None where there is no such file, or nothing of use in it."""
        profile = self._read_once()
        if profile is None:
            return None
        keys = profile.keys
        return lambda: keys

    def profile_project_id(self) -> str:
        """The profile file's project id; empty where it names none, or has no keys."""
        profile = self._read_once()
        return profile.project_id if profile is not None else ""

    def metadata(self) -> CredentialSource | None:
        """What the server's metadata hands out, renewed before it expires; None where this is no such server."""
        with self._lock:
            if not self._has_asked:
                self._has_asked = True
                try:
                    from huaweicloudsdkcore.auth.credentials import BasicCredentials

                    source = MetadataKeys(BasicCredentials(), self._clock)
                    source()
                    self._metadata = source
                except Exception as error:
                    # The SDK raises its own exceptions, requests' and the operating system's: all mean "not here".
                    self.troubles[METADATA] = metadata_trouble(error)
            return self._metadata

    def _read_once(self) -> Profile | None:
        with self._lock:
            if not self._has_read:
                self._has_read = True
                try:
                    self._profile = self._read_profile()
                except Exception as error:
                    # configparser's, the SDK's and the operating system's: their texts quote the file's lines.
                    self.troubles[PROFILE] = _profile_trouble(error)
            return self._profile

    def _read_profile(self) -> Profile | None:
        path = self._profile_path()
        if path is None or not path.exists():
            if self._environment.get(PROFILE_VARIABLE):
                self.troubles[PROFILE] = "there is no such file"
            return None
        # The SDK takes a file that can't be opened for one that is not there.
        with path.open("rb"):
            pass
        from huaweicloudsdkcore.auth import provider

        found = provider.ProfileCredentialProvider.get_basic_credential_profile_provider().get_credentials()
        if not found.ak or not found.sk:
            raise _NoKeysError
        return Profile(
            AccessKey(_word(found.ak), _word(found.sk), _word(found.security_token)), _word(found.project_id)
        )

    def _profile_path(self) -> Path | None:
        """As the SDK finds it: what the variable names is taken as it stands."""
        if named := self._environment.get(PROFILE_VARIABLE):
            return Path(named)
        try:
            return Path(PROFILE_FILE).expanduser()
        except RuntimeError:
            return None  # nobody knows where HOME is


class _NoKeysError(Exception):
    """The profile can be read, but has no keys in it."""


def _word(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _profile_trouble(error: Exception) -> str:
    """What is wrong with the file, in our own words; the line's number where it is known."""
    line = getattr(error, "lineno", None)
    where = f" (line {line})" if isinstance(line, int) else ""
    if isinstance(error, CredentialsUnavailable):
        return error.summary.rstrip(".").replace("The ", "its ", 1)
    for kind, words in _PROFILE_TROUBLES.items():
        if isinstance(error, kind):
            return f"{words}{where}"
    if isinstance(error, OSError) and error.errno:
        return f"it can't be opened: {os.strerror(error.errno)}"
    return f"it can't be read ({type(error).__name__})"


_PROFILE_TROUBLES: Final[Mapping[type[Exception], str]] = {
    UnicodeError: "it is not UTF-8 text",
    _NoKeysError: "its section [basic] has no ak and sk (idp_id is not supported)",
    ValueError: "it has no section [basic] with ak and sk",
    configparser.DuplicateOptionError: "it gives a value twice",
    configparser.DuplicateSectionError: "it has a section twice",
    configparser.InterpolationError: "it has a % in a value: write %% for one",
    configparser.MissingSectionHeaderError: (
        "it does not begin with a section such as [basic], or it begins with a byte order mark"
    ),
    configparser.ParsingError: "it has a line that is neither a section nor a value",
}
"""The first that fits; the SDK's own error for missing entries is a ValueError."""

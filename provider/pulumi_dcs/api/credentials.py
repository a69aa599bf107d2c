"""The credentials a request is signed with. They never show in a repr, a message or a pickle."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NoReturn, Protocol

from .errors import CredentialsUnavailable

_USABLE: Final = re.compile(r"[!-~]+")
"""Printable ASCII without blanks: all that keys and tokens consist of, and all that a header's value can hold."""
_INVISIBLE: Final = frozenset("\ufeff\u200b\u200c\u200d\u2060\u00ad")


def defect_of(text: str) -> str:
    """What makes the text unusable as a key or token, without showing any of it; empty where nothing does."""
    if not text:
        return "is empty"
    if any(character in text for character in "\r\n"):
        return "contains a line break"
    if any(character in _INVISIBLE for character in text):
        return "contains an invisible character (a byte order mark or a zero-width space)"
    if any(character.isspace() for character in text):
        return "contains a blank"
    if not _USABLE.fullmatch(text):
        return "contains a character that is not printable ASCII"
    if any(quote in text for quote in "\"'"):
        return "contains a quotation mark"
    return ""


class _Secret:
    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not to be pickled")

    def _check(self, **parts: str) -> None:
        for name, text in parts.items():
            if defect := defect_of(text):
                raise CredentialsUnavailable(
                    f"The {name.replace('_', ' ')} {defect}.", advice="correct it where it comes from."
                )


@dataclass(frozen=True)
class AccessKey(_Secret):
    """An access key pair; with a security token where the keys are temporary ones.

    Raises:
        CredentialsUnavailable: a part of it can't be what it should be, and could not be sent.
    """

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    security_token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        self._check(access_key=self.access_key, secret_key=self.secret_key)
        if self.security_token:
            self._check(security_token=self.security_token)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not appear anywhere."""
        return tuple(text for text in (self.access_key, self.secret_key, self.security_token) if text)


@dataclass(frozen=True)
class AuthToken(_Secret):
    """An IAM token, sent as ``X-Auth-Token``.

    Raises:
        CredentialsUnavailable: it can't be a token, and could not be sent.
    """

    token: str = field(repr=False)

    def __post_init__(self) -> None:
        self._check(token=self.token)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not appear anywhere."""
        return (self.token,)


Credentials = AccessKey | AuthToken


class CredentialSource(Protocol):
    """Hands out credentials; asked before every request, so that temporary ones can be renewed."""

    def __call__(self) -> Credentials:
        """The credentials to use now.

        Raises:
            CredentialsUnavailable: there are none at this moment.
        """

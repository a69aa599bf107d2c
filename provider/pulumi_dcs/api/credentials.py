"""Who asks: the credentials a request is signed with. They never show in a repr, a message or a pickle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn, Protocol


class _Unpicklable:
    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not to be pickled")


@dataclass(frozen=True)
class AccessKey(_Unpicklable):
    """An access key pair; with a security token where the keys are temporary ones."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    security_token: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not appear anywhere."""
        return tuple(text for text in (self.access_key, self.secret_key, self.security_token) if text)


@dataclass(frozen=True)
class AuthToken(_Unpicklable):
    """An IAM token, sent as ``X-Auth-Token``."""

    token: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not appear anywhere."""
        return (self.token,)


Credentials = AccessKey | AuthToken


class CredentialSource(Protocol):
    """Hands out credentials; asked before every request, so that temporary ones can be renewed."""

    def __call__(self) -> Credentials:
        """The credentials to use now."""

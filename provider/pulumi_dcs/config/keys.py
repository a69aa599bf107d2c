"""The credentials that stack configuration and environment name: each pair of keys whole, and from one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..api.credentials import AccessKey, AuthToken, Credentials, defect_of
from .errors import SettingsError

Lookup = Callable[[str], str]
"""The value of a setting, without blanks around it; empty where there is none."""


@dataclass(frozen=True)
class KeyNames:
    """The settings that belong to one pair of keys. A security token belongs to its own keys only."""

    access_key: str
    secret_key: str
    security_token: str = ""

    def half(self, lookup: Lookup) -> tuple[str, str] | None:
        """What is set and what is missing, where one half of the pair is there alone."""
        has_access, has_secret = bool(lookup(self.access_key)), bool(lookup(self.secret_key))
        if has_access == has_secret:
            return None
        return (self.access_key, self.secret_key) if has_access else (self.secret_key, self.access_key)

    def find(self, lookup: Lookup) -> AccessKey | None:
        """The keys, if both are there."""
        access_key, secret_key = lookup(self.access_key), lookup(self.secret_key)
        if not access_key or not secret_key:
            return None
        token = lookup(self.security_token) if self.security_token else ""
        return AccessKey(
            checked(access_key, self.access_key),
            checked(secret_key, self.secret_key),
            checked(token, self.security_token) if token else "",
        )


CONFIGURED_KEYS: Final = KeyNames("dcs:accessKey", "dcs:secretKey", "dcs:securityToken")
CONFIGURED_TOKEN: Final = "dcs:authToken"
PACKAGE_KEYS: Final = KeyNames("huaweicloud:accessKey", "huaweicloud:secretKey", "huaweicloud:securityToken")
"""Of the Pulumi package ``huaweicloud``, which declares the instances: who uses it needs no second set."""
KEY_VARIABLES: Final = (
    KeyNames("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
    KeyNames("HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_SECURITY_TOKEN"),
    KeyNames("CLOUD_SDK_AK", "CLOUD_SDK_SK"),
)
TOKEN_VARIABLE: Final = "HW_AUTH_TOKEN"


def find_credentials(configured: Lookup, variable: Lookup) -> Credentials | None:
    """The first credentials that configuration or environment have.

    Half a pair is refused in our own configuration. In another package's and in the environment it is passed over: the
    other half may be for somebody else, and is never made up from another place.

    Raises:
        SettingsError: half a pair, a security token without keys, or a value that can't be what it should be.
    """
    if half := CONFIGURED_KEYS.half(configured):
        raise SettingsError(
            f"{half[1]} is missing: the stack configuration has {half[0]} alone.",
            advice=f"run `pulumi config set --secret {half[1]}`, or remove {half[0]}.",
        )
    if keys := CONFIGURED_KEYS.find(configured):
        return keys
    if configured(CONFIGURED_KEYS.security_token):
        raise SettingsError(
            f"{CONFIGURED_KEYS.access_key} and {CONFIGURED_KEYS.secret_key} are missing: the stack configuration has "
            f"{CONFIGURED_KEYS.security_token} alone.",
            advice="set the keys that it belongs to beside it, or remove it: it is good for its own keys only.",
        )
    if token := configured(CONFIGURED_TOKEN):
        return AuthToken(checked(token, CONFIGURED_TOKEN))
    if keys := PACKAGE_KEYS.find(configured):
        return keys
    for names in KEY_VARIABLES:
        if keys := names.find(variable):
            return keys
    if token := variable(TOKEN_VARIABLE):
        return AuthToken(checked(token, TOKEN_VARIABLE))
    return None


def halves(configured: Lookup, variable: Lookup) -> list[str]:
    """What to say about half pairs that were passed over."""
    found = [PACKAGE_KEYS.half(configured), *(names.half(variable) for names in KEY_VARIABLES)]
    return [f"{half[0]} is set, but {half[1]} is not" for half in found if half]


def checked(value: str, source: str) -> str:
    """The value, if it can be a key or a token.

    Raises:
        SettingsError: it can't; the value is not shown.
    """
    if defect := defect_of(value):
        raise SettingsError(
            f"{source} {defect}.",
            advice=f"set {source} again, to the bare value: without quotes, blanks and line breaks.",
        )
    return value

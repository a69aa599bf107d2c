"""Configuration and credentials: where each setting comes from, and what to say when it is missing."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from ..api.credentials import AccessKey, AuthToken, Credentials, CredentialSource
from ..api.errors import SettingsError
from .credential_chain import PROFILE_FILE, OfficialChain

REGION_VARIABLES: Final = ("HW_REGION_NAME",)
PROJECT_VARIABLES: Final = ("HUAWEICLOUD_SDK_PROJECT_ID", "HW_PROJECT_ID")
ENDPOINT_VARIABLES: Final = ("DCS_ENDPOINT",)
IAM_ENDPOINT_VARIABLES: Final = ("HUAWEICLOUD_SDK_IAM_ENDPOINT",)
TOKEN_VARIABLES: Final = ("HW_AUTH_TOKEN",)
KEY_VARIABLES: Final = (
    ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
    ("HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_SECURITY_TOKEN"),
    ("CLOUD_SDK_AK", "CLOUD_SDK_SK", ""),
)

_CREDENTIALS_ADVICE: Final = (
    "run `pulumi config set --secret dcs:accessKey` and `pulumi config set --secret dcs:secretKey`, "
    "or set the variables in the environment."
)
_REGION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_EUROPEAN_SITE: Final = re.compile(r"eu-west-1\d\d")


@dataclass(frozen=True)
class Settings:
    """The settings of one run, from stack configuration first, then the environment.

    Args:
        configuration: the stack's configuration, by full key (``dcs:region``).
        environment: the process's environment.
        chain: where credentials come from when neither has them.
    """

    configuration: Mapping[str, Any] = field(repr=False)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    chain: OfficialChain = field(default_factory=OfficialChain, repr=False)

    @property
    def region(self) -> str:
        """``dcs:region`` or its variable; empty where there is none.

        Raises:
            SettingsError: it can't be part of a host name.
        """
        return self._checked_region(*self._first("dcs:region", REGION_VARIABLES))

    @property
    def project_id(self) -> str:
        """``dcs:projectId``, its variables, or the profile file's where the keys are its own; else empty."""
        return self._first("dcs:projectId", PROJECT_VARIABLES)[0] or self._profile_project_id()

    def endpoint(self, region: str) -> str:
        """The DCS endpoint for a region: the configured one, ``{region}`` filled in, or the region's own.

        Raises:
            SettingsError: there is none, or it is neither https nor on this machine.
        """
        value, source = self._first("dcs:endpoint", ENDPOINT_VARIABLES)
        if not value:
            if not region:
                raise missing_region()
            return f"https://dcs.{region}.{_site(region)}"
        return checked_endpoint(value.replace("{region}", region), source)

    @property
    def needs_region(self) -> bool:
        """Whether the endpoint cannot be known without a region."""
        value, _ = self._first("dcs:endpoint", ENDPOINT_VARIABLES)
        return not value or "{region}" in value

    @property
    def mark(self) -> bool:
        """Whether backups get a mark at the end of their remark (``dcs:mark``), which proves whose they are.

        Raises:
            SettingsError: it is neither true nor false.
        """
        value = self._configured("dcs:mark").lower()
        if value not in ("", "true", "false"):
            raise SettingsError(f"dcs:mark is {value!r}.", advice="set it to true or false.")
        return value == "true"

    @property
    def is_debugging(self) -> bool:
        """Whether API errors shall show their traceback as well (``DCS_DEBUG=1``)."""
        return self._variable("DCS_DEBUG") not in ("", "0")

    def iam_endpoint(self, region: str) -> str:
        """The IAM endpoint for a region; ``HUAWEICLOUD_SDK_IAM_ENDPOINT`` names another one."""
        value, source = self._first("", IAM_ENDPOINT_VARIABLES)
        return checked_endpoint(value, source) if value else f"https://iam.{region}.{_site(region)}"

    def credentials(self) -> CredentialSource:
        """The credentials: configuration, environment, profile file, server metadata; the first that are there.

        Raises:
            SettingsError: there are none, or only one half of a pair.
        """
        source = self.credentials_at_hand() or self.chain.metadata()
        if source is None:
            raise self._missing_credentials()
        return source

    def credentials_at_hand(self) -> CredentialSource | None:
        """As :meth:`credentials`, without asking the network; None where there are none."""
        found = self._configured_credentials()
        if found is not None:
            return lambda: found
        return self.chain.profile()

    def _profile_project_id(self) -> str:
        return "" if self._configured_credentials() else self.chain.profile_project_id()

    def _configured_credentials(self) -> Credentials | None:
        access_key, secret_key = self._configured("dcs:accessKey"), self._configured("dcs:secretKey")
        if bool(access_key) != bool(secret_key):
            there, lacking = ("dcs:accessKey", "dcs:secretKey") if access_key else ("dcs:secretKey", "dcs:accessKey")
            raise SettingsError(
                f"{lacking} is missing: the stack configuration has {there} alone.",
                advice=f"run `pulumi config set --secret {lacking}`, or remove {there}.",
            )
        if access_key:
            return AccessKey(access_key, secret_key, self._configured("dcs:securityToken") or self._stray_token())
        if token := self._configured("dcs:authToken"):
            return AuthToken(token)
        for access_name, secret_name, token_name in KEY_VARIABLES:
            access_key, secret_key = self._variable(access_name), self._variable(secret_name)
            if access_key and secret_key:
                token = self._configured("dcs:securityToken") or self._variable(token_name) or self._stray_token()
                return AccessKey(access_key, secret_key, token)
        if token := self._first("", TOKEN_VARIABLES)[0]:
            return AuthToken(token)
        return None

    def _stray_token(self) -> str:
        """A security token from the environment that does not belong to another pair of keys there."""
        for access_name, _, token_name in KEY_VARIABLES:
            if token_name and not self._variable(access_name) and (token := self._variable(token_name)):
                return token
        return ""

    def _missing_credentials(self) -> SettingsError:
        facts = [
            "stack configuration: dcs:accessKey and dcs:secretKey, or dcs:authToken",
            "environment: "
            + ", ".join(f"{access} and {secret}" for access, secret, _ in KEY_VARIABLES)
            + f", or {TOKEN_VARIABLES[0]}",
            f"the profile file ({PROFILE_FILE}), the server's metadata",
        ]
        facts += [f"{place} gave none: {trouble}" for place, trouble in self.chain.troubles.items()]
        for access_name, secret_name, _ in KEY_VARIABLES:
            if bool(self._variable(access_name)) != bool(self._variable(secret_name)):
                there, lacking = (
                    (access_name, secret_name) if self._variable(access_name) else (secret_name, access_name)
                )
                facts.append(f"{there} is set, but {lacking} is not")
        return SettingsError(
            "No credentials for DCS. Looked for, in this order:", facts=facts, advice=_CREDENTIALS_ADVICE
        )

    def _checked_region(self, value: str, source: str) -> str:
        if value and not _REGION.fullmatch(value):
            raise SettingsError(
                f"{source} is {value!r}, which is no region.",
                advice="set it to a region's id, such as cn-north-4.",
            )
        return value

    def _configured(self, key: str) -> str:
        value = self.configuration.get(key) if key else None
        return str(value).strip() if value is not None else ""

    def _variable(self, name: str) -> str:
        return self.environment.get(name, "").strip() if name else ""

    def _first(self, key: str, variables: tuple[str, ...]) -> tuple[str, str]:
        """The setting's value and where it came from."""
        if value := self._configured(key):
            return value, key
        for name in variables:
            if value := self._variable(name):
                return value, name
        return "", ""


def is_region(text: str) -> bool:
    """Whether this can be a region's id: letters, digits, hyphens."""
    return bool(_REGION.fullmatch(text))


def missing_region() -> SettingsError:
    """What to say where no region is known."""
    return SettingsError(
        "No region for DCS.",
        facts=[f"looked for: region of the resource, dcs:region (stack configuration), {REGION_VARIABLES[0]}"],
        advice="run `pulumi config set dcs:region cn-north-4` with your region.",
    )


def checked_endpoint(value: str, source: str) -> str:
    """The endpoint, if it is one that credentials may be used with.

    Raises:
        SettingsError: it is not ``https``, and not ``http`` on this machine's loopback.
    """
    url = urlsplit(value)
    try:
        is_url = bool(url.hostname) and not (url.username or url.password or url.query or url.fragment)
        is_url = is_url and (url.port is None or url.port > 0)
    except ValueError:
        is_url = False
    if not is_url or url.scheme not in ("https", "http"):
        raise SettingsError(
            f"{source} is no endpoint.", advice="set it to a URL such as https://dcs.cn-north-4.myhuaweicloud.com."
        )
    if url.scheme == "http" and not _is_loopback(url.hostname or ""):
        raise SettingsError(
            f"{source} is {value!r}: plain http is only for endpoints on this machine.",
            advice="use https.",
        )
    return value.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _site(region: str) -> str:
    return "myhuaweicloud.eu" if _EUROPEAN_SITE.fullmatch(region) else "myhuaweicloud.com"

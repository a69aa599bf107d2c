"""Where each setting comes from, and the diagnostic when it is missing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..api.credentials import Credentials, CredentialSource
from .credential_chain import PROFILE, PROFILE_FILE, PROFILE_VARIABLE, OfficialChain
from .errors import SettingsError
from .keys import (
    CONFIGURED_KEYS,
    CONFIGURED_TOKEN,
    KEY_VARIABLES,
    PACKAGE_KEYS,
    TOKEN_VARIABLE,
    find_credentials,
    halves,
)
from .location import (
    REGION_VARIABLES,
    checked_endpoint,
    checked_project_id,
    checked_region,
    missing_region,
    service_host,
)

REGION_KEYS: Final = ("dcs:region", "huaweicloud:region")
PROJECT_KEYS: Final = ("dcs:projectId", "huaweicloud:projectId")
PROJECT_VARIABLES: Final = ("HUAWEICLOUD_SDK_PROJECT_ID", "HW_PROJECT_ID")
ENDPOINT_KEYS: Final = ("dcs:endpoint",)
ENDPOINT_VARIABLES: Final = ("DCS_ENDPOINT",)
IAM_ENDPOINT_VARIABLES: Final = ("HUAWEICLOUD_SDK_IAM_ENDPOINT",)

_CREDENTIALS_ADVICE: Final = (
    "run `pulumi config set --secret dcs:accessKey` and `pulumi config set --secret dcs:secretKey`, "
    "or set the variables in the environment."
)


@dataclass(frozen=True)
class Settings:
    """The settings of one run: our stack configuration, the ``huaweicloud`` package's, then the environment.

    Args:
        configuration: the stack's configuration, by full key (``dcs:region``).
        environment: the process's environment.
        chain: where credentials come from when none of these has them.
    """

    configuration: Mapping[str, Any] = field(repr=False)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    chain: OfficialChain = field(default_factory=OfficialChain, repr=False)

    @property
    def region(self) -> str:
        """``dcs:region``, ``huaweicloud:region`` or the variable; empty where there is none.

        Raises:
            SettingsError: it can't be part of a host name.
        """
        value, source = self._first(REGION_KEYS, REGION_VARIABLES)
        return checked_region(value, source) if value else ""

    @property
    def project_id(self) -> str:
        """``dcs:projectId``, ``huaweicloud:projectId``, the variables, or the profile file's; empty where none has it.

        The profile file's counts only where the keys are its own.

        Raises:
            SettingsError: it can't be part of a URL.
        """
        value, source = self._first(PROJECT_KEYS, PROJECT_VARIABLES)
        if not value and self._named_credentials() is None:
            value, source = self.chain.profile_project_id(), f"project_id in {PROFILE}"
        return checked_project_id(value, source) if value else ""

    def endpoint(self, region: str) -> str:
        """The DCS endpoint for a region: the configured one, ``{region}`` filled in, or the region's own.

        Raises:
            SettingsError: there is none, or it is neither https nor on this machine.
        """
        value, source = self._first(ENDPOINT_KEYS, ENDPOINT_VARIABLES)
        if not value:
            if not region:
                raise missing_region()
            return service_host("dcs", region)
        return checked_endpoint(value.replace("{region}", region), source)

    @property
    def needs_region(self) -> bool:
        """Whether the endpoint cannot be known without a region."""
        value, _ = self._first(ENDPOINT_KEYS, ENDPOINT_VARIABLES)
        return not value or "{region}" in value

    @property
    def mark(self) -> bool:
        """Whether backups get a mark at the end of their remark (``dcs:mark``), which proves whose they are.

        Raises:
            SettingsError: it is neither true nor false.
        """
        value = self._configured("dcs:mark").lower()
        if value not in ("", "true", "false"):
            raise SettingsError("dcs:mark is neither true nor false.", advice="set it to true or false.")
        return value == "true"

    @property
    def is_debugging(self) -> bool:
        """Whether API errors shall show their traceback as well (``DCS_DEBUG=1``)."""
        return self._variable("DCS_DEBUG") not in ("", "0")

    def iam_endpoint(self, region: str) -> str:
        """The IAM endpoint for a region; ``HUAWEICLOUD_SDK_IAM_ENDPOINT`` names another one."""
        value, source = self._first((), IAM_ENDPOINT_VARIABLES)
        return checked_endpoint(value, source) if value else service_host("iam", region)

    def credentials(self) -> CredentialSource:
        """The credentials: configuration, environment, profile file, server metadata; the first that are there.

        Raises:
            SettingsError: there are none, only one half of a pair, or what can't be a key or token.
        """
        source = self.credentials_at_hand() or self.chain.metadata()
        if source is None:
            raise self._missing_credentials()
        return source

    def credentials_at_hand(self) -> CredentialSource | None:
        """As :meth:`credentials`, without asking the network; None where there are none."""
        found = self._named_credentials()
        if found is not None:
            return lambda: found
        return self.chain.profile()

    def profile_trouble(self) -> str:
        """Why the profile file gives no credentials though it is needed and there; empty where nothing is wrong.

        For a warning: the run goes on without it, but a preview then checks less than the user expects.
        """
        if self._named_credentials() is not None or self.chain.profile() is not None:
            return ""
        trouble = self.chain.troubles.get(PROFILE)
        if not trouble:
            return ""
        return f"The profile file ({PROFILE_FILE}, or where {PROFILE_VARIABLE} points to) can't be used: {trouble}."

    def _named_credentials(self) -> Credentials | None:
        return find_credentials(self._configured, self._variable)

    def _missing_credentials(self) -> SettingsError:
        facts = [
            f"stack configuration: {CONFIGURED_KEYS.access_key} and {CONFIGURED_KEYS.secret_key}, or "
            f"{CONFIGURED_TOKEN}; {PACKAGE_KEYS.access_key} and {PACKAGE_KEYS.secret_key}",
            "environment: "
            + ", ".join(f"{names.access_key} and {names.secret_key}" for names in KEY_VARIABLES)
            + f", or {TOKEN_VARIABLE}",
            f"the profile file ({PROFILE_FILE}), the server's metadata",
        ]
        facts += [f"{place} gave none: {trouble}" for place, trouble in self.chain.troubles.items()]
        facts += halves(self._configured, self._variable)
        return SettingsError(
            "No credentials for DCS. Looked for, in this order:", facts=facts, advice=_CREDENTIALS_ADVICE
        )

    def _configured(self, key: str) -> str:
        value = self.configuration.get(key)
        return str(value).strip() if value is not None else ""

    def _variable(self, name: str) -> str:
        return self.environment.get(name, "").strip()

    def _first(self, keys: tuple[str, ...], variables: tuple[str, ...]) -> tuple[str, str]:
        """The setting's value and where it came from."""
        for key in keys:
            if value := self._configured(key):
                return value, key
        for name in variables:
            if value := self._variable(name):
                return value, name
        return "", ""

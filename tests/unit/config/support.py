"""Settings as their tests make them: without a profile file or metadata, unless a test brings them."""

from __future__ import annotations

from typing import Any

from pulumi_dcs.api.credentials import Credentials
from pulumi_dcs.config.credential_chain import OfficialChain
from pulumi_dcs.config.settings import Settings


class NoChain(OfficialChain):
    def profile(self) -> None:
        return None

    def profile_project_id(self) -> str:
        return ""

    def metadata(self) -> None:
        return None


def settings(configuration: dict[str, Any] | None = None, /, **environment: str) -> Settings:
    return Settings(configuration or {}, environment, NoChain({}))


def credentials(configuration: dict[str, Any] | None = None, /, **environment: str) -> Credentials:
    return settings(configuration, **environment).credentials()()

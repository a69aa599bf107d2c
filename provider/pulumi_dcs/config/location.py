"""Endpoint, region and project: which values can be right, and which are meant when a resource names none."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import urlsplit

from ..api.location import Location, is_loopback
from .errors import SettingsError

REGION_VARIABLES: Final = ("HW_REGION_NAME",)

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
"""One label of a host name: 63 characters at most (RFC 1035), no hyphen at its ends."""
_REGION: Final = re.compile(_LABEL)
_HOST_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_MAX_HOST_NAME: Final = 253
_PROJECT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Project ids are 32 hexadecimal digits; more is let through, but nothing that would change a URL or a header."""
_URL_CHARACTERS: Final = re.compile(r"[!-~]+")
_PATH: Final = re.compile(r"[A-Za-z0-9/._~-]*")
_EUROPEAN_SITE: Final = re.compile(r"eu-west-1\d\d")
"""Regions of the European site, such as eu-west-101; eu-west-0 is another operator's, on the international site."""


class NamesLocations(Protocol):
    """Settings, as far as they say where requests go."""

    @property
    def region(self) -> str:
        """The region; empty where none is named."""

    @property
    def project_id(self) -> str:
        """The project; empty where none is named."""

    def endpoint(self, region: str) -> str:
        """The endpoint for a region."""


def resolve_location(
    settings: NamesLocations, region: str = "", project_id: str = "", *, find_project: Callable[[str], str]
) -> Location:
    """Where a resource's requests go.

    Args:
        region, project_id: what the resource names; empty where the settings decide.
        find_project: finds the project of a region where nobody names one.

    Raises:
        SettingsError: a setting is missing, or can't be used.
    """
    region = checked_region(region, "region") if region else settings.region
    endpoint = settings.endpoint(region)
    project_id = checked_project_id(project_id, "project_id") if project_id else settings.project_id
    return Location(endpoint, project_id or find_project(region), region)


def is_region(text: str) -> bool:
    """Whether this can be a region's id: letters, digits, hyphens."""
    return bool(_REGION.fullmatch(text))


def checked_region(value: str, source: str) -> str:
    """The region's id, if it can be part of a host name."""
    if not is_region(value):
        raise SettingsError(f"{source} is not a valid region.", advice="set it to a region's id, such as cn-north-4.")
    return value


def checked_project_id(value: str, source: str) -> str:
    """The project's id, if it can be part of a URL."""
    if not _PROJECT_ID.fullmatch(value):
        raise SettingsError(
            f"{source} is not a valid project id.", advice="set it to the project's id: 32 hexadecimal digits."
        )
    return value


def missing_region() -> SettingsError:
    """The error where no region is known."""
    return SettingsError(
        "No region for DCS.",
        facts=[
            "looked for: region of the resource, dcs:region and huaweicloud:region (stack configuration), "
            f"{REGION_VARIABLES[0]}"
        ],
        advice="run `pulumi config set dcs:region cn-north-4` with your region.",
    )


def service_host(service: str, region: str) -> str:
    """The endpoint of a service in a region, on the site that the region belongs to."""
    site = "myhuaweicloud.eu" if _EUROPEAN_SITE.fullmatch(region) else "myhuaweicloud.com"
    return f"https://{service}.{region}.{site}"


def checked_endpoint(value: str, source: str) -> str:
    """The endpoint, if it is one that credentials may be used with.

    Raises:
        SettingsError: it can't exist, or it is neither ``https`` nor ``http`` on this machine's loopback.
    """
    advice = "set it to a URL such as https://dcs.cn-north-4.myhuaweicloud.com."
    if "@" in value:
        # The value may hold a password: not one character of it is shown, here as anywhere.
        raise SettingsError(f"{source} has a user or password in it.", advice=advice)
    scheme, host = _scheme_and_host(value)
    if scheme not in ("https", "http") or not _is_host(host):
        raise SettingsError(f"{source} is not a valid endpoint.", advice=advice)
    if scheme == "http" and not is_loopback(host):
        raise SettingsError(
            f"{source} is a plain http URL, which is only for endpoints on this machine.", advice="use https."
        )
    return value.rstrip("/")


def _scheme_and_host(value: str) -> tuple[str, str]:
    """Of a URL with nothing else but a port and a path; else empty texts."""
    # urlsplit silently takes line breaks and tabs out.
    if not _URL_CHARACTERS.fullmatch(value):
        return "", ""
    try:
        url = urlsplit(value)
        is_plain = not (url.query or url.fragment or "?" in value or "#" in value) and url.port != 0
    except ValueError:
        return "", ""
    if not is_plain or not _PATH.fullmatch(url.path) or url.netloc.endswith(":"):
        return "", ""
    return url.scheme, url.hostname or ""


def _is_host(host: str) -> bool:
    if _HOST_NAME.fullmatch(host) and len(host) <= _MAX_HOST_NAME and not host.rpartition(".")[2].isdigit():
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    # An address with a zone (fe80::1%eth0) has no place in a URL that others are to reach.
    return "%" not in host

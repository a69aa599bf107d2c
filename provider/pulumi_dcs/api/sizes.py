"""Says sizes as people do."""

from __future__ import annotations

from typing import Final

_KB: Final = 1024
_UNITS: Final = ("bytes", "KB", "MB", "GB", "TB")


def size_in_words(size: int) -> str:
    """Bytes as a person would say them: ``1.1 GB``."""
    value = float(size)
    for unit in _UNITS:
        if value < _KB or unit == _UNITS[-1]:
            break
        value /= _KB
    return f"{value:.0f} {unit}" if value >= 100 or unit == "bytes" else f"{value:.1f} {unit}"

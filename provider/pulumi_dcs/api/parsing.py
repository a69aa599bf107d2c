"""Reads single values of what the service sends, with tolerance: they may be missing, null, or of another type."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Final

_TIME_SHAPES: Final = (
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
)
"""All four occur in the service's own samples; all are UTC."""


def text(value: object) -> str:
    """A string as it is, a number as text; empty for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return ""


def word(value: object) -> str:
    """As :func:`text`, without blanks around it."""
    return text(value).strip()


def whole_number(value: object) -> int | None:
    """A number from 0 on, as a number or as text; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value < 2**63 else None
    number = decimal(value)
    return None if number is None else whole_number(int(number))


def decimal(value: object) -> float | None:
    """A finite number from 0 on, as a number or as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def percent_of(progress: object) -> float | None:
    """A progress as the service writes it, in percent, 0 to 100; None where it can't be read."""
    value = decimal(word(progress).rstrip("% "))
    return value if value is not None and value <= 100 else None


def count(value: object) -> int | None:
    """A list's total. Only a number counts: an odd total must not prove that a list is complete."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def boolean(value: object) -> bool | None:
    """A boolean, also as "TRUE" or "false"; None for anything else."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(word(value).lower())


def parse_time(value: str) -> datetime | None:
    """Read a time in one of the shapes that the service uses (UTC); None where it is in none of them."""
    for shape in _TIME_SHAPES:
        try:
            return datetime.strptime(value, shape).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    return None

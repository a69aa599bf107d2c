"""Ids as the service gives them."""

from __future__ import annotations

import re
from typing import Final

ID_RULE: Final = "letters, digits, - and _; at most 128 characters"
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


def is_id(value: object) -> bool:
    """Whether this can be the id of an instance, of a project, or of anything that an instance has."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None

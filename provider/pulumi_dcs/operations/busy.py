"""What creating and deleting share while the instance is busy: how long to pause, and what to say meanwhile."""

from __future__ import annotations

from typing import Final

from ..api.clock import in_words
from ..api.error_codes import BUSY
from ..api.errors import InstanceBusyError

MAX_BUSY_DELAY: Final = 15.0
"""Seconds between two tries while the instance is busy: its own operations take minutes."""


def busy_message(error: InstanceBusyError, waited: float) -> str:
    """What the progress says.

    Args:
        waited: seconds since the instance was first found busy.
    """
    return f"the instance is {BUSY[error.error_code]} ({error.error_code}); waiting, {in_words(waited)}"

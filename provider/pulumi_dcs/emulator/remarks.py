"""Which remarks the service accepts, and what it makes of one before it keeps it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from .behaviour import Behaviour
from .problems import Problem

MAX_REMARK: Final = 128


def refuse_if_too_long(remark: str | None, behaviour: Behaviour) -> None:
    """Raise the documented error of a remark that is too long."""
    if remark is not None and len(remark.encode() if behaviour.remark_limit_in_bytes else remark) > MAX_REMARK:
        raise Problem("DCS.4098")


def as_kept(remark: str | None, behaviour: Behaviour) -> str | None:
    """The remark as later lists show it."""
    if remark is None:
        return None
    if behaviour.remark_nfc:
        remark = unicodedata.normalize("NFC", remark)
    if behaviour.remark_collapse:
        remark = re.sub(r"\s+", " ", remark)
    if behaviour.remark_trim:
        remark = remark.strip()
    if behaviour.remark_max_bytes > 0:
        remark = remark.encode()[: behaviour.remark_max_bytes].decode(errors="ignore")
    return remark

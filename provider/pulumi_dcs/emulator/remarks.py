"""What the service makes of a remark before it keeps it."""

from __future__ import annotations

import re
import unicodedata

from .behaviour import Behaviour


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

"""How long a backup's remark may be."""

from __future__ import annotations

from typing import Final

MAX_REMARK_LENGTH: Final = 128
"""Characters that the service allows (DCS.4098)."""

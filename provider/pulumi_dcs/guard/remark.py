"""The remark of a backup before a change: what the user writes, and the change mark at its end.

The change mark, ``~change:`` and twelve hexadecimal digits, is the same for the same change and for no other one. By it
a run finds the backup that an earlier run, perhaps on another machine, took for the change that it is about to make.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import Final

from ..resources.remark import MAX_REMARK_LENGTH

PLACEHOLDERS: Final = ("operation", "name")
MARK_PREFIX: Final = "~change:"
HASH_LENGTH: Final = 12
"""Hexadecimal digits: 48 bits, so that two changes of the same instance never share them by chance."""
MARK_LENGTH: Final = len(MARK_PREFIX) + HASH_LENGTH + 1
"""With the blank before it."""
_MARK: Final = re.compile(rf"\s*{MARK_PREFIX}[0-9a-f]{{{HASH_LENGTH}}}\s*$")
_ROOM: Final = MAX_REMARK_LENGTH - MARK_LENGTH
"""Characters for the remark itself."""
_CUT: Final = ".."
"""Where a long name was cut; three bytes of an ellipsis may be too many for the service."""


@dataclass(frozen=True)
class RemarkTemplate:
    """A remark with ``{operation}`` and ``{name}``.

    Args:
        text: as the user writes it.

    Raises:
        ValueError: it can't be a remark, whatever the change.
    """

    text: str

    def __post_init__(self) -> None:
        fixed = sum(len(literal) for literal, _ in _parse(self.text))
        if fixed > _ROOM:
            raise ValueError(
                f"remark has {fixed} characters without its placeholders: at most {_ROOM} are possible, since the "
                f"service keeps {MAX_REMARK_LENGTH} and the mark of the change takes {MARK_LENGTH} of them."
            )

    def fill_in(self, operation: str, name: str) -> str:
        """The remark for a change, without its mark; a name that is too long is cut at its end."""
        values = {"operation": operation, "name": name}
        whole = self._with(values)
        surplus = len(whole) - _ROOM
        count = sum(field == "name" for _, field in _parse(self.text))
        if surplus <= 0:
            return whole
        if count:
            kept = len(name) - -(-surplus // count) - len(_CUT)
            values["name"] = name[: max(0, kept)] + _CUT
        # Without a name in it, or with more dots than room, the end goes.
        return self._with(values)[:_ROOM]

    def _with(self, values: dict[str, str]) -> str:
        return "".join(literal + values.get(field, "") for literal, field in _parse(self.text)).strip()


def change_mark(change_hash: str) -> str:
    """The mark that ends the remark of the backup for a change."""
    return f"{MARK_PREFIX}{change_hash[:HASH_LENGTH]}"


def with_mark(remark: str, mark: str) -> str:
    """The remark as it is sent."""
    return f"{remark} {mark}".strip()


def split_mark(remark: str) -> tuple[str, str]:
    """What the service's record of a remark says, and the change mark at its end; an empty one where there is none."""
    found = _MARK.search(remark)
    return (remark[: found.start()], found[0].strip()) if found else (remark, "")


def _parse(text: str) -> list[tuple[str, str]]:
    """Literal texts, each with the placeholder that follows it; empty for none."""
    parts = []
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError:
        raise ValueError("remark has a single brace: write {{ or }} for a brace of the remark's own.") from None
    for literal, field, spec, conversion in parsed:
        if field is not None and (field not in PLACEHOLDERS or spec or conversion):
            known = " and ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            shown = field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            raise ValueError(f"remark has the placeholder {{{shown}}}: there are only {known}.")
        parts.append((literal, field or ""))
    return parts

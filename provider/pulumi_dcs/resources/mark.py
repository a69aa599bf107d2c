"""The mark: a text at the end of a backup's remark at the service that says whose backup it is.

Where ``dcs:mark`` is on, a backup's remark ends in ``~dcs:`` and twelve hexadecimal digits. Only this resource (its
URN, and its organisation) with these inputs in this generation writes them. The generation is the backup that the new
one replaces, so that inputs that come back get another mark. The resource's own remark never shows the mark.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final

MARK_LENGTH: Final = len(" ~dcs:0123456789ab")
_MARK: Final = re.compile(r"\s*~dcs:[0-9a-f]{12}\s*$")


def mark_for(urn: str, inputs_hash: str, *, organization: str = "", replaces: str = "") -> str:
    """The mark of a backup.

    Args:
        urn: of the resource; it names the stack, but not whose it is.
        inputs_hash: of the inputs that call for a new backup.
        organization: the stack's; empty where there is none.
        replaces: the backup that this one replaces; empty for the first.
    """
    parts = [part for part in (organization, urn) if part] + [inputs_hash] + ([replaces] if replaces else [])
    return f"~dcs:{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:12]}"


def add_mark(remark: str, mark: str) -> str:
    """The remark as it is sent to the service."""
    return f"{remark} {mark}".strip() if mark else remark


def without_mark(remark: str) -> str:
    """The remark without the mark that the service's record of it may end in."""
    return _MARK.sub("", remark)


def has_mark(remark: str) -> bool:
    """Whether the remark ends like a mark."""
    return _MARK.search(remark) is not None


def ends_in(remark: str, mark: str) -> bool:
    """Whether the service's remark ends in this very mark."""
    return bool(mark) and remark.rstrip().endswith(mark)


def is_same_remark(one: str, other: str) -> bool:
    """Whether two remarks differ in nothing but what a service may make of a text: blanks, and ways of writing it."""
    return _essence(one) == _essence(other)


def remark_hash(remark: str) -> str:
    """A text that is the same for the same remark in the sense of :func:`is_same_remark`, and does not tell it."""
    return f"sha256:{hashlib.sha256(_essence(remark).encode()).hexdigest()}"


def _essence(remark: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", remark).split())

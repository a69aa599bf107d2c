"""Names of files as the service sends them: data, which must not decide where on this machine anything is written."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from ..api.error_response import clean
from .errors import OperationError

_MAX_BYTES: Final = 200
"""File systems allow 255; the hidden file of an unfinished download has some more than the name itself."""
_NEVER: Final = frozenset("/\\\0")
_NOT_ON_WINDOWS: Final = frozenset('<>:"|?*')
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
)
"""Names that are devices on Windows, whatever follows a dot."""


class UnsafeNameError(OperationError):
    """A file's name is none that a file can be given here."""


def checked_names(names: Iterable[str], *, is_windows: bool = os.name == "nt") -> Sequence[str]:
    """The names, if each is the plain name of a file of its own.

    Raises:
        UnsafeNameError: one is not: nothing may be written by it.
    """
    taken: set[str] = set()
    checked = []
    for name in names:
        defect = _defect(name, is_windows=is_windows)
        # File systems differ in whether they tell cases and ways of writing a character apart.
        essence = unicodedata.normalize("NFC", name).casefold()
        if not defect and essence in taken:
            defect = "is the name of another file of this backup as well"
        if defect:
            raise UnsafeNameError(
                f"DCS names a file {shown(name)}, which {defect}.",
                facts=["nothing was written: a name that is no plain file name may lead out of the folder"],
                advice="check that the endpoint is the right one; if it is, ask the service's support.",
            )
        taken.add(essence)
        checked.append(name)
    return checked


def shown(name: str) -> str:
    """A name in a message: on one line, without characters that do something to a terminal."""
    return f"'{clean(name)[:120]}'"


def _defect(name: str, *, is_windows: bool) -> str:
    if not name or name.startswith("."):
        return "is no name for a file that can be seen"
    if _NEVER.intersection(name):
        return "is a path"
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in name):
        return "has characters that can't be seen"
    if len(name.encode()) > _MAX_BYTES:
        return f"is longer than {_MAX_BYTES} bytes"
    is_device = name.partition(".")[0].rstrip().lower() in _DEVICES
    if is_windows and (_NOT_ON_WINDOWS.intersection(name) or is_device or name.endswith((".", " "))):
        return "can't be the name of a file on Windows"
    return ""

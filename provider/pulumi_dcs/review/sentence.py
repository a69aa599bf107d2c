"""Sentences in which our own words and other people's data stay apart until they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ..api.words import date_in_words, size_in_words

__all__ = [
    "Data",
    "Sentence",
    "age_in_words",
    "counted",
    "date_and_size",
    "date_in_words",
    "listed",
    "plain",
    "size_in_words",
]

_MAX_SKEW: Final = 300
"""Seconds that two clocks may well differ."""
_MAX_NAMES: Final = 6
"""Names in one sentence; more than that nobody reads."""


@dataclass(frozen=True)
class Data:
    """A text that is not ours: a name, an id, a remark, a message. It is shown as it is and means nothing."""

    text: str


Sentence = tuple[str | Data, ...]


def plain(sentence: Sentence) -> str:
    """The sentence as text, for where nothing in it can do harm."""
    return "".join(part.text if isinstance(part, Data) else part for part in sentence)


def listed(names: Iterable[str]) -> Sentence:
    """Names in a row, in order: ``a, b and c``; of many only the first, and how many there are besides."""
    found = list(dict.fromkeys(names))
    shown: Sequence[str | Data] = [Data(name) for name in found[:_MAX_NAMES]]
    rest = len(found) - len(shown)
    if rest:
        shown = [*shown, f"{rest} others" if rest > 1 else "1 other"]
    parts: list[str | Data] = []
    for number, each in enumerate(shown):
        if number:
            parts.append(" and " if number == len(shown) - 1 else ", ")
        parts.append(each)
    return tuple(parts)


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 backup``, ``2 backups``."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def age_in_words(moment: datetime, now: datetime) -> str:
    """How long ago it was, roughly: ``3 h ago``; the date where one of the clocks is wrong, and it is still to come."""
    seconds = (now - moment).total_seconds()
    if seconds < -_MAX_SKEW:
        return date_in_words(moment)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit} ago"
    return "just now"


def date_and_size(created: datetime | None, size: int | None) -> str:
    """What is known of a backup, to follow its id: `` (2026-11-24 02:00 UTC, 1.1 GB)``; empty where nothing is."""
    facts = [date_in_words(created)] if created is not None else []
    facts += [size_in_words(size)] if size is not None else []
    return f" ({', '.join(facts)})" if facts else ""

"""Lists by pages: their parameters, and the ways in which a list contradicts itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final, TypeVar

from .behaviour import Behaviour
from .problems import Problem

MAX_LIMIT: Final = 1000
DEFAULT_LIMIT: Final = 10

T = TypeVar("T")


@dataclass(frozen=True)
class Page:
    """Which rows of a list are wanted."""

    offset: int
    limit: int

    @classmethod
    def parsed(cls, limit: str, offset: str) -> Page:
        """The page that the query asks for."""
        if not limit.isdecimal() or not 1 <= int(limit) <= MAX_LIMIT:
            raise Problem("DCS.4005", "limit must be between 1 and 1000.")
        if not offset.isdecimal():
            raise Problem("DCS.4800")
        return cls(int(offset), int(limit))

    @property
    def number(self) -> int:
        """The page's number, counted from 1."""
        return self.offset // self.limit + 1

    def of(self, rows: Sequence[T]) -> Sequence[T]:
        """The page's rows."""
        return rows[self.offset : self.offset + self.limit]


def parsed_period(begin_time: str, end_time: str, now: float) -> tuple[float, float]:
    """The time in which backups must have been created."""
    begin, end = _moment(begin_time, -math.inf), _moment(end_time, math.inf)
    if begin > now:
        # The code of a backup file that does not exist has this second meaning.
        raise Problem("DCS.4031", "The start time must be earlier than the current server time.")
    return begin, end


def without_rows(rows: Sequence[T], missing: int) -> Sequence[T]:
    """The rows without the last ``missing`` of them; -1 leaves none."""
    return rows if missing == 0 else rows[: max(0, len(rows) - missing)] if missing > 0 else rows[:0]


def as_listed(
    rows: Sequence[dict[str, Any]], total: int, page: Page, behaviour: Behaviour, name: str = "backup_record_response"
) -> dict[str, Any]:
    """The body of a list of backups or restores, as contradictory as the behaviour asks for."""
    if not behaviour.list_missing_pages or page.number in behaviour.list_missing_pages:
        rows = without_rows(rows, behaviour.list_missing_rows)
    body: dict[str, Any] = {}
    if behaviour.list_total != "absent":
        is_null = behaviour.list_total == "null"
        body["total_num"] = None if is_null else max(0, total + behaviour.list_total_excess)
    if rows or behaviour.list_rows_when_none == "empty":
        body[name] = rows
    elif behaviour.list_rows_when_none == "null":
        body[name] = None
    return body


def _moment(text: str, default: float) -> float:
    if not text:
        return default
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        raise Problem("DCS.4005", "Times are written yyyyMMddHHmmss.") from None

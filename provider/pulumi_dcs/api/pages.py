"""Reads one page of any list that the service gives in pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from .clock import Pause
from .messages import Request, service_time
from .parsing import count

if TYPE_CHECKING:
    from .client import Client

T = TypeVar("T")

MAX_PAGE_SIZE: Final = 1000
"""Records per page; the most that the service gives."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        total: how many records the service says there are; None where it says nothing that can be read.
        records: those rows that are such records, in the service's order.
        row_count: how many rows there are, readable or not.
        service_time: when it was made, by the service's clock, in whole seconds.
        offset, limit: what was asked for.
    """

    total: int | None
    records: tuple[T, ...]
    row_count: int
    service_time: datetime | None = None
    offset: int = 0
    limit: int = MAX_PAGE_SIZE

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after it, as far as this page tells."""
        end = self.offset + self.row_count
        return self.row_count == 0 or (end >= self.total if self.total is not None else self.row_count < self.limit)


def read_page(
    client: Client,
    path: str,
    *,
    action: str,
    rows: str,
    total: str,
    parse: Callable[[object], T | None],
    limit: int,
    offset: int,
    pause: Pause | None,
    is_confidential: bool = False,
) -> Page[T]:
    """GET one page.

    Args:
        action: what is asked for, to follow "to".
        rows, total: what the response calls the rows, and their number.
        parse: reads one row; None where it is no such record.
        is_confidential: whether nothing of the response may be shown.

    Raises:
        UnexpectedResponse: there are no rows in it.
    """
    query = (("limit", str(limit)), ("offset", str(offset)))
    request = Request("GET", path, query=query, is_confidential=is_confidential)
    response = client.send(request, action=action, expected=(200, 204), pause=pause)
    if response.status == 204:
        # Nothing from the offset on: how many there are before it, this does not tell.
        return Page(None if offset else 0, (), 0, service_time(response), offset, limit)
    body = response.json()
    found = body.get(rows) if isinstance(body, Mapping) else None
    number = count(body.get(total)) if isinstance(body, Mapping) else None
    if found is None and number == 0:
        found = []
    if not isinstance(found, list):
        raise client.unexpected(response, request, action=action)
    records = tuple(record for record in map(parse, found) if record is not None)
    return Page(number, records, len(found), service_time(response), offset, limit)

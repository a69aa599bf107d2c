"""A request and a response as values. Light to import: what only reads records needs no HTTP library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from .errors import DcsError


@dataclass(frozen=True)
class Request:
    """What is to be sent.

    Attributes:
        is_confidential: whether a response can hold secrets that we don't know: of its body, an error shows only what
            stands where the API documents an error's code and message.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, object] | None = field(default=None, repr=False)
    is_confidential: bool = False


@dataclass(frozen=True)
class Response:
    """What came back.

    Attributes:
        is_complete: whether all of the body was read.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    is_complete: bool = True

    def json(self) -> object:
        """The body as JSON; None where it is none."""
        try:
            parsed: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return parsed


def service_time(response: Response) -> datetime | None:
    """The service's clock when it responded, in whole seconds; None where the response does not tell."""
    try:
        moment = parsedate_to_datetime(response.headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def path_segment(text: str) -> str:
    """An id as one segment of a URL's path.

    Raises:
        DcsError: it can't be one. Empty, or made of dots, it would name another resource: the instance instead of
            its backup.
    """
    if text.strip(".") == "":
        raise DcsError(f"{text!r} is not a valid id.", advice="give the id as the service shows it.")
    return quote(text, safe="")

"""What the operations need to know of a kind of record: anything at the service with an id and a status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar

from ..api.clock import Pause

PAGE_SIZE: Final = 1000
"""Records asked for per page; the largest that the service allows, so that one request is nearly always enough."""


class Record(Protocol):
    """One record. What it says of its status excludes each other; all False is a status nobody has documented."""

    @property
    def id(self) -> str:
        """The record's id."""

    @property
    def status_text(self) -> str:
        """The status as the service writes it."""

    @property
    def is_waiting(self) -> bool:
        """Whether the work has not started yet; such a record is running as well."""

    @property
    def is_running(self) -> bool:
        """Whether the service is working on it, which keeps the instance busy."""

    @property
    def has_succeeded(self) -> bool:
        """Whether it ended well."""

    @property
    def has_failed(self) -> bool:
        """Whether it ended badly."""

    @property
    def is_gone(self) -> bool:
        """Whether it is listed as something that no longer exists."""

    @property
    def is_usable(self) -> bool | None:
        """Whether the service says that it can be used; None where it does not say."""

    @property
    def percent(self) -> float | None:
        """The progress in percent; None where it is not told."""

    @property
    def created(self) -> datetime | None:
        """When it was created, by the service's clock."""

    @property
    def updated(self) -> datetime | None:
        """When it last changed, by the service's clock: for a finished one, when it ended."""

    @property
    def error_code(self) -> str:
        """Why it failed; empty where that is not told."""


R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)


class Page(Protocol[R_co]):
    """One page of a list of records."""

    @property
    def total(self) -> int | None:
        """How many records the service says there are; None where it does not."""

    @property
    def records(self) -> Sequence[R_co]:
        """The rows that could be read."""

    @property
    def row_count(self) -> int:
        """How many rows the page had."""

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after it, as far as it tells."""

    @property
    def service_time(self) -> datetime | None:
        """The service's clock when it responded."""


class RecordLists(Protocol[R_co]):
    """The API's method that lists one kind of record."""

    def list_page(self, instance_id: str, *, limit: int, offset: int) -> Page[R_co]:
        """List a page of an instance's records."""


class RecordApi(RecordLists[R_co], Protocol[R_co]):
    """The API's methods for one kind of record that can be deleted."""

    def delete(self, instance_id: str, record_id: str, /) -> None:
        """Delete one record."""


OpenApi = Callable[[Pause], RecordApi[R_co]]
"""Makes the API's methods for an operation, which waits by this pause."""
OpenLists = Callable[[Pause], RecordLists[R_co]]
"""The same for what is only listed."""


@dataclass(frozen=True)
class RecordKind:
    """How messages speak of a kind of record.

    Attributes:
        noun: what one is called, such as ``backup``.
        waiting, running, done: what becomes of the instance meanwhile: ``backing up``.
        failures: the meaning of each documented error code of a failed one; empty where it speaks for itself.
        under_way: what is done with one meanwhile, to follow "while backup 6f1e… was".
        adopt_input: the input that takes an existing one over.
        again: what `pulumi up` does once nothing speaks against making another one.
        is_repeatable: whether making it twice costs no more than a second record. A restore overwrites what was written
            since: it is never sent a second time by the same run, a failed one counts as made, and one that is no
            longer listed was made all the same. Nor does one count as done that has ended in an unknown status.
    """

    noun: str
    waiting: str
    running: str
    done: str
    failures: Callable[[str], str]
    under_way: str = "being made"
    adopt_input: str = "adopt_backup_id"
    again: str = "makes a new one"
    is_repeatable: bool = True

    def of(self, record_id: str, instance_id: str) -> str:
        """A record of an instance, in words."""
        return f"{self.noun} {record_id} of instance {instance_id}"


def is_stuck_at_the_end(record: Record) -> bool:
    """Whether a record has come to an end in a status that nobody has documented: it will not change by waiting."""
    is_known = record.is_running or record.has_succeeded or record.has_failed or record.is_gone
    return not is_known and record.percent == 100.0

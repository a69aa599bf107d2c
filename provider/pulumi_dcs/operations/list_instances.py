"""All instances that fit a filter, page by page, from lists that agree with their own totals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from ..api import retries
from ..api.errors import DcsError
from ..api.instances import Instance, InstancePage, Instances, is_instance_gone
from .errors import OperationError
from .operation import Operation

_MAX_PAGES: Final = 1000
"""A million instances: the bound for a service that never stops paging."""
_MAX_READINGS: Final = 3
"""How often a list that contradicts itself is read again at once; most contradictions are a change in between."""
_SIDE_BY_SIDE: Final = 8
"""Instances whose details are read at the same time; the client's own pace keeps to the service's limit."""
_NOT_IN_A_FILTER: Final = frozenset(",=")
"""Characters that the text of a filter by tags can't express within a tag."""


class IncompleteInstancesError(OperationError):
    """A list of instances contradicts its own total, however often it is read."""


@dataclass(frozen=True)
class InstanceFilter:
    """Which instances are wanted; everything that is given has to fit.

    Attributes:
        name: a part of the name.
        name_exact: the whole name.
        status: the status, in capitals.
        tags: tags and their values.
        cache_modes: modes; only an instance's details tell its mode.
    """

    name: str = ""
    name_exact: str = ""
    status: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    cache_modes: frozenset[str] = frozenset()

    @property
    def sent_tags(self) -> dict[str, str]:
        """The tags that the service's filter can express."""
        return {
            key: value
            for key, value in self.tags.items()
            if key and value and not _NOT_IN_A_FILTER.intersection(key + value)
        }

    def fits(self, instance: Instance) -> bool:
        """Whether a row of the list fits, as far as it tells. What the service's filter means is not left to it."""
        has_name = self.name_exact in ("", instance.name)
        has_status = self.status in ("", instance.status)
        # A row that tells no tags is one that the service has chosen, or that has none.
        has_tags = self.tags.items() <= (self.sent_tags if instance.tags is None else instance.tags).items()
        return has_name and has_status and has_tags


def list_instances(instances: Instances, operation: Operation, wanted: InstanceFilter) -> list[Instance]:
    """The instances that fit, by name; those of the same name by id.

    Raises:
        IncompleteInstancesError: the list keeps contradicting its own total, so that some may be missing.
        DcsError: the list, or an instance's details, could not be read.
    """
    since = operation.elapsed
    attempt = 0
    while (found := _read_again_and_again(instances, operation, wanted)) is None:
        if operation.elapsed - since > retries.READ_RETRY_TIMEOUT:
            raise IncompleteInstancesError(
                "DCS sends an incomplete list of instances.",
                facts=["it does not have as many rows as its own total says; instances may be missing in it"],
                advice="try again later; if it persists, ask the service's support.",
            )
        attempt += 1
        operation.pause(retries.backoff_delay(attempt))
    rows = [instance for instance in found if wanted.fits(instance)]
    if wanted.cache_modes:
        detailed = _details(instances, operation, rows)
        rows = [instance for instance in detailed if instance.cache_mode in wanted.cache_modes]
    return sorted(rows, key=lambda instance: (instance.name, instance.instance_id))


def _read_again_and_again(
    instances: Instances, operation: Operation, wanted: InstanceFilter
) -> Iterable[Instance] | None:
    """The rows of a list that agrees with its own total; None where some readings give none."""
    for _ in range(_MAX_READINGS):
        if (found := _read_once(instances, operation, wanted)) is not None:
            return found
    return None


def _read_once(instances: Instances, operation: Operation, wanted: InstanceFilter) -> Iterable[Instance] | None:
    """All pages; None unless the total stood still and there are as many instances as it says.

    Where the service says no total, a list with rows is believed, and an empty one is not.
    """
    found: dict[str, Instance] = {}
    totals: set[int | None] = set()
    row_count = 0
    for _ in range(_MAX_PAGES):
        page = _read_page(instances, operation, wanted, row_count)
        new = {each.instance_id: each for each in page.instances if each.instance_id not in found}
        found.update(new)
        totals.add(page.total)
        row_count += page.row_count
        if page.is_last or not new:
            break
    is_complete = len(found) == row_count and (totals == {row_count} or (totals == {None} and row_count > 0))
    return found.values() if is_complete else None


def _read_page(instances: Instances, operation: Operation, wanted: InstanceFilter, offset: int) -> InstancePage:
    return retries.read(
        lambda: instances.list_page(
            name=wanted.name_exact or wanted.name,
            is_whole_name=bool(wanted.name_exact),
            status=wanted.status,
            tags=wanted.sent_tags,
            offset=offset,
        ),
        clock=operation.clock,
        pause=operation.pause,
        retry_timeout=min(retries.READ_RETRY_TIMEOUT, operation.remaining),
        on_retry=operation.report_progress,
    )


def _details(instances: Instances, operation: Operation, rows: list[Instance]) -> list[Instance]:
    """The instances with what only their details tell; without those that were deleted meanwhile."""
    if not rows:
        return []
    with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(rows))) as pool:
        details = [pool.submit(_show, instances, operation, row) for row in rows]
        try:
            return [found for each in details if (found := each.result()) is not None]
        except BaseException:
            # The first failure is the response: nothing more is asked.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _show(instances: Instances, operation: Operation, row: Instance) -> Instance | None:
    try:
        shown = retries.read(
            partial(instances.show, row.instance_id),
            clock=operation.clock,
            pause=operation.pause,
            retry_timeout=min(retries.READ_RETRY_TIMEOUT, operation.remaining),
        )
    except DcsError as error:
        if is_instance_gone(error):
            return None
        raise
    return replace(row, cache_mode=shown.cache_mode, spec_code=shown.spec_code or row.spec_code)

"""Instances: list them, show one, and whether an error says that there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .clock import Pause
from .error_codes import INSTANCE_GONE
from .errors import ServiceError
from .messages import Request, path_segment
from .parsing import decimal, text, whole_number, word

if TYPE_CHECKING:
    from .client import Client


CACHE_MODES: Final[Mapping[str, str]] = {
    "ha": "master/standby",
    "cluster": "cluster",
    "proxy": "proxy cluster",
    "ha_rw_split": "read/write splitting",
    "single": "single node",
}
"""The documented modes, as a person would say them."""
MAX_PAGE_SIZE: Final = 1000
"""Instances per page; the most that the service gives."""
_FLAVOURS: Final = ("redis.single", "redis.ha", "redis.cluster", "redis.proxy")
"""How the names of flavours begin that tell whether an instance has a single node."""


@dataclass(frozen=True)
class Instance:
    """An instance as the service describes it; every field may be empty.

    Attributes:
        task: what runs on it now, such as ``BACKUPING``; a RUNNING instance with a task is busy.
        capacity_gb: its size; a fraction such as 0.125 is possible.
        tags: by key; None where the service does not tell them.
    """

    instance_id: str
    name: str = ""
    cache_mode: str = ""
    status: str = ""
    task: str = ""
    engine: str = ""
    engine_version: str = ""
    capacity_gb: float | None = None
    used_memory_mb: int | None = None
    max_memory_mb: int | None = None
    spec_code: str = ""
    tags: Mapping[str, str] | None = field(default=None, hash=False)

    @property
    def can_be_backed_up(self) -> bool | None:
        """Whether it has more than one node; None where neither the mode nor the flavour's name tells."""
        if self.cache_mode or self.spec_code.startswith(_FLAVOURS):
            return not self.is_single_node
        return None

    @property
    def is_single_node(self) -> bool:
        """Single-node instances cannot be backed up. Where the mode is missing, the flavour's name tells."""
        if self.cache_mode:
            return self.cache_mode == "single"
        return self.spec_code.startswith("redis.single")

    @property
    def engine_in_words(self) -> str:
        """The engine and its version, as far as they are known: ``Redis 6.0``."""
        return " ".join(filter(None, [self.engine or "Redis", self.engine_version]))

    @classmethod
    def parse(cls, body: object, instance_id: str = "") -> Instance:
        """Read an instance's details, or a row of the list of instances."""
        row: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
        return cls(
            instance_id=instance_id or word(row.get("instance_id")),
            name=" ".join(text(row.get("name")).split()),
            cache_mode=word(row.get("cache_mode")).lower(),
            status=word(row.get("status")).upper(),
            task=word(row.get("task")).upper(),
            engine=word(row.get("engine")),
            engine_version=word(row.get("engine_version")),
            capacity_gb=_capacity(row),
            used_memory_mb=whole_number(row.get("used_memory")),
            max_memory_mb=whole_number(row.get("max_memory")),
            spec_code=word(row.get("spec_code")).lower(),
            tags=_tags(row.get("tags")),
        )


@dataclass(frozen=True)
class InstancePage:
    """One page of the list of instances.

    Attributes:
        total: how many instances the service says fit; None where it says nothing that can be read.
        instances: those rows that are instances.
        row_count: how many rows there are, readable or not.
        offset, limit: what was asked for.
    """

    total: int | None
    instances: tuple[Instance, ...]
    row_count: int
    offset: int = 0
    limit: int = MAX_PAGE_SIZE

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after it, as far as this page tells."""
        end = self.offset + self.row_count
        return self.row_count == 0 or (end >= self.total if self.total is not None else self.row_count < self.limit)


class Instances:
    """The instances at one location; cheap to make, one for each operation.

    Args:
        pause: sleeps; raises when the operation has to end. The clock's by default.
    """

    def __init__(self, client: Client, pause: Pause | None = None) -> None:
        self._client = client
        self._pause = pause

    def list_page(
        self,
        *,
        name: str = "",
        is_whole_name: bool = False,
        status: str = "",
        tags: Mapping[str, str] | None = None,
        limit: int = MAX_PAGE_SIZE,
        offset: int = 0,
    ) -> InstancePage:
        """GET the instances of the project that fit: one page of them.

        Args:
            name: a part of the name; with ``is_whole_name`` all of it.
            status: one status, in capitals.
            tags: tags that an instance has to have, all of them.
        """
        action = "list the instances"
        query = [("limit", str(limit)), ("offset", str(offset))]
        if name:
            query += [("name", name), *([("name_equal", "true")] if is_whole_name else [])]
        if status:
            query.append(("status", status))
        if tags:
            query.append(("tags", ",".join(f"{key}={value}" for key, value in tags.items())))
        project_id = path_segment(self._client.location.project_id)
        request = Request("GET", f"/v2/{project_id}/instances", query=tuple(query))
        response = self._client.send(request, action=action, expected=(200, 204), pause=self._pause)
        if response.status == 204:
            return InstancePage(None if offset else 0, (), 0, offset, limit)
        body = response.json()
        rows = body.get("instances") if isinstance(body, Mapping) else None
        total = _total(body.get("instance_num")) if isinstance(body, Mapping) else None
        if rows is None and total == 0:
            rows = []
        if not isinstance(rows, list):
            raise self._client.unexpected(response, request, action=action)
        found = tuple(instance for instance in map(Instance.parse, rows) if instance.instance_id)
        return InstancePage(total, found, len(rows), offset, limit)

    def show(self, instance_id: str) -> Instance:
        """GET the instance itself."""
        action = f"read the details of instance {instance_id}"
        project_id = path_segment(self._client.location.project_id)
        request = Request("GET", f"/v2/{project_id}/instances/{path_segment(instance_id)}")
        response = self._client.send(request, action=action, pause=self._pause)
        body = response.json()
        if not isinstance(body, Mapping):
            raise self._client.unexpected(response, request, action=action)
        return Instance.parse(body, instance_id)


def is_instance_gone(error: BaseException | None) -> bool:
    """Whether DCS itself says that it has no such instance. Any server can respond 404; only DCS knows that."""
    return isinstance(error, ServiceError) and error.error_code in INSTANCE_GONE and error.http_status in (400, 404)


def _tags(rows: object) -> dict[str, str] | None:
    """Tags by key, whatever type a key has; None where there is no list of them."""
    if not isinstance(rows, list):
        return None
    return {text(row.get("key")): text(row.get("value")) for row in rows if isinstance(row, Mapping)}


def _total(value: object) -> int | None:
    """Only a number counts: an odd total must not prove that a list is complete."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _capacity(row: Mapping[str, Any]) -> float | None:
    """Whole gigabytes, with smaller sizes in a field of their own: capacity 0 and capacity_minor ".125"."""
    capacity = decimal(row.get("capacity"))
    minor = decimal(row.get("capacity_minor"))
    return minor if not capacity and minor else capacity

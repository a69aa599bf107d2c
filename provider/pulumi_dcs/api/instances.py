"""Instances: show one, and whether an error says that there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Instance:
    """An instance as the service describes it; every field may be empty.

    Attributes:
        task: what runs on it now, such as ``BACKUPING``; a RUNNING instance with a task is busy.
        capacity_gb: its size; a fraction such as 0.125 is possible.
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
            name=text(row.get("name")),
            cache_mode=word(row.get("cache_mode")).lower(),
            status=word(row.get("status")).upper(),
            task=word(row.get("task")).upper(),
            engine=word(row.get("engine")),
            engine_version=word(row.get("engine_version")),
            capacity_gb=_capacity(row),
            used_memory_mb=whole_number(row.get("used_memory")),
            max_memory_mb=whole_number(row.get("max_memory")),
            spec_code=word(row.get("spec_code")).lower(),
        )


class Instances:
    """The instances at one location; cheap to make, one for each operation.

    Args:
        pause: sleeps; raises when the operation has to end. The clock's by default.
    """

    def __init__(self, client: Client, pause: Pause | None = None) -> None:
        self._client = client
        self._pause = pause

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


def _capacity(row: Mapping[str, Any]) -> float | None:
    """Whole gigabytes, with smaller sizes in a field of their own: capacity 0 and capacity_minor ".125"."""
    capacity = decimal(row.get("capacity"))
    minor = decimal(row.get("capacity_minor"))
    return minor if not capacity and minor else capacity

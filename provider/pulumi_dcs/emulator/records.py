"""An instance and a backup as they are stored; where each stands follows from the time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache

FINAL_STATUSES = frozenset({"succeed", "failed", "expired", "deleted"})
"""The documented statuses that no longer change."""


@dataclass(frozen=True)
class StoredInstance:
    """An instance.

    Attributes:
        task: what it is doing while its status is RUNNING; empty for nothing.
        busy_code: the error code with which it refuses to be backed up; empty to derive it from status and task.
        busy_until: when status, task and busy_code pass; None for never.
        capacity: in GB.
        used_memory: in MB.
        tags: a JSON object.
    """

    instance_id: str
    name: str
    cache_mode: str
    engine_version: str
    status: str
    project_id: str
    created: float
    task: str = ""
    busy_code: str = ""
    busy_until: float | None = None
    capacity: float = 1.0
    used_memory: int = 128
    tags: str = "{}"
    ip: str = "192.168.0.10"

    @property
    def tag_pairs(self) -> dict[str, str]:
        """The tags by key."""
        pairs: dict[str, str] = json.loads(self.tags)
        return pairs


@dataclass(frozen=True)
class StoredBackup:
    """A backup: when it began, how long it takes, how it will end.

    Attributes:
        failure: the error code with which it ends; empty for success.
        ended: the status it is listed with; empty for the one that follows from the time.
        progress: the progress it is listed with; None for the one that follows from the time.
        removed: when it was deleted; None while it exists.
    """

    backup_id: str
    instance_id: str
    remark: str | None
    backup_format: str
    backup_type: str
    created: float
    duration: float
    failure: str
    ended: str
    size: int
    progress: str | None = None
    removed: float | None = None

    @property
    def delay(self) -> float:
        """Seconds for which it waits before it begins."""
        return min(0.5, self.duration * 0.1)

    def status_at(self, now: float) -> str:
        """The status it is listed with."""
        if self.ended:
            return self.ended
        age = now - self.created
        if age >= self.duration:
            return "failed" if self.failure else "succeed"
        return "waiting" if age < self.delay else "backuping"

    def is_running_at(self, now: float) -> bool:
        """Whether it occupies its instance. A status that nobody documents says nothing about that; the time does."""
        if self.ended in FINAL_STATUSES:
            return False
        return self.ended in ("waiting", "backuping") or now - self.created < self.duration

    def is_usable_at(self, now: float) -> bool:
        """Whether an instance can be restored from it. A status that nobody documents does not change its file."""
        status = self.status_at(now)
        if status in FINAL_STATUSES:
            return status == "succeed"
        return status not in {"waiting", "backuping"} and not self.failure and now - self.created >= self.duration

    def percent_at(self, now: float) -> float:
        """How far it is, in percent."""
        if self.duration <= 0:
            return 100.0
        return max(0.0, min(100.0, (now - self.created) / self.duration * 100))


@lru_cache(maxsize=8192)  # Polls list the same times again and again.
def as_time(moment: float) -> str:
    """A time as the API writes it: ``2019-05-10T08:31:16.166Z``."""
    text = datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="milliseconds")
    return text[: -len("+00:00")] + "Z"


def as_written(moment: float, *, without_zone: bool) -> str:
    """A time in either of the two forms that occur; the other one is ``2019-05-10 08:31:16``."""
    text = as_time(moment)
    return text[:19].replace("T", " ") if without_zone else text


@lru_cache(maxsize=8192)
def as_name(moment: float, utc_offset: float) -> str:
    """A backup's name: when it was created, in the region's local time."""
    return f"backup_{datetime.fromtimestamp(moment, timezone(timedelta(hours=utc_offset))):%Y%m%d%H%M%S}"

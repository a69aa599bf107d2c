"""The form in which the journal writes where a create makes its backup and what it leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from typing import Any

from ..api.parsing import BackupFormat
from ..operations.ownership import Post, Trail


@dataclass(frozen=True)
class Site:
    """Where a create makes its backup.

    Attributes:
        endpoint: of the service.
        region: its name.
        project_id: the project there.
        instance_id: the instance there.
    """

    endpoint: str
    region: str
    project_id: str
    instance_id: str


@dataclass(frozen=True)
class Stray:
    """What an interrupted create of a resource left, for inputs that are declared no more."""

    site: Site
    trail: Trail


def told(site: Site | None, trail: Trail) -> dict[str, Any]:
    """A site and a trail as they are written."""
    post = trail.post
    return {
        "site": asdict(site) if site else None,
        "backup_id": trail.backup_id,
        "post": post
        and {
            "remark": post.remark,
            "backup_format": post.backup_format and post.backup_format.value,
            "known": sorted(post.known),
            "sent_at": _written(post.sent_at),
            "until": _written(post.until),
        },
    }


def read_strays(found: Mapping[str, Any]) -> list[Stray]:
    """The strays that an entry tells of."""
    rows = found.get("strays")
    read = [read_stray(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [stray for stray in read if stray is not None]


def read_stray(found: Mapping[str, Any]) -> Stray | None:
    """The site and the trail of an entry; None where they make no sense."""
    site, trail = found.get("site"), _trail(found)
    if not isinstance(site, dict) or trail is None:
        return None
    return Stray(Site(**{field.name: str(site.get(field.name, "")) for field in fields(Site)}), trail)


def _trail(found: Mapping[str, Any]) -> Trail | None:
    """Read a trail; an entry that makes no sense proves nothing."""
    try:
        post = found.get("post")
        return Trail(
            backup_id=str(found.get("backup_id") or ""),
            post=Post(
                remark=str(post["remark"]),
                backup_format=BackupFormat(post["backup_format"]) if post["backup_format"] else None,
                known=frozenset(map(str, post["known"])),
                sent_at=_moment(post["sent_at"]),
                until=_moment(post["until"]),
            )
            if post
            else None,
        )
    except (KeyError, TypeError, ValueError):
        return None


def _written(moment: datetime | None) -> str | None:
    return moment.astimezone(timezone.utc).isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

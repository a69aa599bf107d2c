"""How the journal writes what it keeps, and how the entries of version 0.1, one file each, are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from ..operations.ownership import Progress, SentRequest

_FORM_OF_0_1: Final = 2
"""The form of the entries that version 0.1 wrote; others are passed over."""


@dataclass(frozen=True)
class Site:
    """Where a create makes its record.

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
class Scope:
    """Whose resources: a stack, in an organisation, in a state backend.

    Attributes:
        backend: the URL of the state backend, resolved.
        organization: the stack's; empty where the backend has none.
        stack: the part of the URN that names project and stack.
    """

    backend: str
    organization: str
    stack: str

    @classmethod
    def of(cls, urn: str, backend: str, organization: str) -> Scope:
        """The scope of a resource."""
        return cls(backend, organization, "::".join(urn.split("::")[:2]))

    @property
    def key(self) -> str:
        """A text that tells it from others."""
        return hashlib.sha256("\n".join((self.backend, self.organization, self.stack)).encode()).hexdigest()[:32]


def write_request(request: SentRequest | None) -> str:
    """A request as JSON; empty for none."""
    if request is None:
        return ""
    return json.dumps(
        {
            "wanted": dict(request.wanted),
            "known": sorted(request.known),
            "sent_at": _write_moment(request.sent_at),
            "until": _write_moment(request.until),
            "is_lost": request.is_lost,
        }
    )


def read_progress(record_id: str, request: str) -> Progress:
    """What :func:`write_request` wrote, and the id. What makes no sense proves nothing: it is read as no request."""
    try:
        found = json.loads(request) if request else None
        sent = (
            None
            if found is None
            else SentRequest(
                wanted={str(name): str(value) for name, value in found["wanted"].items()},
                known=frozenset(map(str, found["known"])),
                sent_at=_read_moment(found["sent_at"]),
                until=_read_moment(found["until"]),
                is_lost=found.get("is_lost") is True,
            )
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        sent = None
    return Progress(record_id, None if record_id else sent)


@dataclass(frozen=True)
class OldEntry:
    """An entry of version 0.1: an attempt and what earlier ones left.

    Attributes:
        path: its file.
        urn: the resource.
        attempts: site, hash of the inputs (empty where it was not kept), and progress.
    """

    path: Path
    urn: str
    attempts: tuple[tuple[Site, str, Progress], ...]


def old_entries(folder: Path, backend: str, stack: str) -> Iterator[OldEntry]:
    """The entries that version 0.1 has left of a stack in a state backend, as that version named it.

    Only whole entries count: files that can't be read or make no sense are passed over.
    """
    try:
        paths = sorted(folder.glob("*.json"))
    except OSError:
        return
    for path in paths:
        try:
            found = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        if not isinstance(found, dict) or found.get("form") != _FORM_OF_0_1:
            continue
        urn = str(found.get("urn", ""))
        name = hashlib.sha256(f"{backend}\n{urn}".encode()).hexdigest()[:32]
        if name != path.stem or "::".join(urn.split("::")[:2]) != stack:
            continue
        rows = [(found, str(found.get("digest", "")))]
        strays = found.get("strays")
        rows += [(row, "") for row in strays if isinstance(row, dict)] if isinstance(strays, list) else []
        read = [(_site(row), digest, _old_progress(row)) for row, digest in rows]
        attempts = tuple((site, digest, progress) for site, digest, progress in read if site is not None)
        yield OldEntry(path, urn, attempts)


def old_backend(environment: Mapping[str, str], home: Path) -> str:
    """The state backend as version 0.1 named it."""
    if url := environment.get("PULUMI_BACKEND_URL"):
        return url
    try:
        return str(json.loads((home / "credentials.json").read_text()).get("current", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _site(row: Mapping[str, Any]) -> Site | None:
    site = row.get("site")
    if not isinstance(site, dict):
        return None
    return Site(**{field.name: str(site.get(field.name, "")) for field in fields(Site)})


def _old_progress(row: Mapping[str, Any]) -> Progress:
    post = row.get("post")
    request = ""
    if isinstance(post, dict):
        wanted = {name: str(post[name]) for name in ("remark", "backup_format") if post.get(name)}
        request = json.dumps({**post, "wanted": wanted})
    return read_progress(str(row.get("backup_id") or ""), request)


def _write_moment(moment: datetime | None) -> str | None:
    return moment.astimezone(timezone.utc).isoformat() if moment else None


def _read_moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

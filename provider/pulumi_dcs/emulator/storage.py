"""Serves files as an object storage does: in parts where they are asked for, and with the faults that are planned."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from .connections import drop_connection, has_unsent_bytes
from .content import BackupFile, files_of
from .faults import Fault
from .records import StoredBackup
from .world import LoggedRequest, World

_PIECE: Final = 65_536
"""Bytes sent at once."""
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")


def find_file(world: World, instance_id: str, backup_id: str, name: str) -> tuple[StoredBackup, BackupFile] | None:
    """A file of a backup that still exists."""
    for backup in world.store.backups(instance_id):
        instance = world.store.any_instance(instance_id)
        if backup.backup_id == backup_id and instance is not None:
            return next(((backup, file) for file in files_of(backup, instance) if file.name == name), None)
    return None


async def serve_file(
    world: World,
    request: Request,
    instance_id: str,
    found: tuple[StoredBackup, BackupFile] | None,
    *,
    is_valid: bool,
) -> Response:
    """Respond to a request by a link.

    Args:
        found: what the link leads to; None where that no longer exists.
        is_valid: whether the link is one of ours, and its time has not passed.
    """
    logged = LoggedRequest(world.store.now(), "download_file", instance_id)
    world.requests.append(logged)
    fault = world.faults.strike("download_file", instance_id) or Fault()
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.drop:
        drop_connection(request)
        return Response(status_code=599)
    if fault.status:
        response = Response(fault.body, fault.status, fault.headers)
    elif not is_valid:
        response = _error(403, "AccessDenied", "Request has expired or is not signed")
    elif found is None:
        response = _error(404, "NoSuchKey", "The specified key does not exist")
    else:
        response = _file(request, *found, fault)
    response.headers["x-obs-request-id"] = uuid.uuid4().hex
    logged.status = response.status_code
    return response


def _file(request: Request, backup: StoredBackup, file: BackupFile, fault: Fault) -> Response:
    size = file.size if fault.claimed_size < 0 else fault.claimed_size
    changed = datetime.fromtimestamp(int(backup.created + backup.duration), timezone.utc)
    headers = {"Last-Modified": format_datetime(changed, usegmt=True), "Accept-Ranges": "bytes"}
    wanted = None if fault.no_range else _range(request.headers.get("Range", ""), size)
    if wanted is not None and not wanted:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    part = range(size) if wanted is None else wanted
    headers["Content-Length"] = str(len(part))
    if wanted is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    content = _pieces(request, file, part, fault)
    return StreamingResponse(content, 200 if wanted is None else 206, headers, "application/octet-stream")


async def _pieces(request: Request, file: BackupFile, part: range, fault: Fault) -> AsyncIterator[bytes]:
    """The bytes of a part. Where fewer are there than the headers say, the connection is closed in the middle."""
    limit = len(part) if fault.break_after < 0 else min(len(part), fault.break_after)
    end = min(part.start + limit, file.size)
    for offset in range(part.start, end, _PIECE):
        yield file.read(offset, min(_PIECE, end - offset))
    if end < part.stop:
        while has_unsent_bytes(request):
            await asyncio.sleep(0.01)
        drop_connection(request)


def _range(header: str, size: int) -> range | None:
    """The bytes that are asked for, empty where there are none of them; None for all."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or (not match[1] and not match[2]):
        return None
    if not match[1]:
        return range(max(0, size - int(match[2])), size)
    return range(int(match[1]), min(size, int(match[2]) + 1) if match[2] else size)


def _error(status: int, code: str, message: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(body, status, media_type="application/xml")

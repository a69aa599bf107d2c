"""The download links of a backup's files. A link is a secret: whoever has it can read the backup, without a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .clock import Pause
from .errors import ServiceError, UnexpectedResponse
from .messages import Request, path_segment

if TYPE_CHECKING:
    from .client import Client

MIN_EXPIRATION: Final = 300
MAX_EXPIRATION: Final = 86_400
"""Seconds for which links can be made to live."""


@dataclass(frozen=True)
class Link:
    """Where one file of a backup can be fetched.

    Attributes:
        file_name: what the service calls the file. It is data: it must not decide where a file is written.
        url: pre-signed, therefore a secret.
    """

    file_name: str
    url: str = field(repr=False)


class Links:
    """The links of backups at one location; cheap to make, one for each operation.

    Args:
        pause: sleeps; raises when the operation has to end. The clock's by default.
    """

    def __init__(self, client: Client, pause: Pause | None = None) -> None:
        self._client = client
        self._pause = pause

    def create(self, instance_id: str, backup_id: str, *, expiration: int) -> tuple[Link, ...]:
        """POST …/backups/{backup_id}/links: one link for each file, in the service's order. Changes nothing.

        Args:
            expiration: for how many seconds the links live.

        Raises:
            UnexpectedResponse: also for a 200 without links. No error shows anything of a 200's body.
        """
        action = f"make links for backup {backup_id} of instance {instance_id}"
        project_id = path_segment(self._client.location.project_id)
        path = f"/v2/{project_id}/instances/{path_segment(instance_id)}/backups/{path_segment(backup_id)}/links"
        request = Request("POST", path, body={"expiration": expiration})
        try:
            response = self._client.send(request, action=action, pause=self._pause)
        except ServiceError as error:
            if not 200 <= error.http_status < 300:
                raise
            # The body of a success that can't be read may hold links, and the error's message quotes it.
            raise self._unexpected(action, request, "its response can't be read", error.request_id) from None
        links = _links_in(response.json())
        if not links:
            request_id = response.headers.get("X-Request-Id", "")
            raise self._unexpected(action, request, "its response holds no links", request_id)
        return links

    def _unexpected(self, action: str, request: Request, reason: str, request_id: str) -> UnexpectedResponse:
        where = f"{request.method} {request.path}"
        return UnexpectedResponse(
            f"DCS was asked to {action}, but {reason}.",
            http_status=200,
            request_id=request_id,
            facts=[f"request id {request_id}, {where}" if request_id else where],
            advice="try again; if it persists, ask the service's support.",
        )


def _links_in(body: object) -> tuple[Link, ...]:
    """The links of a response; empty unless each row is one."""
    rows: Any = body.get("links") if isinstance(body, Mapping) else None
    if not isinstance(rows, list):
        return ()
    found = [
        Link(row["file_name"], row["link"])
        for row in rows
        if isinstance(row, Mapping)
        and isinstance(row.get("file_name"), str)
        and isinstance(row.get("link"), str)
        and row["link"].strip()
    ]
    return tuple(found) if len(found) == len(rows) else ()

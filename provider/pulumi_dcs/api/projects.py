"""The projects that IAM knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .clock import Pause
from .messages import Request
from .parsing import word

if TYPE_CHECKING:
    from .client import Client


class Projects:
    """The projects that the credentials can see; its client's location is IAM's.

    Args:
        pause: sleeps; raises when the operation has to end. The clock's by default.
    """

    def __init__(self, client: Client, pause: Pause | None = None) -> None:
        self._client = client
        self._pause = pause

    def ids_named(self, region: str) -> list[str]:
        """GET /v3/projects: the ids of the projects named like the region (usually one)."""
        action = f"look up the project of region {region}"
        request = Request("GET", "/v3/projects", query=(("name", region),))
        response = self._client.send(request, action=action, pause=self._pause)
        body = response.json()
        rows = body.get("projects") if isinstance(body, Mapping) else None
        if not isinstance(rows, list):
            raise self._client.unexpected(response, request, action=action)
        ids = [word(row.get("id")) for row in rows if isinstance(row, Mapping)]
        return [text for text in ids if text]

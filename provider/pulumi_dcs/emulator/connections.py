"""Knows the connection behind each request, so that one can be dropped without a response."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TRANSPORT = "pulumi_dcs.transport"


class DroppableProtocol(HttpToolsProtocol):
    """HTTP over httptools that hands its transport to the application, in the request's state."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the transport where requests find it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


def drop_connection(request: Request) -> None:
    """Close the request's connection at once, without a response."""
    transport: Any = request.scope["state"][_TRANSPORT]
    transport.abort()


def has_unsent_bytes(request: Request) -> bool:
    """Whether bytes of the response are still waiting to be sent."""
    transport: Any = request.scope["state"][_TRANSPORT]
    return not transport.is_closing() and transport.get_write_buffer_size() > 0

"""What happens to every request: it is logged, verified, limited, goes wrong as planned, or is carried out."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from .connections import drop_connection
from .faults import Fault
from .lists import without_rows
from .problems import Problem
from .signatures import refusal
from .world import LoggedRequest, World

Handler = Callable[[], Response]


async def serve(world: World, request: Request, operation: str, instance_id: str, handle: Handler) -> Response:
    """Respond to a request, by ``handle`` where nothing is against it."""
    body = await request.body()
    now = world.store.now()
    logged = LoggedRequest(now, operation, instance_id, project_id=request.path_params.get("project_id", ""))
    world.requests.append(logged)
    try:
        if reason := refusal(request, body, world.accepted, now):
            raise Problem("APIGW.0301", f"Incorrect IAM authentication information: {reason}", 401)
        if world.is_over_limit():
            raise Problem("APIGW.0308", "The throttling threshold has been reached.", 429)
        fault = world.faults.strike(operation, instance_id)
        is_reached = fault is None or fault.carried_out or not (fault.status or fault.drop)
        response = handle() if is_reached else Response()
        if fault is not None:
            response = await _gone_wrong(request, fault, response)
    except Problem as problem:
        response = problem.response(world.behaviour)
    response.headers["X-Request-Id"] = uuid.uuid4().hex
    if world.behaviour.send_date:
        moment = datetime.fromtimestamp(world.store.now(), timezone.utc)
        response.headers.setdefault("Date", format_datetime(moment, usegmt=True))
    logged.status = response.status_code
    return response


async def _gone_wrong(request: Request, fault: Fault, response: Response) -> Response:
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.drop:
        drop_connection(request)
        return Response(status_code=599)
    if fault.status:
        response = Response(fault.body, fault.status, fault.headers)
        response.headers.setdefault("Content-Type", "application/json")
    if (fault.missing_rows or fault.no_total) and response.status_code == 200:
        response = _contradictory(fault, response)
    if fault.cut or fault.endless or fault.huge:
        return _broken_body(request, fault, response)
    return response


def _contradictory(fault: Fault, response: Response) -> Response:
    document: dict[str, Any] = json.loads(bytes(response.body))
    for name, value in document.items():
        if isinstance(value, list):
            document[name] = without_rows(value, fault.missing_rows)
    if fault.no_total:
        document.pop("total_num", None)
        document.pop("instance_num", None)
    return JSONResponse(document)


def _broken_body(request: Request, fault: Fault, response: Response) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        if fault.cut:
            yield bytes(response.body)[: len(response.body) // 2]
            await asyncio.sleep(0.05)
            drop_connection(request)
        elif fault.huge:
            for _ in range(fault.huge // 65536):
                yield b"x" * 65536
        else:
            while True:
                yield b" "
                await asyncio.sleep(0.2)

    headers = {"Content-Type": "application/json"}
    if fault.cut:
        headers["Content-Length"] = str(max(2, len(response.body)))
    return StreamingResponse(pieces(), response.status_code, headers)

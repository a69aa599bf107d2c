"""The endpoint's routes: the DCS backup API as documented, and IAM's list of projects."""

from __future__ import annotations

import asyncio
import json
import math
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Any, Final

import swagger_ui_bundle
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

from . import control
from .connections import drop_connection
from .faults import Fault
from .signatures import refusal
from .store import StoredBackup, StoredInstance, as_time
from .world import LoggedRequest, World

LARGEST_LIMIT: Final = 1000
DEFAULT_LIMIT: Final = 10
LONGEST_REMARK: Final = 128

Handler = Callable[[], Response]


class BackupInstanceBody(BaseModel):
    """The body of "back up a specified instance"."""

    remark: str | None = Field(None, description="at most 128 characters")
    backup_format: str | None = Field(None, description="aof or rdb (default)")


class Problem(Exception):
    """An error as the API answers it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def response(self) -> Response:
        """The documented shape."""
        body = {"error_msg": str(self), "error_code": self.code, "error_ext_msg": None}
        return JSONResponse(body, self.status)


def create_app(world: World) -> FastAPI:
    """The application that serves this world."""
    app = FastAPI(title="DCS backups, local endpoint", version="v2", docs_url=None, redoc_url=None)
    app.include_router(_dcs_routes(world), tags=["DCS"])
    app.include_router(_iam_routes(world), tags=["IAM"])
    app.include_router(control.routes(world), prefix="/control", tags=["control"])
    app.mount("/swagger-ui", StaticFiles(directory=swagger_ui_bundle.swagger_ui_path))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=app.title,
            swagger_js_url="/swagger-ui/swagger-ui-bundle.js",
            swagger_css_url="/swagger-ui/swagger-ui.css",
            swagger_favicon_url="/swagger-ui/favicon-32x32.png",
        )

    return app


def _dcs_routes(world: World) -> APIRouter:
    router = APIRouter(prefix="/v2/{project_id}/instances")

    @router.get("", summary="List instances")
    async def list_instances(  # noqa: PLR0917
        request: Request,
        project_id: str,
        limit: str = str(DEFAULT_LIMIT),
        offset: str = "0",
        name: str = "",
        status: str = "",
    ) -> Response:
        def handle() -> Response:
            first, count = _page(limit, offset)
            found = [
                instance
                for instance in world.store.instances(project_id)
                if name in instance.name and status in ("", instance.status)
            ]
            rows = [_instance_row(instance) for instance in found[first : first + count]]
            return JSONResponse({"instances": rows, "instance_num": len(found)})

        return await _serve(world, request, "list_instances", "", handle)

    @router.get("/{instance_id}", summary="Show an instance")
    async def show_instance(request: Request, project_id: str, instance_id: str) -> Response:
        def handle() -> Response:
            instance = _instance(world, project_id, instance_id)
            return JSONResponse({**_instance_row(instance), "cache_mode": instance.cache_mode})

        return await _serve(world, request, "show_instance", instance_id, handle)

    @router.post("/{instance_id}/backups", summary="Back up a specified instance (CopyInstance)")
    async def create_backup(request: Request, project_id: str, instance_id: str) -> Response:
        body = await request.body()

        def handle() -> Response:
            wanted = _backup_body(body)
            instance = _instance(world, project_id, instance_id)
            _refuse_backup(world, instance, wanted)
            backup = world.store.add_backup(
                instance_id,
                remark=wanted.remark,
                backup_format=wanted.backup_format or _default_format(instance),
                duration=world.behaviour.duration,
                failure=world.behaviour.failure,
            )
            return JSONResponse({"backup_id": backup.backup_id})

        return await _serve(world, request, "create_backup", instance_id, handle)

    router.routes[-1].openapi_extra = {  # type: ignore[attr-defined]
        "requestBody": {"content": {"application/json": {"schema": BackupInstanceBody.model_json_schema()}}}
    }

    @router.get("/{instance_id}/backups", summary="List an instance's backups (ListBackupRecords)")
    async def list_backups(  # noqa: PLR0917
        request: Request,
        project_id: str,
        instance_id: str,
        begin_time: str = "",
        end_time: str = "",
        limit: str = str(DEFAULT_LIMIT),
        offset: str = "0",
    ) -> Response:
        def handle() -> Response:
            first, count = _page(limit, offset)
            _instance(world, project_id, instance_id)
            now = world.store.now()
            begin, end = _moment(begin_time, 0.0), _moment(end_time, math.inf)
            found = [
                backup
                for backup in world.store.backups(instance_id)
                if begin <= backup.created <= end and now - backup.created >= world.behaviour.list_lag
            ]
            if not found:
                return Response(status_code=204)
            rows = [_backup_row(world, backup, now) for backup in found[first : first + count]]
            return JSONResponse({"total_num": len(found), "backup_record_response": rows})

        return await _serve(world, request, "list_backups", instance_id, handle)

    @router.delete("/{instance_id}/backups/{backup_id}", summary="Delete a backup (DeleteBackupFile)")
    async def delete_backup(request: Request, project_id: str, instance_id: str, backup_id: str) -> Response:
        def handle() -> Response:
            _instance(world, project_id, instance_id)
            now = world.store.now()
            found = {backup.backup_id: backup for backup in world.store.backups(instance_id)}.get(backup_id)
            if found is None:
                raise Problem(400, "DCS.4031", "The backup file does not exist.")
            if found.status_at(now) in ("waiting", "backuping"):
                raise Problem(400, "DCS.4096", "The instance is being backed up.")
            world.store.remove_backup(backup_id)
            return Response(status_code=204)

        return await _serve(world, request, "delete_backup", instance_id, handle)

    return router


def _iam_routes(world: World) -> APIRouter:
    router = APIRouter()

    @router.get("/v3/projects", summary="List projects (IAM)")
    async def list_projects(request: Request, name: str = "") -> Response:
        def handle() -> Response:
            rows = [
                {"id": world.project_id, "name": region, "domain_id": "d" * 32, "enabled": True, "is_domain": False}
                for region in world.regions
                if name in ("", region)
            ]
            return JSONResponse({"projects": rows, "links": {"self": str(request.url)}})

        return await _serve(world, request, "list_projects", "", handle)

    return router


async def _serve(world: World, request: Request, operation: str, instance_id: str, handle: Handler) -> Response:
    """Log, verify, limit, let go wrong what is planned to, carry out."""
    body = await request.body()
    logged = LoggedRequest(world.store.now(), operation, instance_id)
    world.requests.append(logged)
    try:
        if reason := refusal(request, body, world.accepted, world.store.now()):
            raise Problem(401, "APIGW.0301", f"Incorrect IAM authentication information: {reason}")
        if world.is_over_limit():
            raise Problem(429, "APIGW.0308", "The throttling threshold has been reached.")
        fault = world.faults.strike(operation, instance_id)
        is_reached = fault is None or fault.carried_out or not (fault.status or fault.drop)
        response = handle() if is_reached else Response()
        if fault is not None:
            response = await _gone_wrong(request, fault, response)
    except Problem as problem:
        response = problem.response()
    response.headers["X-Request-Id"] = uuid.uuid4().hex
    now = datetime.fromtimestamp(world.store.now(), timezone.utc)
    response.headers.setdefault("Date", format_datetime(now, usegmt=True))
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
    if fault.cut or fault.endless or fault.huge:
        return _broken_body(request, fault, response)
    return response


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


def _instance(world: World, project_id: str, instance_id: str) -> StoredInstance:
    instance = world.store.instance(project_id, instance_id)
    if instance is None:
        raise Problem(404, "DCS.3022", "The instance does not exist.")
    return instance


def _backup_body(body: bytes) -> BackupInstanceBody:
    try:
        parsed: Any = json.loads(body) if body else {}
        wanted = BackupInstanceBody.model_validate(parsed)
    except ValueError:
        raise Problem(400, "DCS.4005", "The request body is invalid.") from None
    if wanted.backup_format not in (None, "aof", "rdb"):
        raise Problem(400, "DCS.4005", "Invalid backup_format.")
    if wanted.remark is not None and len(wanted.remark) > LONGEST_REMARK:
        raise Problem(400, "DCS.4098", "The remark contains more than 128 characters.")
    return wanted


def _refuse_backup(world: World, instance: StoredInstance, wanted: BackupInstanceBody) -> None:
    if instance.cache_mode == "single":
        raise Problem(400, "DCS.4086", "This operation is supported only for master/standby instances.")
    if instance.engine_version == "3.0" and wanted.backup_format == "rdb":
        raise Problem(400, "DCS.4005", "Redis 3.0 instances support AOF only.")
    if instance.status != "RUNNING":
        raise Problem(400, "DCS.4049", "The instance is not in the running state.")
    now = world.store.now()
    if any(b.status_at(now) in ("waiting", "backuping") for b in world.store.backups(instance.instance_id)):
        raise Problem(400, "DCS.4096", "The instance is being backed up.")


def _default_format(instance: StoredInstance) -> str:
    return "aof" if instance.engine_version == "3.0" else "rdb"


def _page(limit: str, offset: str) -> tuple[int, int]:
    if not limit.isdecimal() or not 1 <= int(limit) <= LARGEST_LIMIT:
        raise Problem(400, "DCS.4005", "limit must be between 1 and 1000.")
    if not offset.isdecimal():
        raise Problem(400, "DCS.4005", "offset must not be below 0.")
    return int(offset), int(limit)


def _moment(text: str, default: float) -> float:
    if not text:
        return default
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        raise Problem(400, "DCS.4005", "Times are written yyyyMMddHHmmss.") from None


def _instance_row(instance: StoredInstance) -> dict[str, Any]:
    return {
        "instance_id": instance.instance_id,
        "name": instance.name,
        "engine": "Redis",
        "engine_version": instance.engine_version,
        "status": instance.status,
        "capacity": 1,
        "port": 6379,
        "ip": "192.168.0.10",
        "created_at": as_time(instance.created),
        "max_memory": 1024,
        "used_memory": 128,
    }


def _backup_row(world: World, backup: StoredBackup, now: float) -> dict[str, Any]:
    status = backup.status_at(now)
    ended = min(now, backup.created + backup.duration)
    return {
        "backup_id": backup.backup_id,
        "period": {},
        "backup_name": f"backup_{datetime.fromtimestamp(backup.created, timezone.utc):%Y%m%d%H%M%S}",
        "instance_id": backup.instance_id,
        "size": backup.size if status == "succeed" else 0,
        "backup_type": backup.backup_type,
        "created_at": _written(world, backup.created),
        "updated_at": _written(world, ended),
        "execution_at": _written(world, backup.created),
        "progress": f"{backup.percent_at(now):.2f}",
        "error_code": backup.failure if status == "failed" else {},
        "remark": backup.remark,
        "status": status,
        "is_support_restore": "TRUE" if status == "succeed" else "FALSE",
        "backup_format": backup.backup_format,
    }


def _written(world: World, moment: float) -> str:
    text = as_time(moment)
    return text[:19].replace("T", " ") if world.behaviour.times_without_zone else text

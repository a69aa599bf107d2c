"""The routes that make download links, and those that the links lead to: the storage that holds backups' files."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StrictInt

from .content import BackupFile, files_of
from .instances import find_instance
from .problems import Problem
from .records import StoredBackup
from .serving import serve
from .storage import find_file, serve_file
from .world import World

MIN_EXPIRATION: Final = 300
MAX_EXPIRATION: Final = 86_400


class LinksBody(BaseModel):
    """The body of "obtain the links of a backup"."""

    expiration: StrictInt = Field(ge=MIN_EXPIRATION, le=MAX_EXPIRATION, description="seconds that the links live")


def routes(world: World) -> APIRouter:
    """The route that makes links."""
    router = APIRouter(prefix="/v2/{project_id}/instances/{instance_id}/backups/{backup_id}/links")

    @router.post("", summary="Obtain download links of a backup (ListBackupFileLinks)")
    async def create_links(request: Request, project_id: str, instance_id: str, backup_id: str) -> Response:
        body = await request.body()

        def handle() -> Response:
            wanted = _parsed_body(body)
            instance = find_instance(world, request, project_id, instance_id)
            backup = _find_backup(world, instance_id, backup_id)
            expires = int(world.store.now()) + wanted.expiration
            links = [
                {"file_name": file.name, "link": _link(world, request, backup, file, expires)}
                for file in files_of(backup, instance)
            ]
            path = f"{project_id}/{instance_id}/{backup_id}"
            return JSONResponse({"bucket_name": f"dcs-{project_id}", "file_path": path, "links": links})

        return await serve(world, request, "create_links", instance_id, handle)

    router.routes[-1].openapi_extra = {  # type: ignore[attr-defined]
        "requestBody": {"content": {"application/json": {"schema": LinksBody.model_json_schema()}}}
    }
    return router


def file_routes(world: World) -> APIRouter:
    """The route that links lead to; a link's own signature is all it asks for."""
    router = APIRouter(prefix="/files")

    @router.get("/{instance_id}/{backup_id}/{name}", summary="Download a file of a backup by its link")
    async def download_file(  # noqa: PLR0917
        request: Request, instance_id: str, backup_id: str, name: str, expires: str = "", signature: str = ""
    ) -> Response:
        expected = _signature(world, _path(instance_id, backup_id, name), expires)
        is_valid = hmac.compare_digest(signature.encode(), expected.encode()) and world.store.now() <= int(expires)
        found = find_file(world, instance_id, backup_id, name)
        return await serve_file(world, request, instance_id, found, is_valid=is_valid)

    return router


def _parsed_body(body: bytes) -> LinksBody:
    try:
        parsed: Any = json.loads(body) if body else {}
        return LinksBody.model_validate(parsed)
    except ValueError:
        raise Problem(
            "DCS.4005", f"expiration must be between {MIN_EXPIRATION} and {MAX_EXPIRATION} seconds."
        ) from None


def _find_backup(world: World, instance_id: str, backup_id: str) -> StoredBackup:
    found = {backup.backup_id: backup for backup in world.store.backups(instance_id)}.get(backup_id)
    if found is None:
        raise Problem("DCS.4031")
    now = world.store.now()
    if found.is_running_at(now):
        raise Problem("DCS.4096")
    if not found.is_usable_at(now):
        raise Problem("DCS.4087")
    return found


def _link(world: World, request: Request, backup: StoredBackup, file: BackupFile, expires: int) -> str:
    path = _path(backup.instance_id, backup.backup_id, file.name)
    origin = str(request.base_url).rstrip("/")
    return f"{origin}{path}?expires={expires}&signature={_signature(world, path, str(expires))}"


def _path(instance_id: str, backup_id: str, name: str) -> str:
    return f"/files/{quote(instance_id)}/{quote(backup_id)}/{quote(name)}"


def _signature(world: World, path: str, expires: str) -> str:
    """What only this endpoint can write under a path and a time."""
    return hmac.new(world.accepted.secret_key.encode(), f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()

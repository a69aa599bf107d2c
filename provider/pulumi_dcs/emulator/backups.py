"""The routes that start, list and delete backups."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from .bodies import describe, parsed
from .busy import refuse_if_busy
from .instances import find_instance
from .lists import DEFAULT_LIMIT, Page, as_listed, parsed_period
from .problems import Problem
from .records import StoredBackup, StoredInstance, as_name, as_written
from .remarks import as_kept, refuse_if_too_long
from .serving import serve
from .world import World


class BackupInstanceBody(BaseModel):
    """The body of "back up a specified instance"."""

    remark: str | None = Field(None, description="at most 128 characters")
    backup_format: str | None = Field(None, description="aof or rdb (default)")


def routes(world: World) -> APIRouter:
    """The routes of backups."""
    router = APIRouter(prefix="/v2/{project_id}/instances/{instance_id}/backups")

    @router.post("", summary="Back up a specified instance (CopyInstance)")
    async def create_backup(request: Request, project_id: str, instance_id: str) -> Response:
        body = await request.body()

        def handle() -> Response:
            wanted = _parsed_body(world, body)
            instance = find_instance(world, request, project_id, instance_id)
            _refuse_unsupported(instance, wanted)
            refuse_if_busy(instance, world.store.backups(instance_id), world.store.now())
            behaviour = world.behaviour
            backup = world.store.add_backup(
                instance_id,
                remark=as_kept(wanted.remark, behaviour),
                backup_format=wanted.backup_format or _default_format(instance),
                duration=behaviour.duration,
                failure=behaviour.failure,
                status=behaviour.backup_status,
                progress=behaviour.backup_progress,
            )
            return JSONResponse({"backup_id": backup.backup_id})

        return await serve(world, request, "create_backup", instance_id, handle)

    describe(router, BackupInstanceBody)

    @router.get("", summary="List an instance's backups (ListBackupRecords)")
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
            page = Page.parsed(limit, offset)
            now = world.store.now()
            begin, end = parsed_period(begin_time, end_time, now)
            find_instance(world, request, project_id, instance_id)
            behaviour = world.behaviour
            since = now - behaviour.delete_lag if behaviour.delete_lag > 0 else None
            found = [
                backup
                for backup in world.store.backups(instance_id, removed_since=since)
                if begin <= backup.created <= end and now - backup.created >= behaviour.list_lag
            ]
            if not found and behaviour.list_total_excess <= 0 and behaviour.empty_list_status == 204:
                return Response(status_code=204)
            rows = [_row(world, backup, now) for backup in page.of(found)]
            return JSONResponse(as_listed(rows, len(found), page, behaviour))

        return await serve(world, request, "list_backups", instance_id, handle)

    @router.delete("/{backup_id}", summary="Delete a backup (DeleteBackupFile)")
    async def delete_backup(request: Request, project_id: str, instance_id: str, backup_id: str) -> Response:
        def handle() -> Response:
            find_instance(world, request, project_id, instance_id)
            found = {backup.backup_id: backup for backup in world.store.backups(instance_id)}.get(backup_id)
            if found is None:
                raise Problem("DCS.4031")
            if found.is_running_at(world.store.now()):
                raise Problem("DCS.4096")
            world.store.remove_backup(backup_id, lagging=world.behaviour.delete_lag > 0)
            return Response(status_code=204)

        return await serve(world, request, "delete_backup", instance_id, handle)

    return router


def _parsed_body(world: World, body: bytes) -> BackupInstanceBody:
    wanted = parsed(BackupInstanceBody, body)
    if wanted.backup_format not in (None, "aof", "rdb"):
        raise Problem("DCS.4005", "Invalid backup_format.")
    refuse_if_too_long(wanted.remark, world.behaviour)
    return wanted


def _refuse_unsupported(instance: StoredInstance, wanted: BackupInstanceBody) -> None:
    if instance.cache_mode == "single":
        raise Problem("DCS.4086")
    if instance.engine_version == "3.0" and wanted.backup_format == "rdb":
        raise Problem("DCS.4005", "Redis 3.0 instances support AOF only.")


def _default_format(instance: StoredInstance) -> str:
    return "aof" if instance.engine_version == "3.0" else "rdb"


def _row(world: World, backup: StoredBackup, now: float) -> dict[str, Any]:
    behaviour = world.behaviour
    status = backup.status_at(now)
    if backup.removed is not None and behaviour.deleted_status:
        status = behaviour.deleted_status
    is_usable = backup.removed is None and backup.is_usable_at(now)
    ended = min(now, backup.created + backup.duration)
    execution = backup.created + backup.delay
    nothing: dict[str, str] | None = None if behaviour.empty_as_null else {}
    return {
        "backup_id": backup.backup_id,
        "period": nothing,
        "backup_name": as_name(backup.created, behaviour.utc_offset),
        "instance_id": backup.instance_id,
        "size": backup.size if status == "succeed" else 0,
        "backup_type": backup.backup_type,
        "created_at": as_written(backup.created, without_zone=behaviour.times_without_zone),
        "updated_at": as_written(ended, without_zone=behaviour.times_without_zone),
        "execution_at": as_written(execution, without_zone=behaviour.times_without_zone) if execution <= now else None,
        "progress": f"{backup.percent_at(now):.2f}" if backup.progress is None else backup.progress,
        "error_code": backup.failure if status == "failed" else nothing,
        "remark": backup.remark,
        "status": status,
        "is_support_restore": "TRUE" if is_usable else "FALSE",
        "backup_format": backup.backup_format,
    }

"""The routes that restore an instance from one of its backups, and list the restores."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from .bodies import describe, parsed
from .busy import refuse_if_busy
from .instances import find_instance
from .lists import DEFAULT_LIMIT, Page, as_listed, parsed_period
from .problems import Problem
from .records import StoredBackup, as_name, as_written
from .remarks import as_kept, refuse_if_too_long
from .serving import serve
from .tasks import StoredTask, TaskKind
from .world import World


class RestoreInstanceBody(BaseModel):
    """The body of "restore a DCS instance"."""

    backup_id: str = Field(min_length=1)
    remark: str | None = Field(None, description="at most 128 characters")


def routes(world: World) -> APIRouter:
    """The routes of restores."""
    router = APIRouter(prefix="/v2/{project_id}/instances/{instance_id}/restores")

    @router.post("", summary="Restore an instance (RestoreInstance)")
    async def create_restore(request: Request, project_id: str, instance_id: str) -> Response:
        body = await request.body()

        def handle() -> Response:
            wanted = parsed(RestoreInstanceBody, body)
            refuse_if_too_long(wanted.remark, world.behaviour)
            instance = find_instance(world, request, project_id, instance_id)
            if instance.cache_mode == "single":
                raise Problem("DCS.4086")
            refuse_if_busy(instance, world.store.backups(instance_id), world.store.now())
            backup = usable_backup(world, wanted.backup_id)
            if backup.instance_id != instance_id:
                raise Problem("DCS.4031")
            behaviour = world.behaviour
            task = world.store.tasks.add(
                TaskKind.RESTORE,
                instance_id,
                project_id=project_id,
                backup_id=backup.backup_id,
                duration=behaviour.duration if behaviour.restore_duration is None else behaviour.restore_duration,
                failure=behaviour.restore_failure,
                status=behaviour.restore_status,
                progress=behaviour.restore_progress,
                remark=as_kept(wanted.remark, behaviour),
                backup_remark=backup.remark,
                backup_created=backup.created,
            )
            return JSONResponse({"restore_id": task.task_id})

        return await serve(world, request, "create_restore", instance_id, handle)

    describe(router, RestoreInstanceBody)

    @router.get("", summary="List an instance's restores (ListRestoreRecords)")
    async def list_restores(  # noqa: PLR0917
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
            found = [
                task
                for task in world.store.tasks.of_instance(TaskKind.RESTORE, instance_id)
                if begin <= task.created <= end and now - task.created >= behaviour.list_lag
            ]
            if not found and behaviour.list_total_excess <= 0 and behaviour.empty_list_status == 204:
                return Response(status_code=204)
            rows = [_row(world, task, now) for task in page.of(found)]
            return JSONResponse(as_listed(rows, len(found), page, behaviour, "restore_record_response"))

        return await serve(world, request, "list_restores", instance_id, handle)

    return router


def usable_backup(world: World, backup_id: str) -> StoredBackup:
    """The backup that data are to come from, or the documented error."""
    backup = world.store.backup(backup_id)
    if backup is None:
        raise Problem("DCS.4031")
    if not backup.is_usable_at(world.store.now()):
        raise Problem("DCS.4087")
    return backup


def _row(world: World, task: StoredTask, now: float) -> dict[str, Any]:
    behaviour = world.behaviour
    facts = task.facts
    nothing: dict[str, str] | None = None if behaviour.empty_as_null else {}
    local = datetime.fromtimestamp(task.created, timezone(timedelta(hours=behaviour.utc_offset)))
    return {
        "backup_id": task.backup_id,
        "restore_id": task.task_id,
        "backup_name": as_name(facts.get("backup_created", task.created), behaviour.utc_offset),
        "restore_name": f"restore_{local:%Y%m%d%H%M%S}",
        "restore_remark": facts.get("remark"),
        "backup_remark": facts.get("backup_remark"),
        "created_at": as_written(task.created, without_zone=behaviour.times_without_zone),
        "updated_at": as_written(task.ended_at(now) or now, without_zone=behaviour.times_without_zone),
        "progress": f"{task.percent_at(now):.2f}" if task.progress is None else task.progress,
        "error_code": task.failure if task.failure and not task.is_running_at(now) else nothing,
        "status": task.status_at(now),
    }

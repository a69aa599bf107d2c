"""The routes that import a backup into another instance: "migration tasks" of the kind backupfile_import."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Final, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from .bodies import describe, parsed
from .busy import refuse_if_busy
from .instances import find_instance, spec_code
from .lists import DEFAULT_LIMIT, Page
from .problems import Problem
from .records import StoredBackup, StoredInstance
from .restores import usable_backup
from .serving import serve
from .tasks import TERMINATED, StoredTask, TaskKind
from .world import World

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{3,63}")


class BackupFiles(BaseModel):
    """Where the data come from."""

    file_source: Literal["backup_record"] = Field(description="self_build_obs needs a bucket, which there is none of")
    backup_id: str = Field(min_length=1)


class TargetInstance(BaseModel):
    """Where the data go."""

    id: str = Field(min_length=1)
    password: str | None = None


class CreateMigrationTaskBody(BaseModel):
    """The body of "create a migration task"."""

    task_name: str = Field(pattern=f"^{_NAME.pattern}$")
    description: str | None = None
    migration_type: Literal["backupfile_import"]
    migration_method: Literal["full_amount_migration"]
    backup_files: BackupFiles
    target_instance: TargetInstance


class DeleteMigrateTaskRequest(BaseModel):
    """The body of "delete migration tasks"."""

    task_id_list: list[str] = Field(min_length=1)


def routes(world: World) -> APIRouter:
    """The routes of imports."""
    router = APIRouter(prefix="/v2/{project_id}")

    @router.post("/migration-task", summary="Create a migration task (CreateMigrationTask)")
    async def create_migration(request: Request, project_id: str) -> Response:
        body = await request.body()

        def handle() -> Response:
            wanted = parsed(CreateMigrationTaskBody, body)
            target = find_instance(world, request, project_id, wanted.target_instance.id)
            backup = usable_backup(world, wanted.backup_files.backup_id)
            source = world.store.instance(project_id, backup.instance_id)
            if source is None:
                raise Problem("DCS.4031")
            if source.cache_mode == "single":
                raise Problem("DCS.4086")
            refuse_if_busy(target, world.store.backups(target.instance_id), world.store.now())
            task = _begin(world, wanted, backup, source, target)
            return JSONResponse(
                {"id": task.task_id, "name": wanted.task_name, "status": task.status_at(task.created), "error": ""}
            )

        return await serve(world, request, "create_migration", _target_of(body), handle)

    describe(router, CreateMigrationTaskBody)

    @router.get("/migration-task/{task_id}", summary="Show a migration task (ShowMigrationTask)")
    async def show_migration(request: Request, project_id: str, task_id: str) -> Response:
        def handle() -> Response:
            return JSONResponse(_details(world, _found(world, project_id, task_id)))

        return await serve(world, request, "show_migration", _instance_of(world, task_id), handle)

    @router.get("/migration-tasks", summary="List migration tasks (ListMigrationTask)")
    async def list_migrations(
        request: Request, project_id: str, limit: str = str(DEFAULT_LIMIT), offset: str = "0", name: str = ""
    ) -> Response:
        def handle() -> Response:
            page = Page.parsed(limit, offset)
            tasks = world.store.tasks.of_project(TaskKind.MIGRATION, project_id)
            found = [task for task in tasks if name in task.facts["task_name"]]
            return JSONResponse(
                {"count": len(found), "migration_tasks": [_row(world, task) for task in page.of(found)]}
            )

        return await serve(world, request, "list_migrations", "", handle)

    @router.post("/migration-task/{task_id}/stop", summary="Stop a migration task (StopMigrationTask)")
    async def stop_migration(request: Request, project_id: str, task_id: str) -> Response:
        def handle() -> Response:
            task = _found(world, project_id, task_id)
            now = world.store.now()
            if task.is_running_at(now):
                world.store.tasks.change(task_id, {"status": TERMINATED, "finished": now})
            return JSONResponse(_details(world, _found(world, project_id, task_id)))

        return await serve(world, request, "stop_migration", _instance_of(world, task_id), handle)

    @router.delete("/migration-tasks/delete", summary="Delete migration tasks (DeleteMigrationTask)")
    async def delete_migrations(request: Request, project_id: str) -> Response:
        body = await request.body()

        def handle() -> Response:
            wanted = parsed(DeleteMigrateTaskRequest, body).task_id_list
            tasks = [_found(world, project_id, task_id) for task_id in wanted]
            if any(task.is_running_at(world.store.now()) for task in tasks):
                raise Problem("DCS.4121", "The migration task is still running.")
            for task_id in wanted:
                world.store.tasks.remove(task_id)
            return JSONResponse({"task_id_list": wanted})

        return await serve(world, request, "delete_migrations", "", handle)

    describe(router, DeleteMigrateTaskRequest)
    return router


def _begin(
    world: World,
    wanted: CreateMigrationTaskBody,
    backup: StoredBackup,
    source: StoredInstance,
    target: StoredInstance,
) -> StoredTask:
    behaviour = world.behaviour
    task = world.store.tasks.add(
        TaskKind.MIGRATION,
        target.instance_id,
        project_id=target.project_id,
        backup_id=backup.backup_id,
        duration=behaviour.duration if behaviour.import_duration is None else behaviour.import_duration,
        failure=behaviour.import_failure or unsuitable(source, target),
        status=behaviour.import_status,
        task_name=wanted.task_name,
        description=wanted.description,
        source_instance_id=source.instance_id,
    )
    world.import_passwords[task.task_id] = wanted.target_instance.password
    return task


def unsuitable(source: StoredInstance, target: StoredInstance) -> str:
    """Why the source's backups don't fit into the target; empty if they do."""
    if _version(target) < _version(source):
        return f"The target is Redis {target.engine_version}, older than the source ({source.engine_version})."
    if target.capacity < source.capacity:
        return f"The target holds {target.capacity:g} GB, less than the source ({source.capacity:g} GB)."
    return ""


def _version(instance: StoredInstance) -> tuple[int, ...]:
    return tuple(int(part) for part in instance.engine_version.split(".") if part.isdecimal())


def _target_of(body: bytes) -> str:
    """The instance that faults are planned for: known only where the body can be read."""
    try:
        return parsed(CreateMigrationTaskBody, body).target_instance.id
    except Problem:
        return ""


def _instance_of(world: World, task_id: str) -> str:
    task = world.store.tasks.find(TaskKind.MIGRATION, task_id)
    return task.instance_id if task else ""


def _found(world: World, project_id: str, task_id: str) -> StoredTask:
    task = world.store.tasks.find(TaskKind.MIGRATION, task_id)
    if task is None or task.project_id != project_id:
        raise Problem("DCS.4133")
    return task


def _as_time(moment: float | None) -> str | None:
    """A time as migration tasks carry it: ``2019/10/22 14:44:30``."""
    return None if moment is None else f"{datetime.fromtimestamp(moment, timezone.utc):%Y/%m/%d %H:%M:%S}"


def _details(world: World, task: StoredTask) -> dict[str, Any]:
    """A task by itself. As the service may, it brings back the password that it was given."""
    facts = task.facts
    now = world.store.now()
    target = world.store.instance(task.project_id, task.instance_id)
    source = world.store.instance(task.project_id, facts["source_instance_id"])
    return {
        "task_id": task.task_id,
        "task_name": facts["task_name"],
        "description": facts["description"],
        "status": task.status_at(now),
        "migration_type": "backupfile_import",
        "migration_method": "full_amount_migration",
        "ecs_tenant_private_ip": None,
        "backup_files": {
            "file_source": "backup_record",
            "bucket_name": None,
            "files": None,
            "backup_record": {"backup_id": task.backup_id},
        },
        "network_type": None,
        "source_instance": None if source is None else _side(source, None),
        "target_instance": None if target is None else _side(target, world.import_passwords.get(task.task_id)),
        "created_at": _as_time(task.created),
        "updated_at": _as_time(task.ended_at(now) or now),
        "released_at": _as_time(task.ended_at(now)),
    }


def _side(instance: StoredInstance, password: str | None) -> dict[str, Any]:
    return {
        "id": instance.instance_id,
        "name": instance.name,
        "ip": instance.ip,
        "port": "6379",
        "addrs": f"{instance.ip}:6379",
        "password": password,
        "task_status": None,
    }


def _row(world: World, task: StoredTask) -> dict[str, Any]:
    facts = task.facts
    now = world.store.now()
    ids = {"source": facts["source_instance_id"], "target": task.instance_id}
    sides = {side: world.store.instance(task.project_id, instance_id) for side, instance_id in ids.items()}
    target = sides["target"]
    row: dict[str, Any] = {
        "task_id": task.task_id,
        "task_name": facts["task_name"],
        "description": facts["description"],
        "status": task.status_at(now),
        "migration_type": "backupfile_import",
        "migration_method": "full_amount_migration",
        "data_source": task.backup_id,
        "target_instance_addrs": None if target is None else f"{target.ip}:6379",
        "created_at": _as_time(task.created),
        "released_at": _as_time(task.ended_at(now)),
        "error_message": task.failure if not task.is_running_at(now) else "",
    }
    for side, instance in sides.items():
        row |= {
            f"{side}_instance_id": ids[side],
            f"{side}_instance_name": instance and instance.name,
            f"{side}_instance_status": instance and instance.status,
            f"{side}_instance_spec_code": instance and spec_code(instance),
        }
    return row

"""The control API: how the endpoint behaves, which faults happen, what was requested. Unsigned; loopback only."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from . import control_tasks, jobs
from .faults import Fault
from .world import Behaviour, World


class NewInstance(BaseModel):
    """An instance to add."""

    instance_id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    name: str = "redis"
    cache_mode: str = "ha"
    engine_version: str = "5.0"
    status: str = "RUNNING"
    project_id: str = Field("", description="the project it belongs to; empty for the endpoint's own")
    capacity: float = Field(1.0, description="in GB; 0.125 is written as capacity 0 and capacity_minor .125")
    used_memory: int = Field(128, description="in MB")
    task: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    ip: str = "192.168.0.10"


class InstanceChanges(BaseModel):
    """What to change about an instance."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    cache_mode: str | None = None
    engine_version: str | None = None
    project_id: str | None = None
    capacity: float | None = None
    used_memory: int | None = None
    tags: dict[str, str] | None = None
    ip: str | None = None
    status: str | None = Field(None, description="RUNNING, or why it is busy: RESTARTING, RESTORING, FREEZING, …")
    task: str | None = Field(
        None, description="what it is doing while RUNNING: RECOVERING, ORDERING, CONFIGURING, LOCKED, …; empty for none"
    )
    busy_code: str | None = Field(
        None, description="the error code with which it refuses a backup, such as DCS.4104; empty for none"
    )
    busy_for: float | None = Field(
        None, description="seconds after which status, task and busy_code pass by themselves; null for never"
    )


class NewBackup(BaseModel):
    """A backup that somebody else made."""

    instance_id: str
    remark: str | None = None
    backup_format: str = "rdb"
    backup_type: str = "manual"
    duration: float = 0.0
    failure: str = ""
    status: str = Field("", description="the status it is listed with; empty for the true one")
    progress: str | None = Field(None, description="the progress it is listed with; null for the true one")


class NewProject(BaseModel):
    """A project to add, which has no instances at first."""

    name: str = Field(description="a region's name, or one that begins with it: cn-south-1, cn-south-1_shop")
    project_id: str = Field(default_factory=lambda: uuid.uuid4().hex)


def routes(world: World) -> APIRouter:
    """The routes that control this world."""
    router = APIRouter()
    _add_behaviour_routes(router, world)
    _add_backup_routes(router, world)
    _add_instance_routes(router, world)
    _add_request_routes(router, world)
    router.include_router(control_tasks.routes(world))
    return router


def _add_behaviour_routes(router: APIRouter, world: World) -> None:
    store = world.store

    @router.get("/behaviour", summary="How the endpoint behaves")
    async def get_behaviour() -> Behaviour:
        return world.behaviour

    @router.patch("/behaviour", summary="Change how the endpoint behaves")
    async def patch_behaviour(changes: dict[str, Any]) -> Behaviour:
        try:
            world.behaviour = Behaviour.model_validate({**world.behaviour.model_dump(), **changes})
        except ValidationError as error:
            raise HTTPException(422, str(error)) from error
        store.clock_offset = world.behaviour.clock_offset
        store.import_target_status = world.behaviour.import_target_status
        return world.behaviour

    @router.post("/faults", summary="Plan faults")
    async def add_faults(faults: list[Fault]) -> list[Fault]:
        world.faults.planned += faults
        return world.faults.planned

    @router.delete("/faults", summary="Plan no more faults")
    async def clear_faults() -> None:
        world.faults.planned.clear()

    @router.post("/reset", summary="Forget backups, faults, requests and added projects; behave as at the start")
    async def reset() -> None:
        store.clear()
        await jobs.wait_for_all(world)
        if world.data is not None:
            await asyncio.to_thread(world.data.clear)
        store.clock_offset = 0.0
        store.remove_projects()
        store.add_presets()
        world.faults.planned.clear()
        world.requests.clear()
        world.behaviour = Behaviour()
        world.import_passwords.clear()
        store.import_target_status = world.behaviour.import_target_status


def _add_backup_routes(router: APIRouter, world: World) -> None:
    store = world.store

    @router.get("/backups", summary="Every backup there is")
    async def get_backups() -> list[dict[str, Any]]:
        now = store.now()
        return [
            {
                **vars(backup),
                "status": backup.status_at(now),
                "percent": backup.percent_at(now),
                "file": None if world.data is None else str(world.data.file(jobs.file_of(backup))),
            }
            for backup in store.all_backups()
        ]

    @router.post("/backups", summary="Make a backup as somebody else would")
    async def add_backup(new: NewBackup) -> dict[str, str]:
        details = new.model_dump()
        is_known = store.any_instance(new.instance_id) is not None
        pending = world.data is not None and is_known and not new.failure
        backup = store.add_backup(details.pop("instance_id"), **details, pending=pending)
        await jobs.save(world, backup)
        return {"backup_id": backup.backup_id}

    @router.patch("/backups/{backup_id}", summary="Change a backup behind the API's back")
    async def change_backup(backup_id: str, changes: dict[str, Any]) -> None:
        try:
            store.change_backup(backup_id, list(changes.items()))
        except ValueError as error:
            raise HTTPException(422, str(error)) from error

    @router.delete("/backups/{backup_id}", summary="Remove a backup behind the API's back")
    async def remove_backup(backup_id: str) -> None:
        store.remove_backup(backup_id)


def _add_instance_routes(router: APIRouter, world: World) -> None:
    store = world.store

    @router.post("/instances", summary="Add instances")
    async def add_instances(new: list[NewInstance]) -> list[str]:
        for instance in new:
            details = instance.model_dump()
            named = [details.pop(name) for name in ("instance_id", "name", "cache_mode", "engine_version")]
            store.add_instance(*named, project_id=details.pop("project_id") or world.project_id)
            store.change_instance(instance.instance_id, details)
        return [instance.instance_id for instance in new]

    @router.patch("/instances/{instance_id}", summary="Change an instance")
    async def change_instance(instance_id: str, changes: InstanceChanges) -> None:
        columns = changes.model_dump(exclude_unset=True)
        if "busy_for" in columns:
            seconds = columns.pop("busy_for")
            columns["busy_until"] = None if seconds is None else store.now() + seconds
        elif columns.keys() & {"status", "task", "busy_code"}:
            columns["busy_until"] = None
        store.change_instance(instance_id, columns)

    @router.delete("/instances/{instance_id}", summary="Delete an instance and its backups")
    async def remove_instance(instance_id: str) -> None:
        store.remove_instance(instance_id)
        if world.data is not None:
            await asyncio.to_thread(world.data.remove_instance, instance_id)

    @router.get("/instances/{instance_id}/server", summary="Where an instance's data are, and the password")
    async def get_server(instance_id: str) -> dict[str, Any]:
        instance = store.any_instance(instance_id)
        if world.data is None or instance is None:
            raise HTTPException(404, f"no data: {world.why_no_data}" if world.data is None else "no such instance")
        address = await jobs.address(world, instance)
        if address is None:
            raise HTTPException(409, "the instance's server is not running: it is being restored")
        url = f"redis://:{quote(address.password, safe='')}@{address.host}:{address.port}/0"
        return {**vars(address), "url": url}

    @router.put("/instances/{instance_id}/status", summary="Change what an instance is doing")
    async def set_status(instance_id: str, status: str) -> None:
        store.change_instance(instance_id, {"status": status, "busy_until": None})

    @router.get("/projects", summary="Every project, as IAM lists them")
    async def get_projects() -> list[dict[str, str]]:
        return [{"project_id": project_id, "name": name} for project_id, name in world.projects()]

    @router.post("/projects", summary="Add projects, in the same region or another one")
    async def add_projects(new: list[NewProject]) -> list[str]:
        for project in new:
            store.add_project(project.project_id, project.name)
        return [project.project_id for project in new]


def _add_request_routes(router: APIRouter, world: World) -> None:
    @router.get("/requests", summary="The requests that came in, oldest first")
    async def get_requests() -> list[dict[str, Any]]:
        return [vars(request) for request in world.requests]

    @router.get("/requests/counts", summary="How many requests came in, by operation")
    async def count_requests() -> dict[str, int]:
        return dict(Counter(request.operation for request in world.requests))

    @router.delete("/requests", summary="Forget the requests")
    async def clear_requests() -> None:
        world.requests.clear()

"""The control endpoint: how long backups take, which faults happen, what was requested. Unsigned; loopback only."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from .faults import Fault
from .world import Behaviour, World


class NewInstance(BaseModel):
    """An instance to add."""

    instance_id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    name: str = "redis"
    cache_mode: str = "ha"
    engine_version: str = "5.0"
    status: str = "RUNNING"


class NewBackup(BaseModel):
    """A backup that somebody else made."""

    instance_id: str
    remark: str | None = None
    backup_format: str = "rdb"
    backup_type: str = "manual"
    duration: float = 0.0
    failure: str = ""


def routes(world: World) -> APIRouter:
    """The routes that control this world."""
    router = APIRouter()
    store = world.store

    @router.get("/behaviour", summary="How the endpoint behaves")
    async def get_behaviour() -> Behaviour:
        return world.behaviour

    @router.patch("/behaviour", summary="Change how the endpoint behaves")
    async def patch_behaviour(changes: dict[str, Any]) -> Behaviour:
        world.behaviour = Behaviour.model_validate({**world.behaviour.model_dump(), **changes})
        store.clock_offset = world.behaviour.clock_offset
        return world.behaviour

    @router.post("/faults", summary="Plan faults")
    async def add_faults(faults: list[Fault]) -> list[Fault]:
        world.faults.planned += faults
        return world.faults.planned

    @router.delete("/faults", summary="Plan no more faults")
    async def clear_faults() -> None:
        world.faults.planned.clear()

    @router.get("/backups", summary="Every backup there is")
    async def get_backups() -> list[dict[str, Any]]:
        now = store.now()
        return [
            {**vars(backup), "status": backup.status_at(now), "percent": backup.percent_at(now)}
            for backup in store.all_backups()
        ]

    @router.post("/backups", summary="Make a backup as somebody else would")
    async def add_backup(new: NewBackup) -> dict[str, str]:
        backup = store.add_backup(
            new.instance_id,
            remark=new.remark,
            backup_format=new.backup_format,
            duration=new.duration,
            failure=new.failure,
            backup_type=new.backup_type,
        )
        return {"backup_id": backup.backup_id}

    @router.patch("/backups/{backup_id}", summary="Change a backup behind the API's back")
    async def change_backup(backup_id: str, changes: dict[str, Any]) -> None:
        store.change_backup(backup_id, list(changes.items()))

    @router.delete("/backups/{backup_id}", summary="Remove a backup behind the API's back")
    async def remove_backup(backup_id: str) -> None:
        store.remove_backup(backup_id)

    @router.post("/instances", summary="Add instances")
    async def add_instances(new: list[NewInstance]) -> list[str]:
        for instance in new:
            store.add_instance(
                instance.instance_id,
                instance.name,
                instance.cache_mode,
                instance.engine_version,
                project_id=world.project_id,
            )
            store.set_instance_status(instance.instance_id, instance.status)
        return [instance.instance_id for instance in new]

    @router.delete("/instances/{instance_id}", summary="Delete an instance and its backups")
    async def remove_instance(instance_id: str) -> None:
        store.remove_instance(instance_id)

    @router.put("/instances/{instance_id}/status", summary="Change what an instance is doing")
    async def set_status(instance_id: str, status: str) -> None:
        store.set_instance_status(instance_id, status)

    @router.get("/requests", summary="The requests that came in, oldest first")
    async def get_requests() -> list[dict[str, Any]]:
        return [vars(request) for request in world.requests]

    @router.get("/requests/counts", summary="How many requests came in, by operation")
    async def count_requests() -> dict[str, int]:
        return dict(Counter(request.operation for request in world.requests))

    @router.delete("/requests", summary="Forget the requests")
    async def clear_requests() -> None:
        world.requests.clear()

    @router.post("/reset", summary="Forget backups, faults and requests; behave as at the start")
    async def reset() -> None:
        store.clear()
        store.clock_offset = 0.0
        world.faults.planned.clear()
        world.requests.clear()
        world.behaviour = Behaviour()

    return router

"""Control restores, imports and key analyses: what there is, and what changes behind the API's back."""

from __future__ import annotations

import uuid
from typing import Any, Final

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from .tasks import TaskKind
from .world import World

_PATHS: Final = {TaskKind.RESTORE: "restores", TaskKind.MIGRATION: "migrations", TaskKind.ANALYSIS: "analyses"}
_DEFAULT_FACTS: Final[dict[TaskKind, dict[str, Any]]] = {
    TaskKind.MIGRATION: {"task_name": "import", "description": None, "source_instance_id": ""},
    TaskKind.ANALYSIS: {"node": {}, "analysis_type": "old_backup", "result": {}},
}


class NewTask(BaseModel):
    """A task that somebody else began."""

    instance_id: str = Field(description="the instance that it works on; an import's target")
    backup_id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    duration: float = 0.0
    failure: str = Field("", description="a restore's error code, an import's error message; empty for success")
    status: str = Field("", description="the status it is listed with; empty for the true one")
    progress: str | None = Field(None, description="the progress a restore is listed with; null for the true one")
    facts: dict[str, Any] = Field(
        default_factory=dict, description="a restore's remark; an import's task_name; an analysis' result"
    )


def routes(world: World) -> APIRouter:
    """The routes that control the tasks of this world."""
    router = APIRouter()
    for kind, path in _PATHS.items():
        _add_routes(router, world, kind, path)
    return router


def _add_routes(router: APIRouter, world: World, kind: TaskKind, path: str) -> None:
    tasks = world.store.tasks

    @router.get(f"/{path}", summary=f"All {path} there are")
    async def get_tasks() -> list[dict[str, Any]]:
        now = world.store.now()
        return [
            {**vars(task), "details": task.facts, "status": task.status_at(now), "percent": task.percent_at(now)}
            for task in tasks.all(kind)
        ]

    @router.patch(f"/{path}/{{task_id}}", summary=f"Change one of the {path} behind the API's back")
    async def change_task(task_id: str, changes: dict[str, Any]) -> None:
        try:
            tasks.change(task_id, changes)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error

    @router.delete(f"/{path}/{{task_id}}", summary=f"Remove one of the {path} behind the API's back")
    async def remove_task(task_id: str) -> None:
        tasks.remove(task_id)

    @router.post(f"/{path}", summary=f"Add to the {path} as somebody else would")
    async def add_task(new: NewTask) -> dict[str, str]:
        details = new.model_dump()
        facts = {**_DEFAULT_FACTS.get(kind, {}), **details.pop("facts")}
        instance_id = details.pop("instance_id")
        project_id = world.store.project_of(instance_id)
        return {"task_id": tasks.add(kind, instance_id, project_id=project_id, **details, **facts).task_id}

"""The routes that have the keys of a backup analysed ("offline key analysis")."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from . import jobs
from .bodies import describe, parsed
from .busy import refuse_if_busy
from .content import shards_of
from .instances import find_instance
from .lists import DEFAULT_LIMIT, Page
from .nodes import nodes_of
from .problems import Problem
from .records import StoredInstance, as_time
from .restores import usable_backup
from .serving import serve
from .tasks import StoredTask, TaskKind
from .world import World

FIRST_VERSION: Final = 4
"""The first major version of Redis whose backups can be analysed."""

INVENTED_NAME: Final = "session:anna@example.com"
"""The largest key where there are no real data: it looks like what must not show up in any log or state."""

_SHARES: Final = {"string": 0.6, "hash": 0.2, "list": 0.1, "set": 0.06, "zset": 0.04}
"""How the keys of an endpoint without data are dealt out to types."""


class CreateOfflineKeyAnalysisRequestBody(BaseModel):
    """The body of "create an offline key analysis task"."""

    node_id: str = Field(min_length=1)
    backup_id: str | None = Field(None, description="the backup to analyse; without it, a new one is made")


def routes(world: World) -> APIRouter:
    """The routes of key analyses."""
    router = APIRouter(prefix="/v2/{project_id}/instances/{instance_id}/offline/key-analysis")

    @router.post("", summary="Analyse the keys of a backup (CreateOfflineKeyAnalysis)")
    async def create_key_analysis(request: Request, project_id: str, instance_id: str) -> Response:
        body = await request.body()

        async def handle() -> Response:
            wanted = parsed(CreateOfflineKeyAnalysisRequestBody, body)
            instance = find_instance(world, request, project_id, instance_id)
            _refuse_unsupported(instance)
            node = {node["node_id"]: node for node in nodes_of(world, instance)}.get(wanted.node_id)
            if node is None or node["node_type"] == "proxy":
                raise Problem("DCS.4005", "The node does not exist.")
            now = world.store.now()
            if any(task.is_running_at(now) for task in _tasks(world, instance_id)):
                raise Problem("DCS.4231")
            return JSONResponse({"task_id": _begin(world, instance, node, wanted.backup_id).task_id})

        return await serve(world, request, "create_key_analysis", instance_id, handle)

    describe(router, CreateOfflineKeyAnalysisRequestBody)

    @router.get("", summary="List key analyses (ListOfflineKeyAnalysisTask)")
    async def list_key_analyses(  # noqa: PLR0917
        request: Request,
        project_id: str,
        instance_id: str,
        limit: str = str(DEFAULT_LIMIT),
        offset: str = "0",
        status: str = "",
    ) -> Response:
        def handle() -> Response:
            page = Page.parsed(limit, offset)
            find_instance(world, request, project_id, instance_id)
            now = world.store.now()
            found = [task for task in _tasks(world, instance_id) if status in ("", task.status_at(now))]
            records = [_record(task, now) for task in page.of(found)]
            return JSONResponse({"instance_id": instance_id, "total": len(found), "records": records})

        return await serve(world, request, "list_key_analyses", instance_id, handle)

    @router.get("/{task_id}", summary="Show a key analysis (ShowOfflineKeyAnalysisTask)")
    async def show_key_analysis(request: Request, project_id: str, instance_id: str, task_id: str) -> Response:
        def handle() -> Response:
            find_instance(world, request, project_id, instance_id)
            return JSONResponse(_details(_found(world, instance_id, task_id), world.store.now()))

        return await serve(world, request, "show_key_analysis", instance_id, handle)

    @router.delete("/{task_id}", summary="Delete a key analysis (DeleteOfflineKeyAnalysisTask)")
    async def delete_key_analysis(request: Request, project_id: str, instance_id: str, task_id: str) -> Response:
        def handle() -> Response:
            find_instance(world, request, project_id, instance_id)
            task = _found(world, instance_id, task_id)
            if task.is_running_at(world.store.now()):
                raise Problem("DCS.4231")
            world.store.tasks.remove(task_id)
            return JSONResponse({"task_id": task_id})

        return await serve(world, request, "delete_key_analysis", instance_id, handle)

    return router


def _refuse_unsupported(instance: StoredInstance) -> None:
    if int(instance.engine_version.partition(".")[0]) < FIRST_VERSION:
        raise Problem("DCS.4005", "Key analysis is supported only for Redis 4.0 and later.")


def _begin(world: World, instance: StoredInstance, node: dict[str, Any], backup_id: str | None) -> StoredTask:
    behaviour = world.behaviour
    now = world.store.now()
    duration = behaviour.duration if behaviour.analysis_duration is None else behaviour.analysis_duration
    if backup_id is None:
        if instance.cache_mode == "single":
            raise Problem("DCS.4086")
        refuse_if_busy(instance, world.store.backups(instance.instance_id), now)
        backup = world.store.add_backup(
            instance.instance_id,
            remark=None,
            backup_format="rdb",
            duration=behaviour.duration,
            pending=world.data is not None,
        )
        duration += behaviour.duration
    else:
        backup = usable_backup(world, backup_id)
        if backup.instance_id != instance.instance_id:
            raise Problem("DCS.4031")
    task = world.store.tasks.add(
        TaskKind.ANALYSIS,
        instance.instance_id,
        project_id=instance.project_id,
        backup_id=backup.backup_id,
        duration=duration,
        failure=behaviour.analysis_failure,
        status=behaviour.analysis_status,
        node={name: node[name] for name in ("node_id", "node_ip", "node_type", "group_name")},
        analysis_type="new_backup" if backup_id is None else "old_backup",
        result=_invented(behaviour.analysis_keys) if world.data is None else {},
        pending=world.data is not None,
    )
    shard = int(node["group_name"].rpartition("-")[2]) - 1
    jobs.start_analysis(world, task, backup, shard, shards_of(instance))
    return task


def _invented(keys: int) -> dict[str, Any]:
    """What an analysis finds where there are no real data."""
    counts = {name: round(keys * share) for name, share in _SHARES.items()}
    counts["string"] += keys - sum(counts.values())
    counts = {name: number for name, number in counts.items() if number > 0}
    largest = [{"key": INVENTED_NAME, "type": "string", "bytes": 4096, "num_of_elem": 4000}]
    strings = counts.get("string", 0)
    prefixes = [{"key_prefix": "session", "type": "string", "bytes": 64 * strings, "num": strings}]
    return {
        "total_num": keys,
        "total_bytes": keys * 64,
        "type_num": [{"type": name, "num": number} for name, number in counts.items()],
        "type_bytes": [{"type": name, "bytes": number * 64} for name, number in counts.items()],
        "largest_keys": largest if keys else [],
        "largest_key_prefixes": prefixes if keys else [],
    }


def _tasks(world: World, instance_id: str) -> list[StoredTask]:
    return world.store.tasks.of_instance(TaskKind.ANALYSIS, instance_id)


def _found(world: World, instance_id: str, task_id: str) -> StoredTask:
    task = world.store.tasks.find(TaskKind.ANALYSIS, task_id)
    if task is None or task.instance_id != instance_id:
        raise Problem("DCS.4232")
    return task


def _times(task: StoredTask, now: float) -> dict[str, str | None]:
    started, finished = task.created + task.delay, task.ended_at(now)
    return {
        "started_at": as_time(started) if started <= now else None,
        "finished_at": None if finished is None else as_time(finished),
    }


def _record(task: StoredTask, now: float) -> dict[str, Any]:
    return {
        "id": task.task_id,
        "status": task.status_at(now),
        "created_at": as_time(task.created),
        **_times(task, now),
    }


def _details(task: StoredTask, now: float) -> dict[str, Any]:
    """A task by itself, which tells no status; its figures are there once it has succeeded."""
    facts = task.facts
    figures: dict[str, Any] = facts["result"] if task.is_done_at(now) else {}
    names = ("total_num", "total_bytes", "type_num", "type_bytes", "largest_keys", "largest_key_prefixes")
    return {
        "id": task.task_id,
        "instance_id": task.instance_id,
        "backup_id": task.backup_id,
        **facts["node"],
        "node_ipv6": None,
        "analysis_type": facts["analysis_type"],
        **_times(task, now),
        **{name: figures.get(name) for name in names},
    }

"""The routes that list and show instances."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from .busy import is_instance_id, task_of
from .lists import DEFAULT_LIMIT, Page
from .problems import Problem
from .records import StoredInstance, as_time
from .serving import serve
from .world import World

_SPEC_CODES: Final = MappingProxyType(
    {
        "single": "redis.single.xu1.{size}",
        "ha": "redis.ha.xu1.{size}",
        "cluster": "redis.cluster.xu1.{size}",
        "proxy": "redis.proxy.xu1.{size}",
        "ha_rw_split": "redis.ha.xu1.{size}.p2",
    }
)
_SHARD_GB: Final = 4
"""Gigabytes that one shard of a cluster holds."""


def find_instance(world: World, request: Request, project_id: str, instance_id: str) -> StoredInstance:
    """The instance that a request names, or the documented error."""
    if world.serves(project_id, request.headers.get("host", "")):
        instance = world.store.instance(project_id, instance_id)
        if instance is not None:
            return instance
    if not is_instance_id(instance_id):
        raise Problem("DCS.4061")
    raise Problem(world.behaviour.missing_instance_code)


def routes(world: World) -> APIRouter:
    """The routes of instances."""
    router = APIRouter(prefix="/v2/{project_id}/instances")

    @router.get("", summary="List instances")
    async def list_instances(  # noqa: PLR0917
        request: Request,
        project_id: str,
        limit: str = str(DEFAULT_LIMIT),
        offset: str = "0",
        instance_id: str = "",
        name: str = "",
        name_equal: str = "",
        status: str = "",
        tags: str = "",
        ip: str = "",
        capacity: str = "",
        include_failure: str = "",
        include_delete: str = "",  # accepted, but no deleted instance is kept
    ) -> Response:
        wanted = {"instance_id": instance_id, "status": status, "ip": ip}

        def handle() -> Response:
            page = Page.parsed(limit, offset)
            is_known = world.serves(project_id, request.headers.get("host", ""))
            found = [
                instance
                for instance in (world.store.instances(project_id) if is_known else [])
                if (name == instance.name if name_equal == "true" else name in instance.name)
                and (instance.status != "CREATEFAILED" or include_failure == "true" or status == "CREATEFAILED")
                and all(value in ("", getattr(instance, column)) for column, value in wanted.items())
                and _has_tags(instance, tags)
                and (not capacity or _number(capacity) == instance.capacity)
            ]
            rows = [{**_row(instance), "no_password_access": False} for instance in page.of(found)]
            return JSONResponse({"instances": rows, "instance_num": len(found)})

        return await serve(world, request, "list_instances", "", handle)

    @router.get("/{instance_id}", summary="Show an instance")
    async def show_instance(request: Request, project_id: str, instance_id: str) -> Response:
        def handle() -> Response:
            instance = find_instance(world, request, project_id, instance_id)
            return JSONResponse(_details(world, instance))

        return await serve(world, request, "show_instance", instance_id, handle)

    return router


def _row(instance: StoredInstance) -> dict[str, Any]:
    """An instance in the list, which has no cache_mode. The odd types are those of the documented samples."""
    return {
        "instance_id": instance.instance_id,
        "name": instance.name,
        "engine": "Redis",
        "engine_version": instance.engine_version,
        "status": instance.status,
        "capacity": math.floor(instance.capacity),
        "capacity_minor": f"{instance.capacity:g}"[1:] if instance.capacity < 1 else None,
        "max_memory": round(instance.capacity * 1024),
        "used_memory": instance.used_memory,
        "spec_code": spec_code(instance),
        "port": 6379,
        "ip": instance.ip,
        "created_at": as_time(instance.created),
        "charging_mode": 0,
        "description": "",
        "enterprise_project_id": 0,
        "tags": [{"key": _as_number(key), "value": value} for key, value in instance.tag_pairs.items()],
    }


def _details(world: World, instance: StoredInstance) -> dict[str, Any]:
    backups = world.store.backups(instance.instance_id)
    return {
        **_row(instance),
        "cache_mode": instance.cache_mode,
        "no_password_access": "false",
        "task": task_of(instance, backups, world.store.now()) or None,
        "sub_status": None,
        "product_type": "generic",
        "sharding_count": shards_of(instance),
        "replica_count": 1 if instance.cache_mode == "single" else 2,
        "instance_backup_policy": None,
    }


def shards_of(instance: StoredInstance) -> int:
    """How many shards the instance's data are dealt out to."""
    is_clustered = instance.cache_mode in ("cluster", "proxy")
    return max(1, round(instance.capacity / _SHARD_GB)) if is_clustered else 1


def spec_code(instance: StoredInstance) -> str:
    """The instance's specification, as lists name it."""
    gigabytes = instance.capacity
    size = f"tiny.{round(gigabytes * 1024)}" if gigabytes < 1 else f"large.{gigabytes:g}"
    return _SPEC_CODES.get(instance.cache_mode, "redis.{size}").format(size=size)


def _has_tags(instance: StoredInstance, wanted: str) -> bool:
    pairs: Mapping[str, str] = instance.tag_pairs
    for pair in filter(None, wanted.split(",")):
        key, has_value, value = pair.partition("=")
        if key not in pairs or (has_value and pairs[key] != value):
            return False
    return True


def _as_number(key: str) -> str | int:
    return int(key) if key.isdecimal() else key


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Problem("DCS.4005", "capacity is not a number.") from None

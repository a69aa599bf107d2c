"""The route that lists an instance's nodes, which key analyses are started on."""

from __future__ import annotations

import uuid
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from .instances import find_instance, shards_of
from .records import StoredInstance
from .serving import serve
from .world import World

PROXIES: Final = 2
"""Proxy nodes of an instance that has them; key analyses don't take their ids."""


def routes(world: World) -> APIRouter:
    """The routes of nodes."""
    router = APIRouter(prefix="/v2/{project_id}/instances/{instance_id}/logical-nodes")

    @router.get("", summary="List an instance's nodes (ShowNodesInformation)")
    async def list_nodes(request: Request, project_id: str, instance_id: str) -> Response:
        def handle() -> Response:
            instance = find_instance(world, request, project_id, instance_id)
            nodes = nodes_of(instance)
            return JSONResponse({"instance_id": instance_id, "total": len(nodes), "nodes": nodes})

        return await serve(world, request, "list_nodes", instance_id, handle)

    return router


def nodes_of(instance: StoredInstance) -> list[dict[str, Any]]:
    """The instance's nodes; their ids follow from the instance's."""
    roles = ["master"] if instance.cache_mode == "single" else ["master", "slave"]
    nodes = [
        _node(instance, f"shard-{shard}", role, "redis-server")
        for shard in range(1, shards_of(instance) + 1)
        for role in roles
    ]
    if instance.cache_mode == "proxy":
        nodes += [_node(instance, f"proxy-{number}", "proxy", "redis-proxy") for number in range(1, PROXIES + 1)]
    return nodes


def _node(instance: StoredInstance, group: str, node_type: str, node_role: str) -> dict[str, Any]:
    def id_of(what: str) -> str:
        return uuid.uuid5(uuid.NAMESPACE_OID, f"{instance.instance_id}/{group}/{what}").hex

    return {
        "logical_node_id": id_of(f"logical-{node_type}"),
        "name": f"{instance.name}-{group}-{node_type}",
        "status": "Active",
        "az_code": "az1" if node_type == "master" else "az2",
        "node_role": node_role,
        "node_type": node_type,
        "node_ip": instance.ip,
        "node_port": "6379",
        "node_id": id_of(node_type),
        "priority_weight": 100,
        "is_access": True,
        "group_id": id_of("group"),
        "group_name": group,
        "is_remove_ip": False,
        "replication_id": id_of(f"replication-{node_type}"),
        "dimensions": [
            {"name": "dcs_instance_id", "value": instance.instance_id},
            {"name": "dcs_cluster_redis_node", "value": id_of(f"monitored-{node_type}")},
        ],
    }

"""The nodes of an instance: which of them hold a shard's data, for that a backup's file is analysed by node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .clock import Pause
from .messages import Request, path_segment
from .parsing import count, word

if TYPE_CHECKING:
    from .client import Client

_MASTER: Final = "master"
_PROXY: Final = "proxy"


@dataclass(frozen=True)
class Node:
    """A node as the service describes it.

    Attributes:
        group_id: the shard that it belongs to; empty where the service does not say.
        node_type: ``master``, ``slave`` or ``proxy``.
    """

    node_id: str
    group_id: str = ""
    group_name: str = ""
    node_type: str = ""

    @property
    def shard(self) -> str:
        """What tells its shard from the others."""
        return self.group_id or self.group_name

    @classmethod
    def parse(cls, row: object) -> Node | None:
        """Read one row; None where it is no node (no ``node_id``)."""
        node_id = word(row.get("node_id")) if isinstance(row, Mapping) else ""
        if not isinstance(row, Mapping) or not node_id:
            return None
        return cls(
            node_id=node_id,
            group_id=word(row.get("group_id")),
            group_name=word(row.get("group_name")),
            node_type=word(row.get("node_type")).lower(),
        )


class Nodes:
    """The nodes of instances at one location; cheap to make, one for each operation.

    Args:
        pause: sleeps; raises when the operation has to end. The clock's by default.
    """

    def __init__(self, client: Client, pause: Pause | None = None) -> None:
        self._client = client
        self._pause = pause

    def list(self, instance_id: str) -> tuple[Node, ...]:
        """GET …/logical-nodes: all nodes of the instance; the service does not page them.

        Raises:
            UnexpectedResponse: also for a list with rows that can't be read, or with fewer than its total.
        """
        action = f"list the nodes of instance {instance_id}"
        project_id = path_segment(self._client.location.project_id)
        request = Request("GET", f"/v2/{project_id}/instances/{path_segment(instance_id)}/logical-nodes")
        response = self._client.send(request, action=action, pause=self._pause)
        body = response.json()
        rows = body.get("nodes") if isinstance(body, Mapping) else None
        total = count(body.get("total")) if isinstance(body, Mapping) else None
        if not isinstance(rows, list):
            raise self._client.unexpected(response, request, action=action)
        nodes = tuple(node for node in map(Node.parse, rows) if node is not None)
        if len(nodes) < len(rows) or (total is not None and total != len(rows)):
            # A shard that is missing here would not be counted, and nobody would notice.
            raise self._client.unexpected(response, request, action=action)
        return nodes


def masters_of(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The master of each shard, in the order of the shards' names; empty where a shard has none at the moment."""
    shards: dict[str, Node | None] = {}
    for node in nodes:
        if node.node_type == _MASTER:
            # One that names no shard is a shard by itself: rather one too many than one that nobody counts.
            shard = node.shard or node.node_id
            shards[shard] = shards.get(shard) or node
        elif node.node_type != _PROXY and node.shard:
            shards.setdefault(node.shard, None)
    masters = [node for node in shards.values() if node is not None]
    if len(masters) < len(shards):
        return ()
    return tuple(sorted(masters, key=lambda node: (len(node.group_name), node.group_name, node.node_id)))

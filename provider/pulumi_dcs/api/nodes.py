"""The nodes of an instance: which of them hold data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .clock import Pause
from .messages import Request, path_segment
from .parsing import word

if TYPE_CHECKING:
    from .client import Client

_MASTER: Final = "master"


@dataclass(frozen=True)
class Node:
    """One node.

    Attributes:
        node_id: as key analyses want it.
        shard: the name of its shard, such as ``shard-1``; empty where the service tells none.
        node_type: ``master``, ``slave`` or ``proxy``.
    """

    node_id: str
    shard: str = ""
    node_type: str = ""

    @property
    def is_master(self) -> bool:
        """Whether it holds a shard's data and takes writes."""
        return self.node_type == _MASTER

    @classmethod
    def parse(cls, row: object) -> Node | None:
        """Read one row; None where it is no node (no ``node_id``)."""
        node_id = word(row.get("node_id")) if isinstance(row, Mapping) else ""
        if not isinstance(row, Mapping) or not node_id:
            return None
        return cls(node_id, word(row.get("group_name")), word(row.get("node_type")).lower())


class Nodes:
    """The nodes of instances at one location; cheap to make, one for each operation.

    Args:
        pause: sleeps; raises when the operation has to end. The clock's by default.
    """

    def __init__(self, client: Client, pause: Pause | None = None) -> None:
        self._client = client
        self._pause = pause

    def list(self, instance_id: str) -> tuple[Node, ...]:
        """GET …/logical-nodes: all nodes of the instance.

        Raises:
            UnexpectedResponse: also for a row that is no node: a shard that is left out would be overlooked.
        """
        action = f"list the nodes of instance {instance_id}"
        project_id = path_segment(self._client.location.project_id)
        request = Request("GET", f"/v2/{project_id}/instances/{path_segment(instance_id)}/logical-nodes")
        response = self._client.send(request, action=action, pause=self._pause)
        body = response.json()
        rows = body.get("nodes") if isinstance(body, Mapping) else None
        nodes = [Node.parse(row) for row in rows] if isinstance(rows, list) else [None]
        found = tuple(node for node in nodes if node is not None)
        if len(found) < len(nodes):
            raise self._client.unexpected(response, request, action=action)
        return found

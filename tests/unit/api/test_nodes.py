"""Which nodes hold data: a shard that is overlooked would not be counted."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.api.errors import UnexpectedResponse
from pulumi_dcs.api.nodes import Node, Nodes, masters_of

from tests.endpoint import PROJECT_ID

from .support import INSTANCE, Service, client_at, response


def row(node_id: str, group: str = "g1", node_type: str = "master") -> dict[str, str]:
    return {"node_id": node_id, "group_id": group, "group_name": group, "node_type": node_type}


@pytest.fixture
def nodes(service: Service) -> Nodes:
    return Nodes(client_at("http://127.0.0.1:1"))


def test_the_list(service: Service, nodes: Nodes) -> None:
    service.plan(response(200, {"total": 2, "nodes": [row("a"), row("b", node_type="Slave")]}))
    assert [each.node_id for each in nodes.list(INSTANCE)] == ["a", "b"]
    assert service.requests[0].path == f"/v2/{PROJECT_ID}/instances/{INSTANCE}/logical-nodes"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"nodes": None},
        {"nodes": {}},
        [],
        {"nodes": [row("a"), {}], "total": 2},
        {"nodes": [row("a"), None], "total": 2},
        {"nodes": [row("a")], "total": 2},
        {"nodes": [row("a"), row("b")], "total": 1},
    ],
)
def test_a_list_that_may_leave_out_a_shard_is_unexpected(service: Service, nodes: Nodes, body: Any) -> None:
    service.plan(response(200, body))
    with pytest.raises(UnexpectedResponse):
        nodes.list(INSTANCE)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("a"), row("b", node_type="slave")], ["a"]),
        ([row("b", "shard-10"), row("a", "shard-2"), row("p", "proxy-1", "proxy")], ["a", "b"]),
        # One shard has no master now, or none that is listed.
        ([row("a", "g1"), row("b", "g2", "slave")], []),
        ([row("a", "g1"), row("b", "g2", "replica")], []),
        ([row("p", "proxy-1", "proxy")], []),
        ([], []),
        # Two during a failover: one of them is enough.
        ([row("a", "g1"), row("b", "g1")], ["a"]),
        # Without names of shards none may be taken for another.
        ([row("a", ""), row("b", ""), row("c", "", "slave")], ["a", "b"]),
    ],
)
def test_one_master_for_each_shard_or_none_at_all(rows: list[dict[str, str]], expected: list[str]) -> None:
    found = [Node.parse(each) for each in rows]
    assert [each.node_id for each in masters_of(each for each in found if each is not None)] == expected

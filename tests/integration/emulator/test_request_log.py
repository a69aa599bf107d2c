"""The local endpoint's log of requests: what every test that counts requests relies on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.endpoint import HA, PROJECT_ID, LocalEndpoint

from .wire import INSTANCES, call

SLOW_POST = {"operation": "create_backup", "carried_out": True, "delay": 1.0}


@contextmanager
def post_without_response(endpoint: LocalEndpoint) -> Iterator[None]:
    """While the block begins, the endpoint has made a backup and not yet responded; at its end it has."""
    endpoint.plan(SLOW_POST)
    post = threading.Thread(target=call, args=(endpoint, "POST", f"{INSTANCES}/{HA}/backups", {}))
    post.start()
    while not endpoint.backups():
        time.sleep(0.02)
    try:
        yield
    finally:
        post.join()


def test_a_request_is_counted_before_the_response(endpoint: LocalEndpoint) -> None:
    with post_without_response(endpoint):
        assert [row["status"] for row in endpoint.requests("create_backup")] == [None]
    (row,) = endpoint.requests("create_backup")
    assert (row["status"], row["instance_id"], row["project_id"]) == (200, HA, PROJECT_ID)


def test_a_request_that_outlives_a_reset_is_not_counted_after_it(endpoint: LocalEndpoint) -> None:
    with post_without_response(endpoint):
        endpoint.control("DELETE", "/requests")
    assert endpoint.count("create_backup") == 0

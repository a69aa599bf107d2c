"""The local endpoint's log of requests: what every test that counts requests relies on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.endpoint import HA, LocalEndpoint
from tests.engine.stack import until

from .service import Heard, service_at, take

SLOW_POST = {"operation": "create_backup", "carried_out": True, "delay": 1.0}


@contextmanager
def unanswered_post(endpoint: LocalEndpoint) -> Iterator[None]:
    """While the block begins, the endpoint has made a backup and not yet answered; at its end it has."""
    endpoint.plan(SLOW_POST)
    create = threading.Thread(target=take, args=(service_at(endpoint.url), Heard(HA), "one"))
    create.start()
    until(endpoint.backups)
    try:
        yield
    finally:
        create.join()


def test_a_request_is_counted_before_it_is_answered(endpoint: LocalEndpoint) -> None:
    with unanswered_post(endpoint):
        assert [row["status"] for row in endpoint.requests("create_backup")] == [None]
    assert [row["status"] for row in endpoint.requests("create_backup")] == [200]


def test_a_request_that_outlives_a_reset_is_not_counted_after_it(endpoint: LocalEndpoint) -> None:
    with unanswered_post(endpoint):
        endpoint.control("DELETE", "/requests")
    assert endpoint.count("create_backup") == 0

"""Who is taken for a dead engine."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from pulumi_dcs.engine.shutdown import EngineWatch


class Ended(BaseException):
    pass


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def watch(port: int, own: Callable[[], int] = lambda: 0, other: Callable[[], int] = lambda: 0) -> EngineWatch:
    return EngineWatch(f"127.0.0.1:{port}", lambda: None, own, other)


def test_one_that_listens_is_there_and_one_that_refuses_is_not(closed_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert watch(server.getsockname()[1]).is_engine_there()
    assert not watch(closed_port).is_engine_there()
    with pytest.raises(LookupError):
        watch(closed_port).start()


@pytest.mark.parametrize("seconds", [2.0, 4.0])
def test_a_refusal_that_takes_its_time_is_waited_for(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_address: Any, timeout: float) -> socket.socket:
        raise ConnectionRefusedError if timeout > seconds else TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    assert not watch(1).is_engine_there()


def test_one_that_does_not_respond_may_be_suspended(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_address: Any, timeout: float) -> socket.socket:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    assert watch(1).is_engine_there()


@pytest.mark.parametrize(
    ("own", "other", "ends_after"), [(0, 0, 0), (1000, 0, 60), (0, 90, 90), (1000, 90, 90), (7, 3, 7)]
)
def test_it_waits_for_requests(
    own: int, other: int, ends_after: int, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    def end(_code: int) -> None:
        raise Ended

    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(Ended):
        watch(closed_port, lambda: int(now < own), lambda: int(now < other))._watch()
    assert now == pytest.approx(ends_after, abs=0.1)

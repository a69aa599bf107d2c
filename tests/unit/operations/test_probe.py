"""A preview asks a service that does not respond once, however many want to know something."""

from __future__ import annotations

import threading

import pytest
from pulumi_dcs.api.errors import DcsError, NotFoundError, UnexpectedResponse
from pulumi_dcs.operations.probe import Probe


class Service:
    """Fails from the call with this number on."""

    def __init__(self, fails_from: int = 10**9) -> None:
        self.calls = 0
        self._fails_from = fails_from
        self._lock = threading.Lock()

    def call(self) -> str:
        with self._lock:
            self.calls += 1
            if self.calls >= self._fails_from:
                raise UnexpectedResponse("DCS failed.", http_status=503)
            return "fine"


def ask_all(service: Service, count: int) -> tuple[list[str | None], list[DcsError]]:
    probe = Probe()
    results: list[str | None] = []
    failures: list[DcsError] = []
    threads = [
        threading.Thread(target=lambda: results.append(probe.ask(service.call, failures.append))) for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results, failures


def test_one_try_for_all() -> None:
    service = Service(fails_from=1)
    results, failures = ask_all(service, 20)
    assert (results, len(failures), service.calls) == ([None] * 20, 1, 1)


def test_a_failure_later_ends_it_as_well() -> None:
    service = Service(fails_from=2)
    probe = Probe()
    failures: list[DcsError] = []
    assert [probe.ask(service.call, failures.append) for _ in range(5)] == ["fine", None, None, None, None]
    assert (len(failures), service.calls) == (1, 2)


def test_all_ask_while_it_responds() -> None:
    service = Service()
    results, failures = ask_all(service, 20)
    assert (results, failures, service.calls) == (["fine"] * 20, [], 20)


def test_not_found_is_a_response() -> None:
    def call() -> str:
        raise NotFoundError("No such instance.", http_status=404)

    probe = Probe()
    for _ in range(2):
        with pytest.raises(NotFoundError):
            probe.ask(call, lambda _: pytest.fail("a failure"))

"""What one run of a program shares: its settings, and what it has asked already."""

from __future__ import annotations

import contextvars
import gc
import json
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from pulumi.runtime import set_all_config
from pulumi.runtime.mocks import MockMonitor, Mocks
from pulumi.runtime.settings import Settings, configure
from pulumi_dcs.api.errors import DcsError
from pulumi_dcs.program import Program, current_program, is_preview

MOCKS = MockMonitor(cast("Mocks", None))
"""As unit tests of programs have it; nothing is registered here."""


class Monitor:
    """Stands for an engine: each run has one of its own."""


def in_run(monitor: object, configuration: dict[str, str]) -> Program:
    """What a program finds that runs like this."""

    def run() -> Program:
        set_all_config(configuration)
        configure(Settings("shop", "dev", monitor=monitor))
        return current_program()

    return contextvars.copy_context().run(run)


def test_each_run_has_its_own_configuration() -> None:
    one, other = Monitor(), Monitor()
    first = in_run(one, {"dcs:region": "cn-north-4"})
    assert first.settings.region == "cn-north-4"
    assert in_run(one, {"dcs:region": "cn-north-4"}) is first
    second = in_run(other, {"huaweicloud:region": "eu-west-101"})
    assert second is not first
    assert second.settings.region == "eu-west-101"
    assert second.clients.settings is second.settings


def test_a_run_that_is_over_is_forgotten() -> None:
    monitor = Monitor()
    forgotten = weakref.ref(in_run(monitor, {}))
    del monitor
    in_run(Monitor(), {})  # Pulumi's SDK itself remembers the latest one, for threads without a context.
    gc.collect()
    assert forgotten() is None


@pytest.mark.parametrize("monitor", [None, MOCKS], ids=["plain Python", "mocks"])
def test_without_an_engine_the_configuration_of_the_moment_counts(
    monkeypatch: pytest.MonkeyPatch, monitor: object
) -> None:
    def run() -> str:
        set_all_config({})
        configure(Settings("shop", "dev", monitor=monitor))
        return current_program().settings.region

    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"dcs:region": "cn-south-1"}))
    assert contextvars.copy_context().run(run) == "cn-south-1"
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"dcs:region": "cn-east-3"}))
    assert contextvars.copy_context().run(run) == "cn-east-3"


class Service:
    """Counts how often it is asked, and responds when it may."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.count = 0
        self.is_asked = threading.Event()
        self.may_respond = threading.Event()
        self.failure = failure

    def ask(self) -> int:
        self.count += 1
        self.is_asked.set()
        assert self.may_respond.wait(10)
        if self.failure is not None:
            raise self.failure
        return self.count


def test_a_question_is_asked_once_from_any_number_of_threads() -> None:
    program, service = Program({}), Service()
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(program.once, ("list", "a"), service.ask) for _ in range(8)]
        assert service.is_asked.wait(10)
        service.may_respond.set()
        assert {each.result(10) for each in waiting} == {1}
    assert program.once(("list", "a"), service.ask) == 1
    assert program.once(("list", "b"), service.ask) == 2


def test_without_a_run_only_what_is_being_asked_is_shared() -> None:
    program, service = Program({}, keeps_responses=False), Service()
    service.may_respond.set()
    assert program.once("list", service.ask) == 1
    assert program.once("list", service.ask) == 2


def test_a_failure_is_shared_by_who_waits_and_not_kept() -> None:
    program, service = Program({}), Service(DcsError("No connection.", advice="check it."))
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(program.once, "list", service.ask)
        assert service.is_asked.wait(10)
        others = [pool.submit(program.once, "list", service.ask) for _ in range(3)]
        while sum(each.running() for each in others) < 3:
            pass
        service.may_respond.set()
        failures = [each.exception(10) for each in (first, *others)]
    assert {str(each) for each in failures} == {"No connection.\n  What to do: check it."}
    assert len({id(each) for each in failures}) == 4
    service.failure = None
    assert program.once("list", service.ask) == service.count


def test_an_interrupted_thread_does_not_end_the_others() -> None:
    program, service = Program({}), Service(KeyboardInterrupt())
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(program.once, "list", service.ask)
        assert service.is_asked.wait(10)
        second = pool.submit(program.once, "list", lambda: 7)
        service.may_respond.set()
        assert isinstance(first.exception(10), KeyboardInterrupt)
        assert second.result(10) == 7


def test_a_preview_is_known_as_one() -> None:
    def run(*, dry_run: bool) -> bool:
        configure(Settings("shop", "dev", monitor=Monitor(), dry_run=dry_run))
        return is_preview()

    assert contextvars.copy_context().run(run, dry_run=True)
    assert not contextvars.copy_context().run(run, dry_run=False)

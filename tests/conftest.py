"""What all tests share: one local endpoint per test process, as new for each test."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from pulumi.runtime.settings import reset_options

from .endpoint import LocalEndpoint, running_endpoint


@pytest.fixture(scope="session", autouse=True)
def no_ignored_signals() -> None:
    """Tests send signals to what they start, which would ignore them as this process does under nohup or behind `&`."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def endpoint_process() -> Iterator[LocalEndpoint]:
    with running_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(endpoint_process: LocalEndpoint) -> LocalEndpoint:
    endpoint_process.reset()
    endpoint_process.behave(duration=0.3)
    return endpoint_process


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests must not find the credentials of whoever runs them."""
    for name in list(os.environ):
        if name.startswith(("HUAWEICLOUD_", "HW_", "CLOUD_SDK_", "DCS_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_program_of_another_test() -> Iterator[None]:
    """The SDK keeps the program that runs, or that mocks stand for, for the whole process: each test leaves none."""
    yield
    reset_options()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell in reports which rows of docs/reliability.md a test shows."""
    for item in items:
        for mark in item.iter_markers("row"):
            item.user_properties += [("row", row) for row in mark.args]

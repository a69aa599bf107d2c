"""Stacks with toys: resources of a provider on our adapter, and of somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import CURRENT, FLOOR, environment_for

from .toy import ToyStack

MakeToyStack = Callable[..., ToyStack]


@pytest.fixture
def make_toy_stack(tmp_path: Path, engine: Path, pulumi_home: Path) -> MakeToyStack:
    def make(folder: str = "project", backend: str = "", python: Path = CURRENT) -> ToyStack:
        (tmp_path / folder).mkdir()
        return ToyStack(tmp_path / folder, environment_for(python, engine, pulumi_home), backend=backend)

    return make


@pytest.fixture
def stack(make_toy_stack: MakeToyStack) -> ToyStack:
    return make_toy_stack()


@pytest.fixture(params=[CURRENT, FLOOR], ids=["newest", "oldest"])
def stack_of_each_sdk(request: pytest.FixtureRequest, make_toy_stack: MakeToyStack) -> ToyStack:
    """A stack whose program and host run with the newest, and with the oldest, supported packages."""
    return make_toy_stack(python=request.param)

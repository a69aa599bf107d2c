"""A local endpoint without a process."""

from __future__ import annotations

import pytest

from .local import Local


@pytest.fixture
def local() -> Local:
    return Local()

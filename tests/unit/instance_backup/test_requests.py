"""How many requests a backup costs; in virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endpoint import HA
from tests.unit.simulation import Service, Stack, VirtualClock


@pytest.mark.parametrize(("duration", "max_requests"), [(0.0, 3), (2.0, 6), (20.0, 20), (600.0, 60)])
def test_what_one_backup_costs_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, duration: float, max_requests: int
) -> None:
    service = Service(VirtualClock())
    service.serve(monkeypatch)
    service.world.behaviour.duration = duration
    stack = Stack(service, tmp_path, "dev")
    assert stack.up({"a": {"instance_id": HA}})
    assert len(service.world.requests) <= max_requests
    assert stack.up({"a": {"instance_id": HA, "triggers": {"again": "1"}}})
    # Now the instance's list tells how long it usually takes; the replaced one is deleted.
    assert len(service.world.requests) <= 2 * max_requests + 1

"""An instance that is busy refuses a backup with the code that is documented for what it is doing."""

from __future__ import annotations

import pytest

from tests.endpoint import HA

from .local import INSTANCES, Local


def refusal(local: Local) -> tuple[int, str] | None:
    response = local.call("POST", f"{INSTANCES}/{HA}/backups", {})
    return None if response.status == 200 else response.error


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("CREATING", "DCS.4118"),
        ("CREATEFAILED", "DCS.4049"),
        ("ERROR", "DCS.4049"),
        ("RESTARTING", "DCS.4111"),
        ("FROZEN", "DCS.4049"),
        ("FREEZING", "DCS.4120"),
        ("EXTENDING", "DCS.4113"),
        ("RESTORING", "DCS.4097"),
        ("FLUSHING", "DCS.4026"),
        ("PAYING", "DCS.4107"),
        ("MIGRATING", "DCS.4121"),
        ("UPGRADING", "DCS.4116"),
        ("SOMETHING_NEW", "DCS.4049"),
    ],
)
def test_by_status(local: Local, status: str, code: str) -> None:
    local.control("PATCH", f"/instances/{HA}", {"status": status})
    assert refusal(local) == (400, code)
    local.control("PUT", f"/instances/{HA}/status?status=RUNNING")


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("BACKUPING", (400, "DCS.4096")),
        ("RESTORING", (400, "DCS.4097")),
        ("RECOVERING", (400, "DCS.4104")),
        ("ORDERING", (400, "DCS.4108")),
        ("CONFIGURING", (400, "DCS.4114")),
        ("LOCKED", (500, "DCS.4069")),
        ("CHANGING_PASSWORD", (400, "DCS.4115")),
        ("ROLLING_BACK", (400, "DCS.4117")),
        ("ANALYZING", (400, "DCS.4231")),
        ("SOMETHING_NEW", (400, "DCS.4017")),
    ],
)
def test_by_task_while_its_status_is_running(local: Local, task: str, expected: tuple[int, str]) -> None:
    local.control("PATCH", f"/instances/{HA}", {"task": task})
    assert (local.show()["status"], local.show()["task"]) == ("RUNNING", task)
    assert refusal(local) == expected
    assert not local.control("GET", "/backups")


@pytest.mark.parametrize("code", ["DCS.4975", "CBC.99003651", "DCS.9999"])
def test_by_choice(local: Local, code: str) -> None:
    local.control("PATCH", f"/instances/{HA}", {"busy_code": code})
    assert refusal(local) == (400, code)


def test_a_backup_that_runs(local: Local) -> None:
    backup_id = local.back_up()
    assert local.show()["task"] == "BACKUPING"
    assert refusal(local) == (400, "DCS.4096")
    assert local.call("DELETE", f"{INSTANCES}/{HA}/backups/{backup_id}").error == (400, "DCS.4096")
    local.now += 60.0
    assert local.show()["task"] is None
    assert refusal(local) is None


@pytest.mark.parametrize("changes", [{"status": "RESTARTING"}, {"task": "RECOVERING"}, {"busy_code": "DCS.4108"}])
def test_it_passes_after_a_while(local: Local, changes: dict[str, object]) -> None:
    local.control("PATCH", f"/instances/{HA}", {**changes, "busy_for": 10.0})
    assert refusal(local) is not None
    local.now += 10.0
    assert (local.show()["status"], local.show()["task"]) == ("RUNNING", None)
    assert refusal(local) is None
    local.now += 60.0
    local.control("PATCH", f"/instances/{HA}", changes)
    local.now += 1000.0
    assert refusal(local) is not None

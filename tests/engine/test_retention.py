"""The life of a retention, declared and applied by the real engine."""

from __future__ import annotations

from typing import Any



from tests.endpoint import HA, LocalEndpoint

from .stack import Outcome, Stack

DAY = 86400.0
START = 1_790_000_000.0
"""The day of the first backup: a day in 2026."""


def add_nightly(endpoint: LocalEndpoint, count: int, *, first: int = 0, **details: Any) -> list[str]:
    """Backups of successive nights, the oldest first; their ids."""
    return [
        add(endpoint, night, **{"remark": f"nightly {night}", **details}) for night in range(first, first + count)
    ]


def add(endpoint: LocalEndpoint, night: int, **details: Any) -> str:
    """A backup of that night; its id."""
    backup_id = endpoint.add_backup(HA, **details)
    endpoint.change_backup(backup_id, created=START + night * DAY)
    return backup_id


def declare(stack: Stack, before: str = "", opts: str = "", **inputs: Any) -> None:
    """A program with one retention, after other lines."""
    given = {"instance_id": HA, "keep": 2, "remark": "nightly .*", **inputs}
    arguments = [f"{name}={value!r}" for name, value in given.items() if value is not None]
    arguments += [f"opts=pulumi.ResourceOptions({opts})"] if opts else []
    stack.write(
        "import pulumi\nfrom pulumi_dcs import BackupRetention, InstanceBackup\n"
        f"{before}\nretention = BackupRetention('orders', {', '.join(arguments)})"
    )


def applied(stack: Stack, *options: str) -> Outcome:
    outcome = stack.up(*options)
    assert outcome.ok, outcome.text
    return outcome


def deletions(endpoint: LocalEndpoint) -> int:
    return endpoint.count("delete_backup")


def test_the_newest_stay_and_the_older_ones_go(stack: Stack, endpoint: LocalEndpoint) -> None:
    nights = add_nightly(endpoint, 5)
    declare(stack, keep=2)
    outcome = applied(stack)
    assert endpoint.backup_ids() == set(nights[3:])
    retention = stack.retention()
    assert retention["id"] == HA
    assert retention["outputs"]["deleted_ids"] == nights[:3]
    assert retention["outputs"]["surplus"] == 0
    assert "deletes" not in retention["outputs"]
    assert stack.up("--expect-no-changes").ok
    print(outcome.text, retention)

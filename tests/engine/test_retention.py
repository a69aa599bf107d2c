"""The life of a retention, declared and applied by the real engine."""

from __future__ import annotations

from typing import Any

import pytest


from tests.endpoint import HA, LocalEndpoint

from .stack import RETENTION_TYPE, Outcome, Stack

DAY = 86400.0
START = 1_790_000_000.0
"""The day of the first backup: a day in 2026."""


def add_nightly(endpoint: LocalEndpoint, count: int, *, first: int = 0, **details: Any) -> list[str]:
    """Backups of successive nights, the oldest first; their ids."""
    return [add(endpoint, night, **{"remark": f"nightly {night}", **details}) for night in range(first, first + count)]


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


def test_a_preview_lists_what_goes_and_what_stays(stack: Stack, endpoint: LocalEndpoint) -> None:
    nights = add_nightly(endpoint, 4)
    add(endpoint, 0, remark="release 7")
    declare(stack, keep=2)
    preview = stack.preview()
    assert preview.ok, preview.text
    rows = {row["backup_id"]: row for row in endpoint.backups()}
    print(preview.text)
    assert (
        f"Deletes 2 backups of instance {HA}, older than the newest 2 whose remark matches 'nightly .*':\n"
        in preview.text
    )
    said = preview.diagnostics
    assert said.index(nights[0]) < said.index(nights[1]) < said.index("Keeps 2 backups:")
    assert "2026-09-21 14:13:20 UTC, " in said
    assert f"'nightly 0')" in said
    assert rows
    print(stack.preview("--diff").text)
    (step,) = stack.preview_json(type_=RETENTION_TYPE)
    assert [row["backup_id"] for row in step["newState"]["inputs"]["deletes"]] == nights[:2]
    assert deletions(endpoint) == 0
    assert len(endpoint.backups()) == 5


def test_nothing_to_do_shows_nothing(stack: Stack, endpoint: LocalEndpoint) -> None:
    add_nightly(endpoint, 4)
    declare(stack, keep=2)
    applied(stack)
    applied(stack)
    asked = len(endpoint.requests())
    preview = stack.preview("--expect-no-changes")
    assert preview.ok, preview.text
    assert "Diagnostics:" not in preview.text
    outcome = applied(stack, "--expect-no-changes")
    assert "Diagnostics:" not in outcome.text
    assert len(endpoint.requests()) == asked


def test_a_refresh_sees_a_surplus_and_the_next_up_deletes_it(stack: Stack, endpoint: LocalEndpoint) -> None:
    add_nightly(endpoint, 2)
    declare(stack, keep=2)
    applied(stack)
    assert deletions(endpoint) == 0
    more = add_nightly(endpoint, 2, first=2)
    assert stack.up("--expect-no-changes").ok
    refreshed = stack.refresh("--diff")
    assert refreshed.ok, refreshed.text
    print(refreshed.text)
    assert "~ surplus: 0 => 2" in refreshed.text
    assert deletions(endpoint) == 0
    preview = stack.preview("--diff")
    print(preview.text)
    assert "Deletes 2 backups" in preview.text
    applied(stack)
    assert endpoint.backup_ids() == set(more)
    assert stack.retention()["outputs"]["surplus"] == 0
    assert stack.refresh("--expect-no-changes").ok
    assert stack.up("--expect-no-changes").ok


def test_a_stale_plan_deletes_nothing(stack: Stack, endpoint: LocalEndpoint) -> None:
    nights = add_nightly(endpoint, 3)
    declare(stack, keep=2)
    plan = str(stack.folder / "plan.json")
    assert stack.preview("--save-plan", plan).ok
    add_nightly(endpoint, 1, first=3)
    outcome = stack.up("--plan", plan)
    assert not outcome.ok
    print(outcome.text)
    assert "violates plan" in outcome.text
    assert deletions(endpoint) == 0
    assert stack.preview("--save-plan", plan).ok
    assert stack.up("--plan", plan).ok
    assert endpoint.backup_ids().isdisjoint(nights[:2])
    assert len(endpoint.backups()) == 2


NIGHTLY = (
    "backup = InstanceBackup('backup', instance_id={instance!r}, remark='nightly {night}', "
    "triggers={{'night': {night}}}, opts=pulumi.ResourceOptions(retain_on_delete={retain}))"
)


def nightly(night: int, *, retain: bool = True) -> str:
    return NIGHTLY.format(instance=HA, night=night, retain=retain)


@pytest.mark.parametrize("keep", [1, 2, 3])
@pytest.mark.parametrize("triggers", [False, True], ids=["no-triggers", "triggers"])
def test_a_nightly_backup_and_its_retention(stack: Stack, endpoint: LocalEndpoint, keep: int, triggers: bool) -> None:
    plan = str(stack.folder / "plan.json")
    for night in range(4):
        more = {"triggers": {"night": night}} if triggers else {}
        declare(stack, nightly(night), "depends_on=[backup]", keep=keep, **more)
        preview = stack.preview("--save-plan", plan)
        assert preview.ok, preview.text
        before = endpoint.backup_ids()
        outcome = stack.up("--plan", plan)
        assert outcome.ok, outcome.text
        gone = before - endpoint.backup_ids()
        for backup_id in gone:
            assert backup_id in preview.diagnostics
        assert ("Deletes 1 backup of" in preview.diagnostics) == bool(gone)
        remarks = sorted(row["remark"] for row in endpoint.backups())
        kept = max(keep, 2)
        assert remarks == [f"nightly {each}" for each in range(max(0, night + 1 - kept), night + 1)]


def test_replaced_backups_that_go_are_not_counted_as_kept(stack: Stack, endpoint: LocalEndpoint) -> None:
    nights = add_nightly(endpoint, 3, first=-60)
    declare(stack, nightly(0, retain=False), "depends_on=[backup]", keep=2)
    applied(stack)
    assert endpoint.backup_ids() == {nights[2], *stack.backup_ids()}
    declare(stack, nightly(1, retain=False), "depends_on=[backup]", keep=2)
    preview = stack.preview()
    assert f"of instance {HA}, older than" not in preview.diagnostics
    applied(stack)
    assert endpoint.backup_ids() == {nights[2], *stack.backup_ids()}
    assert deletions(endpoint) == 3

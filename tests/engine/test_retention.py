"""The life of a retention, declared and applied by the real engine."""

from __future__ import annotations

import re
import signal
from typing import Any

import pytest

from tests.endpoint import HA, LocalEndpoint

from .stack import RETENTION_TYPE, Outcome, Stack, kill_group, until
from .trouble import Exports

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
    assert f"Deleted backups {', '.join(nights[:3])} of instance {HA}." in applied(stack).diagnostics
    assert endpoint.backup_ids() == set(nights[3:])
    retention = stack.retention()
    assert retention["id"] == HA
    assert retention["outputs"]["deleted_ids"] == nights[:3]
    assert retention["outputs"]["surplus"] == 0
    assert "deletes" not in retention["outputs"]
    assert stack.up("--expect-no-changes").ok


def test_a_preview_lists_what_goes_and_what_stays(stack: Stack, endpoint: LocalEndpoint) -> None:
    nights = add_nightly(endpoint, 4)
    add(endpoint, 0, remark="release 7")
    declare(stack, keep=2)
    preview = stack.preview()
    assert preview.ok, preview.text
    assert (
        f"Deletes 2 backups of instance {HA}, older than the newest 2 whose remark matches 'nightly .*':\n"
        in preview.text
    )
    said = preview.diagnostics
    assert said.index(nights[0]) < said.index(nights[1]) < said.index("Keeps 2 backups:")
    assert "2026-09-21 14:13:20 UTC, " in said
    assert "'nightly 0')" in said
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
    assert re.search(r"~ surplus +: 0 => 2", refreshed.text)
    assert deletions(endpoint) == 0
    preview = stack.preview()
    assert "Deletes 2 backups" in preview.text
    applied(stack)
    assert endpoint.backup_ids() == set(more)
    assert stack.retention()["outputs"]["surplus"] == 0
    assert stack.refresh("--expect-no-changes").ok
    assert stack.up("--expect-no-changes").ok


@pytest.mark.row("K1")
def test_a_stale_plan_deletes_nothing(stack: Stack, endpoint: LocalEndpoint) -> None:
    nights = add_nightly(endpoint, 3)
    declare(stack, keep=2)
    plan = str(stack.folder / "plan.json")
    assert stack.preview("--save-plan", plan).ok
    add_nightly(endpoint, 1, first=3)
    outcome = stack.up("--plan", plan)
    assert not outcome.ok
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


@pytest.mark.parametrize(("keep", "triggers"), [(1, True), (2, False)])
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


HELD = "opts=pulumi.ResourceOptions(retain_on_delete=True)"


@pytest.mark.row("K2")
def test_what_is_protected_stays(stack: Stack, endpoint: LocalEndpoint) -> None:
    """Automatic, failed and running ones, those of keep_ids, those that a resource holds or reads, other remarks."""
    adopted, read, named, _plain = add_nightly(endpoint, 4)
    auto = add(endpoint, 5, remark="nightly 5", backup_type="auto")
    failed = add(endpoint, 6, remark="nightly 6", failure="dcs.08.0002")
    other = add(endpoint, 7, remark="nightly 7 and more\n")
    newest = add(endpoint, 8, remark="nightly 8")
    running = endpoint.add_backup(HA, remark="nightly 9", duration=600.0)
    held = (
        f"InstanceBackup('held', instance_id={HA!r}, adopt_backup_id={adopted!r}, {HELD})\n"
        f"InstanceBackup.get('read', '{HA}/{read}')"
    )
    declare(stack, held, keep=1, remark=r"nightly \d", keep_ids=[named])
    applied(stack)
    assert deletions(endpoint) == 1
    assert endpoint.backup_ids() == {adopted, read, named, auto, failed, other, newest, running}
    # Once it has left the state, the one that was retained goes as well; the program no longer reads the other one.
    declare(stack, keep=1, remark=r"nightly \d", keep_ids=[named])
    applied(stack)
    preview = stack.refresh()
    assert preview.ok, preview.text
    applied(stack)
    assert endpoint.backup_ids() == {named, auto, failed, other, newest, running}
    assert deletions(endpoint) == 3


@pytest.mark.row("K5")
def test_more_than_max_deletions_deletes_nothing(stack: Stack, endpoint: LocalEndpoint) -> None:
    nights = add_nightly(endpoint, 5)
    declare(stack, keep=1, max_deletions=3)
    for outcome in (stack.preview(), stack.up()):
        assert not outcome.ok
        said = outcome.diagnostics
        assert f"max_deletions is 3: 4 backups of instance {HA} would go, and one run may delete 3." in said
        assert "Nothing is deleted." in said
        assert all(each in said for each in nights[:4])
        assert "Set max_deletions to 4 if they are to go" in said
    assert deletions(endpoint) == 0
    declare(stack, keep=1, max_deletions=4)
    applied(stack)
    assert endpoint.backup_ids() == {nights[4]}


def test_a_lower_keep_deletes_more_and_destroy_deletes_nothing(stack: Stack, endpoint: LocalEndpoint) -> None:
    nights = add_nightly(endpoint, 4)
    declare(stack, keep=4)
    assert f"Deletes no backup of instance {HA} now." in stack.preview().diagnostics
    applied(stack)
    declare(stack, keep=3)
    (step,) = stack.preview_json(type_=RETENTION_TYPE)
    assert step["op"] == "update"
    assert step["detailedDiff"].keys() == {"keep", "deletes"}
    applied(stack)
    assert endpoint.backup_ids() == set(nights[1:])
    outcome = stack.destroy()
    assert outcome.ok, outcome.text
    assert f"no backup of instance {HA} was deleted" in outcome.diagnostics
    assert endpoint.backup_ids() == set(nights[1:])


@pytest.mark.row("K4")
def test_a_failed_deletion_says_what_went_before_and_the_next_up_goes_on(stack: Stack, endpoint: LocalEndpoint) -> None:
    nights = add_nightly(endpoint, 4)
    declare(stack, keep=1)
    endpoint.plan(
        {
            "operation": "delete_backup",
            "skip": 1,
            "status": 403,
            "body": '{"error_code": "DCS.2003", "error_msg": "no right"}',
        }
    )
    outcome = stack.up()
    assert not outcome.ok
    said = outcome.diagnostics
    assert f"Failed to delete backup {nights[1]} of instance {HA}: " in said
    assert f"deleted before: backup {nights[0]}\n" in said
    assert f"still to go: backup {nights[2]}\n" in said
    assert "the next `pulumi up` goes on with what is left" in said
    assert "Traceback" not in outcome.text.partition("Diagnostics:")[2].partition("pulumi:pulumi:Stack")[0]
    assert endpoint.backup_ids() == set(nights[1:])
    outputs = stack.retention()["outputs"]
    assert (outputs["surplus"], outputs["deleted_ids"]) == (2, [nights[0]])
    applied(stack)
    assert endpoint.backup_ids() == {nights[3]}
    assert stack.retention()["outputs"]["deleted_ids"] == nights[1:3]
    assert "initErrors" not in stack.retention()
    assert stack.up("--expect-no-changes").ok


@pytest.mark.row("K4")
@pytest.mark.parametrize("how", ["kill", "cancel"])
def test_an_interrupted_run_is_continued(stack: Stack, endpoint: LocalEndpoint, how: str) -> None:
    nights = add_nightly(endpoint, 4)
    declare(stack, keep=1)
    busy = '{"error_code": "DCS.4096", "error_msg": "busy"}'
    endpoint.plan({"operation": "delete_backup", "skip": 1, "status": 400, "body": busy, "times": -1})
    process = stack.start_up(lambda: deletions(endpoint) == 2)
    if how == "kill":
        kill_group(process)
        process.wait(timeout=60)
    else:
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=60)
        assert f"deleted before: backup {nights[0]}" in text
    assert endpoint.backup_ids() == set(nights[1:])
    endpoint.control("DELETE", "/faults")
    if how == "kill":
        stack.pulumi("cancel", "--yes")
    applied(stack)
    assert endpoint.backup_ids() == {nights[3]}
    assert stack.retention()["outputs"]["surplus"] == 0


@pytest.mark.row("K4")
def test_a_run_that_was_killed_in_an_update_is_continued(stack: Stack, endpoint: LocalEndpoint) -> None:
    """Nothing but the backup was new, and that one is in the state."""
    nights = add_nightly(endpoint, 2)
    declare(stack, keep=2)
    applied(stack)
    declare(stack, nightly(9), "depends_on=[backup]", keep=2)
    busy = '{"error_code": "DCS.4096", "error_msg": "busy"}'
    endpoint.plan({"operation": "delete_backup", "status": 400, "body": busy, "times": -1})
    process = stack.start_up(lambda: deletions(endpoint) == 1)
    kill_group(process)
    process.wait(timeout=60)
    endpoint.control("DELETE", "/faults")
    stack.pulumi("cancel", "--yes")
    assert len(endpoint.backups()) == 3
    outcome = stack.pulumi("up", "--yes")
    assert outcome.ok, outcome.text
    assert endpoint.backup_ids() == {nights[1], *stack.backup_ids()}
    assert stack.up("--expect-no-changes").ok


@pytest.mark.row("K1")
def test_a_preview_without_credentials_lists_nothing_and_its_plan_deletes_nothing(
    stack: Stack, endpoint: LocalEndpoint
) -> None:
    add_nightly(endpoint, 3)
    declare(stack, keep=1)
    keys = {name: stack.environment.pop(name) for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK")}
    plan = str(stack.folder / "plan.json")
    preview = stack.preview("--save-plan", plan)
    assert preview.ok, preview.text
    assert "This preview can't list the backups that go: it could not ask the service." in preview.diagnostics
    stack.environment.update(keys)
    outcome = stack.up("--plan", plan)
    assert not outcome.ok
    assert "violates plan" in outcome.diagnostics
    assert deletions(endpoint) == 0


def test_a_read_only_key_is_enough_for_a_preview(stack: Stack, endpoint: LocalEndpoint) -> None:
    nights = add_nightly(endpoint, 3)
    declare(stack, keep=2)
    refused = {"status": 403, "body": '{"error_code": "DCS.3002", "error_msg": "read only"}', "times": -1}
    endpoint.plan(*({"operation": each, **refused} for each in ("create_backup", "delete_backup")))
    preview = stack.preview()
    assert preview.ok, preview.text
    assert f"Deletes 1 backup of instance {HA}" in preview.diagnostics
    assert not stack.up().ok
    assert endpoint.backup_ids() == set(nights)


@pytest.mark.row("K1")
def test_an_up_deletes_nothing_that_its_own_preview_did_not_list(stack: Stack, endpoint: LocalEndpoint) -> None:
    """Somebody takes a backup while the user reads the preview."""
    nights = add_nightly(endpoint, 3)
    meddle = (
        "import json, urllib.request\n"
        "if not pulumi.runtime.is_dry_run():\n"
        f"    body = json.dumps(dict(instance_id={HA!r}, remark='nightly by hand')).encode()\n"
        f"    request = urllib.request.Request('{endpoint.url}/control/backups', body, "
        "{'Content-Type': 'application/json'})\n"
        "    urllib.request.urlopen(request).read()\n"
    )
    declare(stack, meddle, keep=2)
    outcome = stack.pulumi("up", "--yes")
    assert not outcome.ok
    assert f"No backup of instance {HA} was deleted: its preview did not list all that would go now." in outcome.text
    assert f"not listed: backup {nights[1]} (" in outcome.text
    assert deletions(endpoint) == 0
    declare(stack, keep=2)
    outcome = stack.pulumi("up", "--yes")
    assert outcome.ok, outcome.text
    assert len(endpoint.backups()) == 2


@pytest.mark.row("K1")
def test_an_up_deletes_nothing_if_its_own_preview_did_not_come_to_the_retention(
    stack: Stack, endpoint: LocalEndpoint
) -> None:
    add_nightly(endpoint, 3)
    stack.write(
        "from pulumi_dcs import BackupRetention, InstanceBackup\n"
        f"backup = InstanceBackup('backup', instance_id={HA!r}, remark='other')\n"
        f"backup.backup_id.apply(lambda _: BackupRetention('orders', instance_id={HA!r}, keep=2, remark='nightly .*'))"
    )
    outcome = stack.pulumi("up", "--yes")
    assert not outcome.ok
    assert f"No backup of instance {HA} was deleted: its preview did not list all that would go now." in outcome.text
    assert deletions(endpoint) == 0


@pytest.mark.row("K3")
def test_without_the_state_nothing_is_deleted(stack: Stack, endpoint: LocalEndpoint) -> None:
    add_nightly(endpoint, 3)
    declare(stack, keep=1)
    exports = Exports(stack)
    exports.refuse()
    for outcome in (stack.preview(), stack.up()):
        assert not outcome.ok
        assert f"No backup of instance {HA} is deleted: the stack's saved state can't be read" in outcome.diagnostics
    assert deletions(endpoint) == 0


@pytest.mark.row("K2")
def test_retentions_of_one_instance_respect_each_other(stack: Stack, endpoint: LocalEndpoint) -> None:
    nights = add_nightly(endpoint, 6)
    sunday = add(endpoint, -1, remark="nightly sunday")
    weekly = f"weekly = BackupRetention('weekly', instance_id={HA!r}, keep=1, remark='.*sunday')"
    declare(stack, weekly, "depends_on=[weekly]", keep=2)
    preview = stack.preview()
    assert f"{sunday} (" in preview.diagnostics
    assert "since 'weekly' counts it among its newest" in preview.diagnostics
    applied(stack)
    assert endpoint.backup_ids() == {sunday, *nights[4:]}


@pytest.mark.row("K1")
def test_a_preview_in_which_one_deletes_what_a_later_one_keeps_fails(stack: Stack, endpoint: LocalEndpoint) -> None:
    sunday = add(endpoint, -1, remark="nightly sunday")
    nights = add_nightly(endpoint, 3)
    later = f"BackupRetention('weekly', instance_id={HA!r}, keep=1, remark='.*sunday', keep_ids=[{nights[0]!r}], "
    declare(stack, keep=2)
    program = (stack.folder / "__main__.py").read_text()
    stack.write(f"{program}\n{later}opts=pulumi.ResourceOptions(depends_on=[retention]))")
    preview = stack.preview()
    assert not preview.ok
    said = preview.diagnostics
    assert f"'orders' would delete backup {sunday} of instance {HA}, which 'weekly' keeps." in said
    assert "let 'orders' depend on 'weekly' (depends_on), or declare 'weekly' one run earlier." in said
    declare(stack, f"weekly = {later[:-2]})", "depends_on=[weekly]", keep=2)
    preview = stack.preview()
    assert preview.ok, preview.text
    assert "since 'weekly' names it" in preview.diagnostics
    assert "Deletes" not in preview.diagnostics.replace("Deletes no", "")


@pytest.mark.row("K2")
@pytest.mark.parametrize("what", ["BackupVerification", "InstanceRestore"])
def test_a_preview_counts_what_a_new_resource_reads(stack: Stack, endpoint: LocalEndpoint, what: str) -> None:
    nights = add_nightly(endpoint, 3)
    reading = f"pulumi_dcs.{what}('reading', instance_id={HA!r}, backup_id={nights[0]!r})"
    declare(stack, f"import pulumi_dcs\nreading = {reading}", "depends_on=[reading]", keep=1)
    preview = stack.preview()
    assert preview.ok, preview.text
    assert f"Deletes 1 backup of instance {HA}" in preview.diagnostics
    assert "since 'reading' names it" in preview.diagnostics


def test_a_secret_pattern_is_never_shown(stack: Stack, endpoint: LocalEndpoint) -> None:
    add_nightly(endpoint, 3, remark="hunter2")
    declare(stack, keep=1)
    program = (stack.folder / "__main__.py").read_text()
    stack.write(program.replace("remark='nightly .*'", "remark=pulumi.Output.secret('hunter[0-9]')"))
    preview = stack.preview("--diff")
    assert preview.ok, preview.text
    assert "Deletes 2 backups" in preview.text
    outcome = applied(stack)
    export = stack.pulumi("stack", "export").text
    for text in (preview.text, outcome.text, export):
        assert "hunter" not in text
    assert len(endpoint.backups()) == 1


@pytest.mark.row("K3")
def test_a_list_that_lags_behind_shows_no_surplus(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(delete_lag=3600.0)
    nights = add_nightly(endpoint, 3)
    declare(stack, keep=1)
    applied(stack)
    assert deletions(endpoint) == 2
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh("--expect-no-changes").ok
    assert stack.up("--expect-no-changes").ok
    assert deletions(endpoint) == 2
    assert endpoint.backup_ids() == {nights[2]}


def test_a_backup_that_nobody_waits_for_is_not_counted_before_it_has_succeeded(
    stack: Stack, endpoint: LocalEndpoint
) -> None:
    """Without depends_on, or with wait=False, the preview and the `up` still agree, or the `up` stops."""
    add_nightly(endpoint, 2)
    endpoint.behave(duration=600.0)
    backup = f"backup = InstanceBackup('backup', instance_id={HA!r}, remark='nightly now', wait=False)"
    declare(stack, backup, "depends_on=[backup]", keep=2)
    outcome = stack.pulumi("up", "--yes")
    assert outcome.ok, outcome.text
    assert deletions(endpoint) == 0
    assert len(endpoint.backups()) == 3


def test_another_instance_replaces_and_a_deleted_one_drops_the_retention(stack: Stack, endpoint: LocalEndpoint) -> None:
    nights = add_nightly(endpoint, 2)
    other = endpoint.add_instance(cache_mode="ha", name="other")
    declare(stack, keep=2)
    applied(stack)
    declare(stack, keep=2, instance_id=other)
    (step, *_) = stack.preview_json(type_=RETENTION_TYPE)
    assert (step["op"], step["detailedDiff"].keys()) == ("replace", {"instance_id"})
    applied(stack)
    assert stack.retention()["id"] == other
    assert endpoint.backup_ids() == set(nights)
    endpoint.remove_instance(other)
    assert stack.refresh().ok
    assert not stack.retentions()
    preview = stack.preview()
    assert not preview.ok
    assert f"instance_id is '{other}': there is no such instance." in preview.diagnostics


@pytest.mark.row("K3")
def test_what_cannot_be_listed_completely_deletes_nothing(stack: Stack, endpoint: LocalEndpoint) -> None:
    add_nightly(endpoint, 3)
    declare(stack, keep=1)
    endpoint.contradict(HA, missing_rows=1, times=-1)
    preview = stack.preview()
    assert preview.ok, preview.text
    assert "This preview can't list the backups that go" in preview.diagnostics
    assert deletions(endpoint) == 0


def test_an_up_waits_while_the_instance_is_being_restored(stack: Stack, endpoint: LocalEndpoint) -> None:
    nights = add_nightly(endpoint, 2)
    endpoint.change_instance(HA, status="RESTORING", busy_for=600.0)
    declare(stack, keep=1)
    process = stack.start_up(lambda: endpoint.count("show_instance") > 0)
    assert deletions(endpoint) == 0
    endpoint.change_instance(HA, status="RUNNING", busy_for=0.0)
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    assert "the instance is being restored; nothing is deleted before it is finished" in text
    assert endpoint.backup_ids() == {nights[1]}


LATER = """\
import asyncio
from pathlib import Path


async def go():
    while not Path("go").exists():
        await asyncio.sleep(0.1)


pulumi.Output.from_input(go()).apply(lambda _: InstanceBackup("""
"""What declares a backup once the test says so; to be continued with its arguments."""


@pytest.mark.row("K2")
def test_a_backup_that_is_taken_over_in_the_same_run_is_not_deleted_after_all(
    stack: Stack, endpoint: LocalEndpoint
) -> None:
    """The other resource is declared later, so that nothing was known of it when it was decided what goes."""
    nights = add_nightly(endpoint, 3)
    endpoint.change_instance(HA, status="RESTORING", busy_for=600.0)
    declare(stack, keep=1)
    program = (stack.folder / "__main__.py").read_text()
    stack.write(f"{program}\n{LATER}" + f"'held', instance_id={HA!r}, adopt_backup_id={nights[0]!r}))")
    # It looks at the instance once it has decided, and before it deletes anything.
    process = stack.start_up(lambda: endpoint.count("show_instance"))
    (stack.folder / "go").touch()
    until(lambda: nights[0] in stack.backup_ids())
    endpoint.change_instance(HA, status="RUNNING", busy_for=0.0)
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    assert f"Backup {nights[0]} of instance {HA} is not deleted after all: 'held' holds it." in text
    assert endpoint.backup_ids() == {nights[0], nights[2]}

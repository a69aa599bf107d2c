"""Look-ups in programs that the real engine runs: in previews, after resources, and when they fail."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.endpoint import CLUSTER, HA, MISSING, REGION, LocalEndpoint

from .stack import Outcome, Stack, until

PROGRAM = """
import pulumi
from pulumi_dcs import get_backups, get_backups_output, get_instances, get_instances_output, get_latest_backup

pulumi.export("instances", [each.name for each in get_instances(tags={"backup": "nightly"})])
pulumi.export("all", get_instances_output(name=pulumi.Output.from_input("orders")))
pulumi.export("latest", get_latest_backup("%(HA)s"))
pulumi.export("remarks", get_backups_output("%(HA)s").apply(lambda found: [each.remark for each in found]))
assert get_backups("%(HA)s", status="failed") == []
assert get_instances(tags={"backup": "nightly"})[0].name == "orders"
"""

LINKS = """
import pulumi
from pulumi_dcs import InstanceBackup, get_backup_links, get_latest_backup_output

backup = InstanceBackup("backup", instance_id="%(HA)s", remark="new")
links = get_backup_links(backup.id)
pulumi.export("links", links)
pulumi.export("shown", links.apply(lambda found: f"{len(found)} {found[0].url}"))
after = pulumi.InvokeOutputOptions(depends_on=[backup])
pulumi.export("latest", get_latest_backup_output("%(HA)s", opts=after).remark)
pulumi.export("id", get_latest_backup_output(backup.instance_id, opts=after).backup_id)
"""

IDS = {"HA": HA, "CLUSTER": CLUSTER, "MISSING": MISSING}


def errors_in(outcome: Outcome) -> list[str]:
    return [line.strip() for line in outcome.text.splitlines() if re.match(r"\s*error:", line)]


def assert_one_error(outcome: Outcome, *said: str) -> None:
    assert not outcome.ok
    # After every RunError, also those of Pulumi's own configuration, its language host says how the program ended.
    ended = "error: an unhandled error occurred: program exited with non-zero exit code: 1"
    told = [line for line in errors_in(outcome) if line != ended]
    assert len(told) == 1, outcome.text
    for text in said:
        assert text in outcome.text, outcome.text
    for raw in ("Traceback", "RunError", 'File "', "unhandled exception"):
        assert raw not in outcome.text, outcome.text


def outputs(stack: Stack, *options: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(stack.pulumi("stack", "output", "--json", *options).text)
    return found


def test_a_program_looks_up_in_previews_and_updates(stack_of_each_sdk: Stack, endpoint: LocalEndpoint) -> None:
    stack = stack_of_each_sdk
    endpoint.change_instance(HA, tags={"backup": "nightly"})
    backup_id = endpoint.add_backup(HA, remark="by hand ~dcs:0123456789ab")
    stack.write(PROGRAM % IDS)
    preview = stack.preview()
    assert preview.ok, preview.text
    assert (endpoint.count("list_instances"), endpoint.count("list_backups")) == (2, 1)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert (endpoint.count("list_instances"), endpoint.count("list_backups")) == (4, 2)
    found = outputs(stack)
    assert found["instances"] == ["orders"]
    assert found["remarks"] == ["by hand"]
    assert found["all"][0]["instance_id"] == HA  # type: ignore[index]
    assert found["latest"]["backup_id"] == backup_id  # type: ignore[index]
    assert "~dcs" not in preview.text + outcome.text + json.dumps(found)


def test_the_stack_configuration_counts(stack: Stack, endpoint: LocalEndpoint) -> None:
    for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_PROJECT_ID", "HW_REGION_NAME"):
        stack.environment.pop(name)
    stack.config("dcs:accessKey", "AKIDTESTONLYACCESS", secret=True)
    stack.config("dcs:secretKey", "SKTESTONLYSECRETKEY", secret=True)
    stack.config("huaweicloud:region", "cn-north-4")
    stack.write("import pulumi, pulumi_dcs\npulumi.export('count', len(pulumi_dcs.get_instances()))")
    outcome = stack.preview()
    assert outcome.ok, outcome.text
    assert re.search(r"count\s*: 6", outcome.text)


PLAIN = "from pulumi_dcs import get_instances\nget_instances()"
OUTPUT = "from pulumi_dcs import get_instances_output\nget_instances_output()"
TO_EXPORT = "import pulumi\nfrom pulumi_dcs import get_instances_output\npulumi.export('x', get_instances_output())"
TO_RESOURCE = """
import pulumi
from pulumi_dcs import InstanceBackup, get_instances_output

InstanceBackup("backup", instance_id=get_instances_output(name="orders")[0].instance_id)
"""
LATEST = "from pulumi_dcs import get_latest_backup\nget_latest_backup('%(HA)s')"
LATEST_OUTPUT = """
import pulumi
from pulumi_dcs import InstanceBackup, get_latest_backup_output

latest = get_latest_backup_output("%(HA)s")
InstanceBackup("backup", instance_id="%(CLUSTER)s", remark=latest.remark, triggers={"a": latest.backup_id})
pulumi.export("latest", latest.backup_id)
"""
LINKS_OF_NOTHING = """
import pulumi
from pulumi_dcs import get_backup_links

pulumi.export("links", get_backup_links("%(HA)s/%(MISSING)s"))
"""
NOT_AN_ARGUMENT = "from pulumi_dcs import get_backups_output\nget_backups_output('%(HA)s', status='succeeded')"
AN_OUTPUT = "import pulumi\nfrom pulumi_dcs import get_backups\nget_backups(pulumi.Output.secret('%(HA)s'))"


@pytest.mark.row("L1")
@pytest.mark.parametrize("program", [PLAIN, OUTPUT, TO_EXPORT, TO_RESOURCE], ids=["plain", "output", "export", "input"])
def test_a_preview_without_credentials(stack_of_each_sdk: Stack, endpoint: LocalEndpoint, program: str) -> None:
    stack = stack_of_each_sdk
    for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
        stack.environment.pop(name)
    stack.write(program)
    assert_one_error(stack.preview(), "No credentials for DCS. Looked for, in this order:", "What to do: run `pulumi")
    assert not endpoint.requests("list_instances")


@pytest.mark.row("L1")
@pytest.mark.parametrize(
    ("program", "said"),
    [
        (LATEST, f"error: Instance {HA} has no backup with status succeed."),
        (LATEST_OUTPUT, f"error: Instance {HA} has no backup with status succeed."),
        (LINKS_OF_NOTHING, MISSING),
        (NOT_AN_ARGUMENT, "error: status: give one of waiting, backuping, succeed"),
        (AN_OUTPUT, "error: instance_id: it is an Output; use the function of the same name with _output"),
    ],
    ids=["latest", "latest-output", "links", "argument", "an-output"],
)
def test_an_error_is_one_diagnostic(stack_of_each_sdk: Stack, endpoint: LocalEndpoint, program: str, said: str) -> None:
    stack = stack_of_each_sdk
    stack.write(program % IDS)
    assert_one_error(stack.preview(), said)
    assert_one_error(stack.up(), said)
    assert not endpoint.backups()


def assert_nowhere(text: bytes, folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file() and file.suffix != ".py":
            assert text not in file.read_bytes(), file


@pytest.mark.row("L2")
def test_links_are_made_after_the_backup_and_stay_secret(stack_of_each_sdk: Stack, endpoint: LocalEndpoint) -> None:
    stack = stack_of_each_sdk
    stack.write(LINKS % IDS)
    plan = str(stack.folder / "plan.json")
    preview = stack.preview("--save-plan", plan)
    assert preview.ok, preview.text
    assert not endpoint.requests("create_links")
    outcome = stack.up("--plan", plan)
    assert outcome.ok, outcome.text
    (backup_id,) = endpoint.backup_ids()
    assert outputs(stack)["latest"] == "new"
    assert outputs(stack)["id"] == backup_id
    assert endpoint.count("create_links") == 1
    shown = outputs(stack, "--show-secrets")
    assert str(shown["shown"]).startswith("1 http://127.0.0.1:")
    assert "signature=" in str(shown["links"])
    # A backup that is there: still no links in a preview.
    again = stack.preview("--diff", "--save-plan", plan)
    assert again.ok, again.text
    assert endpoint.count("create_links") == 1
    for text in (preview.text, outcome.text, again.text, stack.pulumi("stack", "output").text):
        assert "signature=" not in text
    assert_nowhere(b"signature=", stack.folder.parent)


@pytest.mark.row("L2")
def test_links_are_in_no_verbose_log(stack: Stack, endpoint: LocalEndpoint) -> None:
    # With today's SDK: those as old as 3.230 write each output of the stack into that log, whatever is secret in it.
    stack.write(LINKS % IDS)
    outcome = stack.up("-v=9", "--logtostderr")
    assert outcome.ok, outcome.text
    assert endpoint.count("create_links") == 1
    assert [line for line in outcome.text.splitlines() if "signature=" in line] == []


def test_what_is_not_known_yet_is_not_looked_up(stack_of_each_sdk: Stack, endpoint: LocalEndpoint) -> None:
    stack = stack_of_each_sdk
    stack.write(
        f"""
import pulumi
from pulumi_dcs import InstanceBackup, get_backups_output, get_instances_output

backup = InstanceBackup("backup", instance_id="{HA}")
pulumi.export("none", get_backups_output("{HA}", remark=backup.backup_name).apply(len))
pulumi.export("team", get_instances_output(tags={{"team": backup.status}}).apply(len))
"""
    )
    preview = stack.preview()
    assert preview.ok, preview.text
    assert not endpoint.requests("list_instances")
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert outputs(stack) == {"none": 0, "team": 0}
    assert endpoint.count("list_instances") == 1


def test_a_fleet_of_outputs_is_looked_up_side_by_side(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.plan({"operation": "list_backups", "delay": 0.5, "times": -1})
    ids = [endpoint.add_instance(name=f"fleet-{number}") for number in range(40)]
    stack.write(
        f"""
import pulumi
from pulumi_dcs import get_backups_output

everything = [get_backups_output(each) for each in {ids!r} * 2]
pulumi.export("count", pulumi.Output.all(*everything).apply(lambda found: sum(map(len, found))))
"""
    )
    outcome = stack.preview()
    assert outcome.ok, outcome.text
    assert endpoint.count("list_backups") == 40
    asked_at = [row["at"] for row in endpoint.requests("list_backups")]
    assert max(asked_at) - min(asked_at) < 40 * 0.5 / 4


def test_a_download_waits_for_the_update(stack: Stack, endpoint: LocalEndpoint, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    backup = f"{HA}/{endpoint.add_backup(HA)}"
    stack.write(
        f"""
import pulumi
from pulumi_dcs import download_backup

pulumi.export("files", [path.name for path in download_backup({backup!r}, {str(folder)!r})])
"""
    )
    preview = stack.preview()
    assert preview.ok, preview.text
    assert "Will download backup" in preview.text
    assert not folder.exists()
    assert stack.up().ok
    (path,) = folder.iterdir()
    assert outputs(stack)["files"] == [path.name]
    assert "signature=" not in preview.text


def test_a_program_that_fails_does_not_wait_for_look_ups(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.plan({"operation": "list_instances", "delay": 100.0, "times": -1})
    stack.write(
        """
import asyncio
import pulumi
from pulumi_dcs import get_instances_output

pulumi.export("all", get_instances_output())


async def fail() -> None:
    await asyncio.sleep(1)
    raise pulumi.RunError("Something else went wrong.")

pulumi.export("none", pulumi.Output.from_input(fail()))
"""
    )
    since = time.monotonic()
    assert_one_error(stack.preview(), "error: Something else went wrong.")
    assert time.monotonic() - since < 60


def test_ctrl_c_ends_a_look_up(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.plan({"operation": "list_instances", "delay": 100.0, "times": -1})
    for program in (PLAIN, OUTPUT):
        endpoint.control("DELETE", "/requests")
        stack.write(program)
        process = stack.start("preview")
        until(lambda: endpoint.count("list_instances") == 1)
        since = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        text, _ = process.communicate(timeout=90)
        assert process.returncode != 0
        assert time.monotonic() - since < 60, text


INLINE = """
import sys, threading, traceback

import pulumi
from pulumi import automation
from pulumi_dcs import get_instances, get_instances_output

problems, found = [], {}


def program():
    names = [each.name for each in get_instances()]
    pulumi.export("names", names)
    pulumi.export("more", get_instances_output().apply(lambda more: [each.name for each in more] == names))


def apply(name, project_id):
    try:
        stack = automation.create_or_select_stack(name, "shop", program)
        stack.set_config("dcs:projectId", automation.ConfigValue(project_id))
        for _ in range(2):
            outputs = stack.up().outputs
            assert outputs["more"].value is True
            found.setdefault(name, []).append(outputs["names"].value)
    except BaseException:
        problems.append(traceback.format_exc())


threads = [threading.Thread(target=apply, args=(f"inline{each[:2]}", each)) for each in sys.argv[1:]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not problems, "\\n".join(problems)
print(found)
"""


def test_inline_programs_have_settings_and_responses_of_their_own(stack: Stack, endpoint: LocalEndpoint) -> None:
    projects = [endpoint.add_project(REGION) for _ in range(3)]
    for project_id in projects:
        endpoint.add_instance(name=f"of-{project_id[:2]}", project_id=project_id)
    (stack.folder / "inline.py").write_text(INLINE)
    environment = {key: value for key, value in stack.environment.items() if key != "HUAWEICLOUD_SDK_PROJECT_ID"}
    done = subprocess.run(
        [sys.executable, "inline.py", *projects],
        cwd=stack.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    expected = {f"inline{each[:2]}": [[f"of-{each[:2]}"]] * 2 for each in projects}
    assert ast.literal_eval(done.stdout.strip().splitlines()[-1]) == expected
    assert endpoint.count("list_instances") == 6


@pytest.mark.row("L2")
def test_a_secret_argument_makes_a_secret(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.add_backup(HA, remark="planted-remark")
    stack.write(
        f"""
import pulumi
from pulumi_dcs import get_latest_backup_output

pulumi.export("latest", get_latest_backup_output(pulumi.Output.secret("{HA}")))
"""
    )
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert outputs(stack) == {"latest": "[secret]"}
    assert_nowhere(b"planted-remark", stack.folder)

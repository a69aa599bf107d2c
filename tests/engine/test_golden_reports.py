"""What reviewers read, reports of real runs, kept in ``golden/reports/``; ``GOLDEN_DIFFS=write`` writes them again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.endpoint import CLUSTER, HA, LocalEndpoint

from .conftest import ROOT
from .guarded import TO_8, Guarded, made
from .stack import Stack
from .test_golden import GOLDEN, PROTECT, RETAIN, applied, masked_values

REPORTS = GOLDEN / "reports"

Case = Callable[[Stack, LocalEndpoint], str]


def review(stack: Stack, command: str, **settings: str) -> int:
    """Run one of the pipelines' commands in the stack's project; its exit code."""
    environment = {"STACK": stack.name, "GITHUB_SHA": "abc1234def", "PULUMI_COLOR": "never", **settings}
    done = subprocess.run(
        [sys.executable, "-m", "pulumi_dcs.review", command],
        cwd=stack.folder,
        env={**stack.environment, **environment},
        capture_output=True,
        check=False,
    )
    return done.returncode


def first_backup(stack: Stack, _: LocalEndpoint) -> str:
    stack.declare(instance_id=HA, remark="before 2026.11")
    return "preview"


def several_changes(stack: Stack, endpoint: LocalEndpoint) -> str:
    before = {"remark": "before 2026.11", "triggers": {"release": "2026.11"}}
    stack.declare_all({"orders": {"instance_id": HA, **before}, "carts": {"instance_id": CLUSTER, "opts": RETAIN}})
    assert stack.up().ok
    stack.declare_all(
        {
            "orders": {"instance_id": HA, "remark": "before 2026.12", "opts": PROTECT},
            "quarter": {"instance_id": HA, "backup_format": "aof", "opts": RETAIN},
        }
    )
    return "preview"


def the_only_backup_goes(stack: Stack, _: LocalEndpoint) -> str:
    applied(stack, instance_id=HA, remark="before 2026.11")
    stack.write("import pulumi_dcs")
    return "preview"


def no_change(stack: Stack, _: LocalEndpoint) -> str:
    applied(stack, instance_id=HA, remark="before 2026.11")
    return "preview"


def adoption(stack: Stack, endpoint: LocalEndpoint) -> str:
    stack.declare(instance_id=HA, adopt_backup_id=endpoint.add_backup(HA, remark="made by hand"))
    return "preview"


def without_credentials(stack: Stack, _: LocalEndpoint) -> str:
    del stack.environment["HUAWEICLOUD_SDK_AK"], stack.environment["HUAWEICLOUD_SDK_SK"]
    stack.declare(instance_id=HA, remark="before 2026.11", region="cn-north-4")
    return "preview"


def busy_after_a_failure(stack: Stack, endpoint: LocalEndpoint) -> str:
    endpoint.add_backup(HA, failure="dcs.08.0002", duration=0.0)
    endpoint.change_instance(HA, status="EXTENDING")
    stack.declare(instance_id=HA, remark="before 2026.11")
    return "preview"


def program_fails(stack: Stack, _: LocalEndpoint) -> str:
    stack.write("def settings():\n    raise KeyError('no such <b>setting</b>')\n\n\nsettings()")
    return "preview"


def hostile(stack: Stack, endpoint: LocalEndpoint) -> str:
    text = "``` </details> <!-- @everyone | #1 [x](http://evil.example) "
    stack.declare(instance_id=endpoint.add_instance(name=text), remark=f"{text}````")
    return "preview"


def policy_violated(stack: Stack, _: LocalEndpoint) -> str:
    shutil.copytree(ROOT / "policy", stack.folder / "policy")
    stack.declare(instance_id=HA, remark="token: abcdef")
    return "preview"


def record(stack: Stack, _: LocalEndpoint) -> str:
    applied(stack, instance_id=HA, remark="before 2026.11")
    stack.declare(instance_id=HA, remark="before 2026.12")
    assert review(stack, "preview", POLICY_PACK="") == 0
    return "apply"


def failed_apply(stack: Stack, endpoint: LocalEndpoint) -> str:
    stack.declare(instance_id=HA, remark="before 2026.11")
    assert review(stack, "preview", POLICY_PACK="") == 0
    endpoint.behave(failure="dcs.08.0002")
    return "apply"


def stale_plan(stack: Stack, _: LocalEndpoint) -> str:
    stack.declare(instance_id=HA, remark="reviewed")
    assert review(stack, "preview", POLICY_PACK="") == 0
    stack.declare(instance_id=HA, remark="not reviewed")
    return "apply"


def restore(stack: Stack, endpoint: LocalEndpoint) -> str:
    backup_id = endpoint.add_backup(HA, remark="before 2026.11", duration=0.0)
    stack.write(
        "from pulumi_dcs import InstanceRestore\n"
        f"InstanceRestore('orders-rollback', instance_id={HA!r}, backup_id={backup_id!r})"
    )
    return "preview"


def restored(stack: Stack, endpoint: LocalEndpoint) -> str:
    assert review(stack, restore(stack, endpoint), POLICY_PACK="") == 0
    return "apply"


def retention(stack: Stack, endpoint: LocalEndpoint) -> str:
    for day in range(1, 4):
        endpoint.add_backup(HA, remark=f"nightly {day}", duration=0.0)
    stack.write(
        "from pulumi_dcs import BackupRetention\n"
        f"BackupRetention('orders', instance_id={HA!r}, keep=1, remark='nightly .*')"
    )
    return "preview"


def verified(stack: Stack, _: LocalEndpoint) -> str:
    program = (
        "from pulumi_dcs import BackupVerification, InstanceBackup\n"
        f"backup = InstanceBackup('orders', instance_id={HA!r}, remark='before 2026.11')\n"
        f"BackupVerification('proof', instance_id={HA!r}, backup_id=backup.backup_id)\n"
    )
    stack.write(program)
    assert stack.up().ok
    stack.write(program.replace("2026.11", "2026.12"))
    return "preview"


def guarded(stack: Stack, _: LocalEndpoint) -> str:
    program = Guarded(stack)
    made(program)
    program.declare(orders=TO_8)
    return "preview"


def guarded_record(stack: Stack, endpoint: LocalEndpoint) -> str:
    assert review(stack, guarded(stack, endpoint), POLICY_PACK="") == 0
    return "apply"


def gone(stack: Stack, endpoint: LocalEndpoint) -> str:
    applied(stack, instance_id=HA, remark="before 2026.11")
    endpoint.remove_backup(next(iter(endpoint.backup_ids())))
    return "drift"


CASES: dict[str, Case] = {
    "first-backup": first_backup,
    "several-changes": several_changes,
    "the-only-backup-goes": the_only_backup_goes,
    "no-change": no_change,
    "adoption": adoption,
    "without-credentials": without_credentials,
    "busy-after-a-failure": busy_after_a_failure,
    "program-fails": program_fails,
    "hostile": hostile,
    "policy-violated": policy_violated,
    "record": record,
    "failed-apply": failed_apply,
    "stale-plan": stale_plan,
    "restore": restore,
    "restored": restored,
    "retention": retention,
    "verified": verified,
    "guarded": guarded,
    "guarded-record": guarded_record,
    "gone": gone,
}


@pytest.mark.parametrize("name", CASES)
def test_the_report(stack: Stack, endpoint: LocalEndpoint, name: str) -> None:
    command = CASES[name](stack, endpoint)
    pack = "policy/run" if (stack.folder / "policy").exists() else ""
    review(stack, command, POLICY_PACK=pack)
    shown = masked_report((stack.folder / "report.md").read_text())
    kept = REPORTS / f"{name}.md"
    if os.environ.get("GOLDEN_DIFFS") == "write":
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(shown)
    assert shown == kept.read_text()


def test_each_report_that_is_kept_has_its_case() -> None:
    assert {kept.stem for kept in REPORTS.iterdir()} == set(CASES)


def masked_report(text: str) -> str:
    """Without what is different each time."""
    # The engine's own output: its lines come in any order, and test_golden.py keeps those that matter.
    text = re.sub(r"(?ms)^(`{3,})diff\n.*?^\1$", r"\1diff\n…\n\1", text)
    text = masked_values(text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d(:|&#58;)\d\d UTC", "DATE", text)
    text = re.sub(r"\b[\d.]+ (bytes|KB|MB|GB)\b(?! used)", "SIZE", text)
    text = re.sub(r"\b[\d.]+ (s|seconds?)\b(?: ago)?", "SECONDS", text)
    return re.sub(r"pulumi-dcs [\w.]+, Pulumi v?[\d.]+", "VERSIONS", text)

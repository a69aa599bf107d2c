"""What a reviewer sees: previews by the real engine, kept in ``golden/``; ``GOLDEN_DIFFS=write`` writes them again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.endpoint import CLUSTER, HA, LocalEndpoint

from .stack import RESOURCE_TYPE, Stack

GOLDEN = Path(__file__).parent / "golden"
RETAIN = "pulumi.ResourceOptions(retain_on_delete=True)"
PROTECT = "pulumi.ResourceOptions(protect=True)"

Case = Callable[[Stack, LocalEndpoint], tuple[str, ...]]


def applied(stack: Stack, **inputs: Any) -> None:
    stack.declare(**inputs)
    assert stack.up().ok


def create(stack: Stack, _: LocalEndpoint) -> tuple[str, ...]:
    stack.declare(instance_id=HA, remark="before 2026.11", backup_format="rdb", triggers={"release": "2026.11"})
    return ("preview",)


def no_change(stack: Stack, _: LocalEndpoint) -> tuple[str, ...]:
    applied(stack, instance_id=HA, remark="before 2026.11")
    return ("preview",)


def replaced_by(**changed: Any) -> Case:
    def case(stack: Stack, _: LocalEndpoint) -> tuple[str, ...]:
        inputs = {"instance_id": HA, "remark": "before 2026.11", "triggers": {"release": "2026.11"}}
        applied(stack, **inputs)
        stack.declare(**{**inputs, **changed})
        return ("preview",)

    return case


def replaced_by_another_project(stack: Stack, endpoint: LocalEndpoint) -> tuple[str, ...]:
    command = replaced_by(project_id="f" * 32)(stack, endpoint)
    # The local endpoint knows one project only; without credentials a preview asks nothing.
    del stack.environment["HUAWEICLOUD_SDK_AK"], stack.environment["HUAWEICLOUD_SDK_SK"]
    return command


def replaced_and_retained(stack: Stack, _: LocalEndpoint) -> tuple[str, ...]:
    applied(stack, instance_id=HA, remark="before 2026.11", opts=RETAIN)
    stack.declare(instance_id=HA, remark="before 2026.12", opts=RETAIN)
    return ("preview",)


def replaced_though_protected(stack: Stack, _: LocalEndpoint) -> tuple[str, ...]:
    applied(stack, instance_id=HA, remark="before 2026.11", opts=PROTECT)
    stack.declare(instance_id=HA, remark="before 2026.12", opts=PROTECT)
    return ("preview",)


def unknown_remark(stack: Stack, _: LocalEndpoint) -> tuple[str, ...]:
    applied(stack, instance_id=HA, remark="before 2026.11")
    stack.declare_all({"other": {"instance_id": CLUSTER}})
    program = (stack.folder / "__main__.py").read_text()
    stack.write(f"{program}InstanceBackup('backup', instance_id={HA!r}, remark=other.backup_id)")
    return ("preview",)


def failed(stack: Stack, endpoint: LocalEndpoint) -> tuple[str, ...]:
    applied(stack, instance_id=HA, remark="before 2026.11")
    (backup_id,) = endpoint.backup_ids()
    endpoint.change_backup(backup_id, failure="dcs.08.0002")
    assert stack.refresh().ok
    return ("preview",)


def still_running(stack: Stack, endpoint: LocalEndpoint) -> tuple[str, ...]:
    endpoint.behave(duration=600.0)
    short = "pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create='3s'))"
    stack.declare(instance_id=HA, remark="before 2026.11", opts=short)
    assert not stack.up().ok
    return ("preview",)


def drift(stack: Stack, endpoint: LocalEndpoint) -> tuple[str, ...]:
    applied(stack, instance_id=HA, remark="before 2026.11")
    (backup_id,) = endpoint.backup_ids()
    endpoint.change_backup(backup_id, remark="changed by hand")
    return ("refresh", "--preview-only")


def gone(stack: Stack, endpoint: LocalEndpoint) -> tuple[str, ...]:
    applied(stack, instance_id=HA, remark="before 2026.11")
    endpoint.remove_backup(next(iter(endpoint.backup_ids())))
    return ("refresh", "--preview-only")


def adoption(stack: Stack, endpoint: LocalEndpoint) -> tuple[str, ...]:
    backup_id = endpoint.add_backup(HA, remark="made by hand")
    stack.declare(instance_id=HA, adopt_backup_id=backup_id)
    return ("preview",)


def destroy(stack: Stack, _: LocalEndpoint) -> tuple[str, ...]:
    applied(stack, instance_id=HA, remark="before 2026.11")
    return ("destroy", "--preview-only")


CASES: dict[str, Case] = {
    "create": create,
    "no-change": no_change,
    "replace-remark": replaced_by(remark="before 2026.12"),
    "replace-backup-format": replaced_by(backup_format="aof"),
    "replace-triggers": replaced_by(triggers={"release": "2026.12"}),
    "replace-instance": replaced_by(instance_id=CLUSTER),
    "replace-region": replaced_by(region="eu-west-101"),
    "replace-project": replaced_by_another_project,
    "replace-several": replaced_by(remark="before 2026.12", backup_format="aof", triggers={"release": "2026.12"}),
    "replace-remark-removed": replaced_by(remark=None),
    "replace-retained": replaced_and_retained,
    "replace-protected": replaced_though_protected,
    "replace-unknown": unknown_remark,
    "failed": failed,
    "still-running": still_running,
    "drift": drift,
    "gone": gone,
    "adoption": adoption,
    "destroy": destroy,
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_reviewer_sees(stack: Stack, endpoint: LocalEndpoint, name: str) -> None:
    command = CASES[name](stack, endpoint)
    outcome = stack.pulumi(*command)
    # Where a preview fails, what is shown beside the diagnostics comes in any order.
    compact = masked(outcome.text if outcome.ok else outcome.diagnostics)
    diff = masked(stack.pulumi(*command, "--diff").text)
    if not outcome.ok:
        diff = diff.partition("Resources:")[0]
    shown = f"{compact.rstrip()}\n\n=== --diff ===\n\n{diff.rstrip()}\n"
    if command == ("preview",) and outcome.ok:
        steps = [
            {
                key: sorted(step[key]) if isinstance(step[key], list) else step[key]
                for key in ("op", "urn", "diffReasons", "replaceReasons", "detailedDiff")
                if step.get(key)
            }
            for step in json.loads(stack.pulumi(*command, "--json").text)["steps"]
            if RESOURCE_TYPE in step["urn"]
        ]
        shown += f"\n=== --json, steps ===\n\n{masked(json.dumps(steps, indent=2))}\n"
    kept = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN_DIFFS") == "write":
        kept.write_text(shown)
    assert shown == kept.read_text()


def masked(text: str) -> str:
    """Without what is different each time."""
    lines = [line.rstrip() for line in text.splitlines()]
    # What is shown while it goes on, and of the program, depends on how fast it goes.
    passing = re.compile(r"^@ |\(\d+s\)| running|refreshing|pulumi:pulumi:Stack shop-dev")
    lines = [line for line in lines if not passing.search(line)]
    text = "\n".join(lines)
    # Pulumi's program runner prints it, or not, when a preview fails.
    text = re.sub(r"(?s)\s*Traceback \(most recent call last\):.*?KeyboardInterrupt", "", text)
    return masked_values(re.sub(r"\n{2,}", "\n\n", text))


def masked_values(text: str) -> str:
    """Without the ids, times and sizes that are different each time."""
    text = re.sub(
        r"\b(?!11111111-1111)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "BACKUP-ID", text
    )
    text = re.sub(r"backup_\d{14}", "BACKUP-NAME", text)
    text = re.sub(r"http://127\.0\.0\.1:\d+", "ENDPOINT", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME", text)
    text = re.sub(r"(size +: )\d+", r"\1SIZE", text)
    text = re.sub(r"(progress *: )\"[\d.]+\"", r"\1PROGRESS", text)
    text = re.sub(r"request id [0-9a-f]{32}", "request id REQUEST-ID", text)
    return re.sub(r"Duration: \S+", "Duration: TIME", text)

"""Secrets that users put into inputs: encrypted from the next run on, and shown by no message."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endpoint import HA, LocalEndpoint

from .conftest import ROOT
from .stack import Outcome, Stack

HUSH = "HUSHHUSH4417"
VERBOSE = ("-v=9", "--logtostderr", "--logflow")


def declare(stack: Stack, arguments: str, *, instance_id: str = HA) -> None:
    stack.write(
        "import pulumi\nfrom pulumi_dcs import InstanceBackup\n"
        f"InstanceBackup('backup', instance_id={instance_id!r}, {arguments})"
    )


def state_text(stack: Stack) -> str:
    return stack.pulumi("stack", "export").text


LATER = [
    (f"triggers={{'token': '{HUSH}'}}", f"triggers={{'token': pulumi.Output.secret('{HUSH}')}}"),
    (f"triggers={{'deep': [{{'token': '{HUSH}'}}]}}", f"triggers=pulumi.Output.secret({{'deep': [{{'token': '{HUSH}'}}]}})"),
    (
        f"triggers={{'token': '{HUSH}', 'other': pulumi.Output.secret('x')}}",
        f"triggers={{'token': pulumi.Output.secret('{HUSH}'), 'other': pulumi.Output.secret('x')}}",
    ),
    (f"remark='{HUSH}'", f"remark=pulumi.Output.secret('{HUSH}')"),
]


@pytest.mark.row("15.12")
@pytest.mark.parametrize(("plain", "secret"), LATER, ids=["value", "whole", "second", "remark"])
def test_a_value_that_becomes_secret_is_encrypted_by_the_next_up(
    stack: Stack, endpoint: LocalEndpoint, plain: str, secret: str
) -> None:
    declare(stack, plain)
    assert stack.up().ok
    assert state_text(stack).count(HUSH) == 2
    declare(stack, secret)
    preview = stack.preview("--diff")
    print(preview.text)
    assert preview.ok
    outcome = stack.up()
    print(outcome.text)
    assert outcome.ok, outcome.text
    print(state_text(stack))
    assert HUSH not in state_text(stack)
    assert len(endpoint.backups()) == 1
    assert endpoint.count("create_backup") == 1
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh("--expect-no-changes").ok
    assert HUSH not in state_text(stack)
    assert stack.up("--expect-no-changes").ok
    assert stack.destroy().ok
    assert not endpoint.backups()

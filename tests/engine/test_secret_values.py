"""Secrets that users put into inputs: encrypted from the next run on, and shown by no message."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endpoint import HA, LocalEndpoint

from .stack import Stack

HUSH = "HUSHHUSH4417"


def declare(stack: Stack, arguments: str, *, instance_id: str = HA) -> None:
    stack.write(
        "import pulumi\nfrom pulumi_dcs import InstanceBackup\n"
        f"InstanceBackup('backup', instance_id={instance_id!r}, {arguments})"
    )


def state_text(stack: Stack) -> str:
    return stack.pulumi("stack", "export").text


LATER = [
    (f"triggers={{'token': '{HUSH}'}}", f"triggers={{'token': pulumi.Output.secret('{HUSH}')}}"),
    (
        f"triggers={{'deep': ['{HUSH}']}}",
        f"triggers=pulumi.Output.secret({{'deep': ['{HUSH}']}})",
    ),
    (
        f"triggers={{'token': '{HUSH}', 'other': pulumi.Output.secret('x')}}",
        f"triggers={{'token': pulumi.Output.secret('{HUSH}'), 'other': pulumi.Output.secret('x')}}",
    ),
    (f"remark='{HUSH}'", f"remark=pulumi.Output.secret('{HUSH}')"),
]


@pytest.mark.row("P12")
@pytest.mark.parametrize(("plain", "secret"), LATER, ids=["value", "whole", "second", "remark"])
def test_a_value_that_becomes_secret_is_encrypted_by_the_next_up(
    stack: Stack, endpoint: LocalEndpoint, plain: str, secret: str
) -> None:
    declare(stack, plain)
    assert stack.up().ok
    assert state_text(stack).count(HUSH) == 2
    declare(stack, secret)
    preview = stack.preview("--diff")
    assert preview.ok
    # What was no secret until now is not shown any more either.
    assert HUSH not in preview.text
    assert (
        f"{plain.partition('=')[0]}: secret from now on, and encrypted in the state; no backup is taken."
        in preview.text
    )
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert HUSH not in state_text(stack)
    assert len(endpoint.backups()) == 1
    assert endpoint.count("create_backup") == 1
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh("--expect-no-changes").ok
    assert HUSH not in state_text(stack)
    assert stack.up("--expect-no-changes").ok
    assert stack.destroy().ok
    assert not endpoint.backups()


LONG = HUSH * 20
REFUSED = {
    "remark too long": (
        f"remark=pulumi.Output.secret('{LONG}')",
        "remark: it has 240 characters; shorten it to at most 128.",
    ),
    "remark like a mark": (
        f"remark=pulumi.Output.secret('{HUSH} ~dcs:0123456789ab')",
        "remark: it ends like the mark that dcs:mark adds",
    ),
    "triggers no dictionary": (f"triggers=pulumi.Output.secret('{HUSH}')", "triggers: it must be a dictionary"),
    "backup_format": (f"backup_format=pulumi.Output.secret('{HUSH}')", "backup_format: there is no such format"),
}


@pytest.mark.row("P13")
@pytest.mark.parametrize("case", REFUSED)
def test_what_check_refuses_is_named_and_not_shown(stack: Stack, endpoint: LocalEndpoint, case: str) -> None:
    arguments, said = REFUSED[case]
    declare(stack, arguments)
    for outcome in (stack.preview(), stack.up()):
        assert not outcome.ok
        assert HUSH not in outcome.text
        assert said in outcome.diagnostics
        assert "Its value is a secret and not shown." in outcome.diagnostics
        assert outcome.diagnostics.count("error:") == 1
    assert HUSH not in state_text(stack)
    assert not endpoint.backups()


@pytest.mark.row("P13")
def test_what_adoption_finds_different_is_named_and_not_shown(stack: Stack, endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, remark="made by hand")
    declare(stack, f"adopt_backup_id={backup_id!r}, remark=pulumi.Output.secret('{HUSH}')")
    for outcome in (stack.preview(), stack.up()):
        assert not outcome.ok
        assert outcome.diagnostics.count("error:") == 1
        assert "its remark is not the one that the program says, which is a secret and not shown" in outcome.diagnostics
        assert HUSH not in outcome.text
    assert HUSH not in state_text(stack)


@pytest.mark.row("P13")
def test_no_preview_of_a_secret_shows_it(stack: Stack, endpoint: LocalEndpoint) -> None:
    arguments = f"remark=pulumi.Output.secret('{HUSH}'), triggers={{'a': pulumi.Output.secret('{HUSH}')}}"
    declare(stack, arguments)
    plan = str(stack.folder / "plan.json")
    texts = [stack.preview("--diff").text, stack.up().text]
    declare(stack, arguments.replace(HUSH, f"{HUSH}2"))
    texts += [stack.preview("--diff").text, stack.preview("--json", "--save-plan", plan).text]
    (backup_id,) = endpoint.backup_ids()
    endpoint.change_backup(backup_id, remark=f"{HUSH}3")
    texts += [stack.pulumi("refresh", "--preview-only", "--diff").text, stack.refresh().text, state_text(stack)]
    assert not [text for text in (*texts, Path(plan).read_text()) if HUSH in text]

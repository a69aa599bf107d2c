"""What the user of ``pulumi up`` reads when something fails."""

from __future__ import annotations

import re

import pytest

from tests.endpoint import HA, PROJECT_ID, SINGLE, LocalEndpoint

from .stack import Stack


@pytest.mark.row("6")
def test_an_api_error_is_one_readable_diagnostic(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=SINGLE)
    outcome = stack.up()
    assert not outcome.ok
    said = re.sub(r"request id [0-9a-f]{32}", "request id R", outcome.diagnostics)
    assert (
        "  pulumi-python:dynamic/dcs:InstanceBackup (backup):\n"
        f"    error: DCS refused to back up instance {SINGLE}\n"
        "      HTTP 400  DCS.4086: This operation is supported only for master/standby and cluster DCS instances.\n"
        f"      request id R, POST /v2/{PROJECT_ID}/instances/{SINGLE}/backups in cn-north-4\n"
        "      no backup was started\n"
        "      What to do: single-node instances have no backups; back up a master/standby or cluster instance.\n"
    ) in said
    assert "Traceback" not in said
    assert not stack.resources()


BODIES = {
    "documented": ('{"error_msg": "No.", "error_code": "DCS.4001", "error_ext_msg": null}', "DCS.4001: No."),
    "gateway error object": ('{"error": {"code": "APIGW.0305", "message": "Denied."}}', "APIGW.0305: Denied."),
    "gateway flat": ('{"code": "X.1", "message": "Flat."}', "X.1: Flat."),
    "html": ("<html><head><title>t</title><style>b{}</style></head><body><h1>Bad</h1> day</body></html>", "t Bad day"),
    "empty": ("", "an empty response"),
    "cut off": ('{"error_msg": "It was', '{"error_msg": "It was'),
    "not text": ("\\u0000\\u001b[31mred", "[31mred"),
    "list": ("[1, 2]", "[1, 2]"),
    "null": ("null", "null"),
}


@pytest.mark.row("6")
@pytest.mark.parametrize("body", BODIES)
def test_every_shape_of_body_ends_in_a_readable_message(stack: Stack, endpoint: LocalEndpoint, body: str) -> None:
    text, said = BODIES[body]
    endpoint.plan({"operation": "create_backup", "status": 400, "body": text.encode().decode("unicode_escape")})
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert not outcome.ok
    assert f"error: DCS refused to back up instance {HA}\n" in outcome.diagnostics
    assert said in outcome.diagnostics
    assert "\x1b" not in outcome.diagnostics
    assert "Traceback" not in outcome.diagnostics


def test_a_failed_delete_is_a_diagnostic_too(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA)
    assert stack.up().ok
    (backup_id,) = endpoint.backup_ids()
    endpoint.plan({"operation": "delete_backup", "status": 403, "body": '{"error_code": "DCS.0005"}'})
    outcome = stack.destroy()
    assert not outcome.ok
    assert f"error: DCS refused to delete backup {backup_id} of instance {HA}\n" in outcome.diagnostics
    assert "HTTP 403  DCS.0005" in outcome.diagnostics
    assert "Traceback" not in outcome.diagnostics
    assert len(stack.resources()) == 1


def test_dcs_debug_shows_the_traceback_as_well(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.environment["DCS_DEBUG"] = "1"
    stack.declare(instance_id=SINGLE)
    outcome = stack.up()
    assert f"error: DCS refused to back up instance {SINGLE}\n" in outcome.diagnostics
    assert "api/client.py" in outcome.diagnostics
    raised = [line.strip() for line in outcome.diagnostics.splitlines() if line.strip().startswith("pulumi_dcs.")]
    # Each once, and without its text, which may hold what only the message above was made for.
    assert raised == [
        "pulumi_dcs.api.errors.ServiceError",
        "pulumi_dcs.operations.errors.CreateFailedError",
        "pulumi_dcs.engine.errors.DiagnosticError",
    ]


@pytest.mark.parametrize("debug", ["", "1"], ids=["", "debug"])
def test_a_bug_of_ours_is_one_diagnostic_that_names_the_place(
    stack: Stack, endpoint: LocalEndpoint, debug: str
) -> None:
    (stack.folder / "sitecustomize.py").write_text(
        "import sys\n"
        "if sys.argv[:1] == ['-m'] or 'pulumi.dynamic' in ' '.join(sys.orig_argv):\n"
        "    from pulumi_dcs.resources.backups import BackupService\n"
        "    BackupService.create = lambda *_, **__: {}['hunter' + str(2)]\n"
    )
    stack.environment.update(PYTHONPATH=str(stack.folder), DCS_DEBUG=debug)
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert not outcome.ok
    assert outcome.diagnostics.count("error:") == 1
    assert "    error: internal error of pulumi-dcs in create: KeyError at " in outcome.diagnostics
    assert re.search(r", called from pulumi_dcs/instance_backup/creation\.py:\d+\n", outcome.diagnostics)
    assert "      This is a bug; please report it with these lines.\n" in outcome.diagnostics
    assert ("Traceback" in outcome.diagnostics) is bool(debug)
    assert ("lifecycle.py" in outcome.diagnostics) is bool(debug)
    assert "hunter2" not in outcome.text.replace(str(stack.folder), "")
    assert not stack.resources()
    assert not endpoint.backups()


@pytest.mark.row("9")
def test_a_failed_backup_tells_why_and_leaves_nothing(stack: Stack, endpoint: LocalEndpoint) -> None:
    endpoint.behave(failure="dcs.08.0005")
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert not outcome.ok
    assert f"error: The backup of instance {HA} failed at the service." in outcome.diagnostics
    assert "dcs.08.0005: the storage bucket could not be created" in outcome.diagnostics
    assert "its record was removed" in outcome.diagnostics
    assert not stack.resources()
    assert not endpoint.backups()
    endpoint.behave(failure="")
    assert stack.up().ok
    assert len(endpoint.backups()) == 1

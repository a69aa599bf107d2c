"""What a preview refuses, naming the property; and what it asks the service."""

from __future__ import annotations

from typing import Any

import pytest

from tests.endpoint import HA, MISSING, SINGLE, LocalEndpoint

from .stack import Stack

NO_ID = "it is not a valid id; give it as the DCS console shows it (letters, digits, - and _; at most 128 characters)."


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"instance_id": ""}, f"instance_id is '': {NO_ID}"),
        ({"instance_id": "a/b"}, f"instance_id is 'a/b': {NO_ID}"),
        (
            {"instance_id": HA, "remark": "x" * 129},
            f"remark is '{'x' * 79}…: it has 129 characters; shorten it to at most 128.",
        ),
        ({"instance_id": HA, "remark": 5}, "remark is 5: it must be a text of at most 128 characters."),
        (
            {"instance_id": HA, "remark": "one ~dcs:0123456789ab"},
            "remark is 'one ~dcs:0123456789ab': it ends like the mark that dcs:mark adds (~dcs: and 12 hexadecimal "
            "digits); leave that out.",
        ),
        (
            {"instance_id": HA, "backup_format": "zip"},
            'backup_format is \'zip\': there is no such format; give "rdb" (the default) or "aof".',
        ),
        (
            {"instance_id": HA, "triggers": "2026.11"},
            'triggers is \'2026.11\': it must be a dictionary, such as {"release": "2026.11"}; '
            "any change in it takes a new backup.",
        ),
        (
            {"instance_id": HA, "region": "not a region"},
            "region is 'not a region': it is not a valid region; give a region's id, such as \"cn-north-4\".",
        ),
        ({"instance_id": HA, "project_id": "../x"}, f"project_id is '../x': {NO_ID}"),
        ({"instance_id": HA, "wait": "yes"}, "wait is 'yes': it must be True or False."),
        ({"instance_id": HA, "adopt_backup_id": f"{HA}/b"}, f"adopt_backup_id is '{HA}/b': {NO_ID}"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_a_preview_fails_on_bad_input(stack: Stack, inputs: dict[str, Any], said: str) -> None:
    stack.declare(**inputs)
    outcome = stack.preview()
    assert not outcome.ok
    assert (
        f"    error: pulumi-python:dynamic/dcs:InstanceBackup resource 'backup' has a problem: {said}\n"
        in outcome.diagnostics
    )
    assert outcome.diagnostics.count("error:") == 1
    assert "Traceback" not in outcome.diagnostics


@pytest.mark.parametrize(
    ("instance_id", "status_line"), [(MISSING, "HTTP 404  DCS.3022: "), ("no-such-instance", "HTTP 400  DCS.4061: ")]
)
def test_a_preview_asks_whether_the_instance_is_there(
    stack: Stack, endpoint: LocalEndpoint, instance_id: str, status_line: str
) -> None:
    stack.declare(instance_id=instance_id)
    outcome = stack.preview()
    assert not outcome.ok
    assert (
        f"instance_id is {instance_id!r}: there is no such instance. "
        f"DCS refused to read the details of instance {instance_id}\n"
    ) in outcome.diagnostics
    assert status_line in outcome.diagnostics
    assert outcome.diagnostics.count("error:") == 1


def test_a_preview_refuses_a_single_node_instance(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=SINGLE)
    outcome = stack.preview()
    assert not outcome.ok
    assert f"instance_id is {SINGLE!r}: it is a single-node instance, which has no backups" in outcome.diagnostics


def test_a_preview_asks_for_backups_about_to_be_made_only(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare(instance_id=HA, remark="one")
    assert stack.preview().ok
    assert endpoint.count("show_instance") == 1
    assert stack.up().ok
    assert endpoint.count("show_instance") == 1
    assert stack.preview().ok
    assert endpoint.count("show_instance") == 1
    stack.declare(instance_id=HA, remark="two")
    assert stack.preview().ok
    assert endpoint.count("show_instance") == 2


def test_a_preview_that_cannot_reach_the_service_says_so_and_passes(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.environment["DCS_ENDPOINT"] = "http://127.0.0.1:9"
    stack.declare(instance_id=HA)
    outcome = stack.preview()
    assert outcome.ok, outcome.text
    assert f"warning: Instance {HA} could not be checked for this preview." in outcome.diagnostics
    assert "No connection to DCS at http://127.0.0.1:9" in outcome.diagnostics


def test_a_preview_of_many_says_it_once(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.environment["DCS_ENDPOINT"] = "http://127.0.0.1:9"
    del stack.environment["HUAWEICLOUD_SDK_PROJECT_ID"]
    stack.environment["HUAWEICLOUD_SDK_IAM_ENDPOINT"] = "http://127.0.0.1:9"
    stack.declare_all({f"b{number}": {"instance_id": f"i-{number}"} for number in range(4)})
    outcome = stack.preview()
    assert outcome.ok, outcome.text
    assert outcome.diagnostics.count("warning:") == 1
    assert "The project id could not be looked up for this preview." in outcome.diagnostics


def test_a_preview_without_credentials_passes(stack: Stack, endpoint: LocalEndpoint) -> None:
    for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_PROJECT_ID"):
        del stack.environment[name]
    stack.declare(instance_id=HA)
    outcome = stack.preview()
    assert outcome.ok, outcome.text
    assert not endpoint.requests()


def test_up_without_credentials_names_every_place(stack: Stack) -> None:
    for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
        del stack.environment[name]
    stack.environment["HW_ACCESS_KEY"] = "only-half"
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert not outcome.ok
    for place in ("dcs:accessKey", "dcs:authToken", "HUAWEICLOUD_SDK_AK", "HW_ACCESS_KEY", "CLOUD_SDK_AK"):
        assert place in outcome.diagnostics
    assert "HW_ACCESS_KEY is set, but HW_SECRET_KEY is not" in outcome.diagnostics


def test_a_missing_region_fails_the_preview(stack: Stack) -> None:
    del stack.environment["DCS_ENDPOINT"], stack.environment["HW_REGION_NAME"]
    stack.declare(instance_id=HA)
    outcome = stack.preview()
    assert not outcome.ok
    for place in ("region: it is missing.", "dcs:region", "HW_REGION_NAME"):
        assert place in outcome.diagnostics


@pytest.mark.row("17")
def test_plain_http_elsewhere_is_refused(stack: Stack) -> None:
    stack.environment["DCS_ENDPOINT"] = "http://dcs.example.com"
    stack.declare(instance_id=HA)
    outcome = stack.preview()
    assert not outcome.ok
    assert "DCS_ENDPOINT is a plain http URL, which is only for endpoints on this machine." in outcome.diagnostics
    assert "dcs.example.com" not in outcome.diagnostics


def test_the_project_is_looked_up_at_iam(stack: Stack, endpoint: LocalEndpoint) -> None:
    del stack.environment["HUAWEICLOUD_SDK_PROJECT_ID"]
    stack.declare_all({"first": {"instance_id": HA}, "second": {"instance_id": HA, "wait": False}})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("list_projects") == 1
    assert stack.up("--expect-no-changes").ok
    assert endpoint.count("list_projects") == 1


def test_settings_from_the_stack_configuration(stack: Stack, endpoint: LocalEndpoint) -> None:
    settings = dict(endpoint.environment)
    for name in settings:
        del stack.environment[name]
    stack.config("dcs:accessKey", settings["HUAWEICLOUD_SDK_AK"])
    stack.config("dcs:secretKey", settings["HUAWEICLOUD_SDK_SK"], secret=True)
    stack.config("dcs:endpoint", settings["DCS_ENDPOINT"])
    stack.config("dcs:region", "cn-north-4")
    stack.config("dcs:projectId", settings["HUAWEICLOUD_SDK_PROJECT_ID"])
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.destroy().ok


def test_an_unknown_instance_passes_the_preview(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.write(
        "from pulumi_dcs import InstanceBackup\n"
        f"first = InstanceBackup('first', instance_id='{HA}')\n"
        f"InstanceBackup('second', instance_id=first.backup_id.apply(lambda _: '{HA}'))"
    )
    assert stack.preview().ok
    assert stack.up().ok
    assert len(endpoint.backups()) == 2

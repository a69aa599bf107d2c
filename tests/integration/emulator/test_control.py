"""The control API as tests use it, at the endpoint's process."""

from __future__ import annotations

import subprocess
import sys
from urllib.parse import urlsplit

import pytest
import requests

from tests.endpoint import HA, MISSING, LocalEndpoint, running_endpoint

from .wire import INSTANCES, call, send

BACKUPS = f"{INSTANCES}/{HA}/backups"


def test_lists_that_contradict_themselves(endpoint: LocalEndpoint) -> None:
    ids = [endpoint.add_backup(HA) for _ in range(3)]
    endpoint.contradict(HA, times=2)
    for rows in (0, 0, 3):
        status, body = call(endpoint, "GET", BACKUPS)
        assert (status, body["total_num"], len(body["backup_record_response"])) == (200, 3, rows)
    endpoint.set_status(ids[0], "archiving", "42.00")
    row = call(endpoint, "GET", BACKUPS)[1]["backup_record_response"][-1]
    assert (row["status"], row["progress"]) == ("archiving", "42.00")


def test_instances_change_and_vanish(endpoint: LocalEndpoint) -> None:
    instance_id = endpoint.add_instance(name="new", capacity=16.0, task="RECOVERING")
    path = f"{INSTANCES}/{instance_id}"
    assert call(endpoint, "POST", f"{path}/backups", {})[1]["error_code"] == "DCS.4104"
    endpoint.change_instance(instance_id, task="", used_memory=7)
    shown = call(endpoint, "GET", path)[1]
    assert (shown["capacity"], shown["used_memory"], shown["task"]) == (16, 7, None)
    with pytest.raises(requests.HTTPError):
        endpoint.change_instance(instance_id, memory=7)
    endpoint.remove_instance(instance_id)
    endpoint.behave(missing_instance_code="DCS.4119")
    for gone in (path, f"{INSTANCES}/{MISSING}"):
        status, body = call(endpoint, "GET", gone)
        assert (status, body["error_code"]) == (400, "DCS.4119")


def test_a_region_has_a_url_of_its_own(endpoint: LocalEndpoint) -> None:
    endpoint.add_project("cn-south-1")
    url = endpoint.url_of_region("cn-south-1")
    assert url == endpoint.url.replace("127.0.0.1", "localhost")
    assert call(endpoint, "GET", f"{INSTANCES}/{HA}")[0] == 200
    assert call(LocalEndpoint(url), "GET", f"{INSTANCES}/{HA}")[0] == 404


def test_no_date_header(endpoint: LocalEndpoint) -> None:
    for is_sent in (True, False):
        endpoint.behave(send_date=is_sent)
        response = requests.get(f"{endpoint.url}{INSTANCES}", timeout=10)
        assert ("Date" in response.headers) is is_sent


def test_projects_from_the_command_line() -> None:
    with running_endpoint("--project", "cn-south-1=" + "f" * 32) as endpoint:
        assert {row["name"] for row in endpoint.control("GET", "/projects")} == {"cn-north-4", "cn-south-1"}
        assert send(endpoint, "GET", "/v3/projects", [("Host", urlsplit(endpoint.url).netloc)])[0] == 401


def test_a_project_without_an_id_is_refused() -> None:
    command = [sys.executable, "-m", "pulumi_dcs.emulator", "--project", "cn-south-1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "write it as REGION=ID" in done.stderr

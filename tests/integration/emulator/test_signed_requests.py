"""What real clients send over the line, and what comes of the URL, the body and the headers on their way."""

from __future__ import annotations

import json
import time

import pytest

from tests.endpoint import HA, PROJECT_ID, LocalEndpoint
from tests.unit.emulator.signing import date_of, signed

from .wire import INSTANCES, host_of, send

BACKUPS = f"{INSTANCES}/{HA}/backups"
BODY = json.dumps({"remark": "vor dem Release — 发布"}, ensure_ascii=False).encode()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_of_terraforms_client(endpoint: LocalEndpoint, chunked: bool) -> None:
    headers = [
        ("Accept", "application/json"),
        ("Content-Type", "application/json"),
        ("User-Agent", "terraform-provider-iac"),
        ("X-Project-Id", PROJECT_ID),
        ("X-Sdk-Date", date_of(time.time())),
    ]
    body = BODY + b"\n"
    # Go keeps Host apart from the headers, so that Terraform's client never signs it.
    every = signed("POST", BACKUPS, headers, body, names=["accept", "user-agent", "x-project-id", "x-sdk-date"])
    every = [("Host", host_of(endpoint)), *every]
    assert send(endpoint, "POST", BACKUPS, every, body.rstrip())[0] == 401
    assert not endpoint.backups()
    status, document = send(endpoint, "POST", BACKUPS, every, body, chunked=chunked)
    assert status == 200
    (backup,) = endpoint.backups()
    assert (backup["backup_id"], backup["remark"]) == (document["backup_id"], "vor dem Release — 发布")


@pytest.mark.parametrize(
    ("target", "canonical"),
    [
        (f"{INSTANCES}/", ""),
        (f"{INSTANCES}/?limit=100&offset=0", "limit=100&offset=0"),
        (f"{INSTANCES}?offset=0&name=&limit=100", "limit=100&name=&offset=0"),
        (f"{INSTANCES}?name=%e5%8f%91+%2B~", "name=%E5%8F%91%20%2B~"),
    ],
)
def test_urls_as_clients_write_them(endpoint: LocalEndpoint, target: str, canonical: str) -> None:
    headers = [("host", host_of(endpoint)), ("x-sdk-date", date_of(time.time()))]
    path = target.partition("?")[0]
    every = signed("GET", path, headers, names=["host", "x-sdk-date"], query=canonical)
    assert send(endpoint, "GET", target, every)[0] == 200
    assert send(endpoint, "GET", f"{target}{'&' if '?' in target else '?'}status=RUNNING", every)[0] == 401

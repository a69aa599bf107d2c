"""What the local endpoint, examined by the official client, accepts of ours."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pulumi_dcs.api.backups import BackupFormat, Backups
from pulumi_dcs.api.client import Client
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.api.credentials import AccessKey, AuthToken, Credentials
from pulumi_dcs.api.errors import AuthenticationError, DcsError
from pulumi_dcs.api.instances import Instances
from pulumi_dcs.api.location import Location
from pulumi_dcs.api.projects import Projects

from tests.endpoint import ACCESS_KEY, AUTH_TOKEN, HA, PROJECT_ID, REGION, SECRET_KEY, LocalEndpoint


def client(endpoint: LocalEndpoint, credentials: Credentials | None = None) -> Client:
    keys = credentials or AccessKey(ACCESS_KEY, SECRET_KEY)
    return Client(Location(endpoint.url, PROJECT_ID, REGION), lambda: keys, SystemClock())


def test_every_operation_is_signed_as_it_should_be(endpoint: LocalEndpoint) -> None:
    connected = client(endpoint)
    backups = Backups(connected)
    assert Instances(connected).show(HA).cache_mode == "ha"
    assert backups.list_page(HA).total == 0
    backup_id = backups.create(HA, remark="vor dem Release — 发布", backup_format=BackupFormat.AOF)
    page = backups.list_page(HA, limit=5)
    assert [(record.backup_id, record.remark) for record in page.records] == [(backup_id, "vor dem Release — 发布")]
    assert (page.total, page.row_count, page.is_last) == (1, 1, True)
    while not backups.list_page(HA).records[0].status.is_final:
        time.sleep(0.05)
    backups.delete(HA, backup_id)
    assert Projects(connected).ids_named(REGION) == [PROJECT_ID]


def test_a_token_is_as_good_as_a_signature(endpoint: LocalEndpoint) -> None:
    Backups(client(endpoint, AuthToken(AUTH_TOKEN))).list_page(HA)
    with pytest.raises(AuthenticationError):
        Backups(client(endpoint, AuthToken("wrong"))).list_page(HA)


def test_a_netrc_file_does_not_replace_the_signature(
    endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    Backups(client(endpoint)).list_page(HA)


def test_keys_that_are_sent_back_do_not_show(endpoint: LocalEndpoint) -> None:
    endpoint.plan({"status": 400, "body": f'{{"error_msg": "bad {ACCESS_KEY} and {SECRET_KEY}", "error_code": "X"}}'})
    with pytest.raises(DcsError, match=r"bad \*\*\* and \*\*\*"):
        Backups(client(endpoint)).list_page(HA)

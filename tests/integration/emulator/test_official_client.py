"""The official client examines the local endpoint: unmodified, it must find everything as it is."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, ServerResponseException
from huaweicloudsdkdcs.v2 import (
    BackupInstanceBody,
    CopyInstanceRequest,
    DcsClient,
    DeleteBackupFileRequest,
    DownloadBackupFilesReq,
    ListBackupFileLinksRequest,
    ListBackupRecordsRequest,
    ListInstancesRequest,
    ShowInstanceRequest,
)

from tests.endpoint import ACCESS_KEY, CLUSTER, HA, MISSING, PROJECT_ID, SECRET_KEY, SINGLE, LocalEndpoint


def official(endpoint: LocalEndpoint, *, secret_key: str = SECRET_KEY, access_key: str = ACCESS_KEY) -> Any:
    credentials = BasicCredentials(access_key, secret_key, PROJECT_ID)
    return DcsClient.new_builder().with_credentials(credentials).with_endpoints([endpoint.url]).build()


def refused(call: Any, request: Any) -> tuple[int, str]:
    with pytest.raises(ClientRequestException) as caught:
        call(request)
    assert caught.value.request_id
    return caught.value.status_code, caught.value.error_code


def test_back_up_list_and_delete(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    body = BackupInstanceBody(remark="vor dem Release — 发布", backup_format="aof")
    created = client.copy_instance(CopyInstanceRequest(HA, body))
    while (record := listed(client)[0]).status != "succeed":
        assert record.status in ("waiting", "backuping")
        time.sleep(0.05)
    stored = endpoint.backups()[0]
    assert record.backup_id == created.backup_id == stored["backup_id"]
    assert record.instance_id == HA
    assert record.remark == "vor dem Release — 发布"
    assert record.backup_format == "aof"
    assert record.backup_type == "manual"
    assert record.size == stored["size"]
    assert record.progress == "100.00"
    assert record.is_support_restore == "TRUE"
    assert record.created_at.endswith("Z")
    assert record.backup_name.startswith("backup_")
    assert record.execution_at >= record.created_at
    client.delete_backup_file(DeleteBackupFileRequest(instance_id=HA, backup_id=created.backup_id))
    assert not endpoint.backups()
    gone = refused(client.delete_backup_file, DeleteBackupFileRequest(instance_id=HA, backup_id=created.backup_id))
    assert gone == (400, "DCS.4031")


def test_the_list_pages_filters_and_is_empty(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    empty = client.list_backup_records(ListBackupRecordsRequest(HA))
    assert empty.total_num is None
    for number in range(12):
        endpoint.add_backup(HA, remark=str(number))
    first = client.list_backup_records(ListBackupRecordsRequest(HA))
    assert (first.total_num, len(first.backup_record_response)) == (12, 10)
    rest = client.list_backup_records(ListBackupRecordsRequest(HA, limit=5, offset=10))
    assert [record.remark for record in rest.backup_record_response] == ["1", "0"]
    none = client.list_backup_records(
        ListBackupRecordsRequest(HA, begin_time="20000101000000", end_time="20000102000000")
    )
    assert none.total_num is None
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"limit": 0}, "DCS.4005"),
        ({"limit": 1001}, "DCS.4005"),
        ({"offset": -1}, "DCS.4800"),
        ({"begin_time": "yesterday"}, "DCS.4005"),
        ({"begin_time": "29990101000000"}, "DCS.4031"),
    ]
    for query, code in wrong:
        assert refused(client.list_backup_records, ListBackupRecordsRequest(HA, **query)) == (400, code)


def test_instances(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    everything = client.list_instances(ListInstancesRequest(limit=100))
    modes = {
        row.instance_id: client.show_instance(ShowInstanceRequest(row.instance_id)) for row in everything.instances
    }
    assert everything.instance_num >= 6
    assert {shown.cache_mode for shown in modes.values()} == {"single", "ha", "cluster", "proxy", "ha_rw_split"}
    orders = modes[HA]
    assert (orders.engine, orders.engine_version, orders.status) == ("Redis", "6.0", "RUNNING")
    assert (orders.capacity, orders.max_memory, orders.used_memory) == (4, 4096, 1229)
    assert (modes[SINGLE].capacity, modes[SINGLE].capacity_minor) == (0, ".125")
    endpoint.change_instance(HA, tags={"team": "shop", "1": "x"})
    (row,) = client.list_instances(ListInstancesRequest(tags="team=shop")).instances
    assert (row.name, row.spec_code) == ("orders", "redis.ha.xu1.large.4")
    assert client.list_instances(ListInstancesRequest(name="order")).instance_num == 1
    assert client.list_instances(ListInstancesRequest(name="order", name_equal="true")).instance_num == 0
    assert client.list_instances(ListInstancesRequest(name="orders", name_equal="true")).instance_num == 1
    assert refused(client.show_instance, ShowInstanceRequest(MISSING)) == (404, "DCS.3022")
    assert refused(client.show_instance, ShowInstanceRequest("no-such")) == (400, "DCS.4061")


def test_the_documented_refusals(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    assert refused(client.copy_instance, CopyInstanceRequest(SINGLE, BackupInstanceBody())) == (400, "DCS.4086")
    assert refused(client.copy_instance, CopyInstanceRequest(MISSING, BackupInstanceBody())) == (404, "DCS.3022")
    too_long = BackupInstanceBody(remark="x" * 129)
    assert refused(client.copy_instance, CopyInstanceRequest(HA, too_long)) == (400, "DCS.4098")
    endpoint.behave(duration=30.0)
    first = client.copy_instance(CopyInstanceRequest(HA, BackupInstanceBody()))
    assert refused(client.copy_instance, CopyInstanceRequest(HA, BackupInstanceBody())) == (400, "DCS.4096")
    assert refused(client.delete_backup_file, DeleteBackupFileRequest(instance_id=HA, backup_id=first.backup_id)) == (
        400,
        "DCS.4096",
    )


def test_the_documented_refusals_of_a_busy_instance(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    for status, code in (("RESTARTING", "DCS.4111"), ("RESTORING", "DCS.4097"), ("FREEZING", "DCS.4120")):
        endpoint.change_instance(HA, status=status)
        assert refused(client.copy_instance, CopyInstanceRequest(HA, BackupInstanceBody())) == (400, code)
    endpoint.change_instance(HA, status="RUNNING", busy_code="DCS.4069")
    with pytest.raises(ServerResponseException) as caught:
        client.copy_instance(CopyInstanceRequest(HA, BackupInstanceBody()))
    assert (caught.value.status_code, caught.value.error_code) == (500, "DCS.4069")


def test_errors_in_the_shapes_of_gateways(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    request = CopyInstanceRequest(SINGLE, BackupInstanceBody())
    endpoint.behave(error_shape="gateway")
    assert refused(client.copy_instance, request) == (400, "111400086")
    endpoint.behave(error_shape="flat")
    assert refused(client.copy_instance, request) == (400, "DCS.4086")


def test_the_25th_backup_pushes_out_the_oldest(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    ids = [endpoint.add_backup(HA) for _ in range(24)]
    newest = client.copy_instance(CopyInstanceRequest(HA, BackupInstanceBody())).backup_id
    assert [row["backup_id"] for row in endpoint.backups(HA)] == [newest, *reversed(ids[1:])]


def test_every_wrong_signature_is_refused(endpoint: LocalEndpoint) -> None:
    request = ListBackupRecordsRequest(HA)
    assert refused(official(endpoint, secret_key="wrong").list_backup_records, request) == (401, "APIGW.0301")
    assert refused(official(endpoint, access_key="wrong").list_backup_records, request) == (401, "APIGW.0301")
    for offset in (-16 * 60, 16 * 60):
        endpoint.behave(clock_offset=offset)
        assert refused(official(endpoint).list_backup_records, request) == (401, "APIGW.0301")
    endpoint.behave(clock_offset=14 * 60)
    assert official(endpoint).list_backup_records(request).total_num is None


def listed(client: Any) -> list[Any]:
    rows: list[Any] = client.list_backup_records(ListBackupRecordsRequest(HA, limit=100)).backup_record_response
    return rows


def test_every_filter_of_the_list_of_instances(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    endpoint.change_instance(HA, tags={"team": "shop", "tier": "1"}, ip="192.168.7.7")
    endpoint.change_instance(CLUSTER, tags={"team": "shop"}, status="RESTARTING")
    endpoint.add_instance(name="broken", status="CREATEFAILED")

    def names(**query: Any) -> list[str]:
        found = client.list_instances(ListInstancesRequest(limit=100, **query))
        assert found.instance_num == len(found.instances)
        return [row.name for row in found.instances]

    assert names() == ["carts", "catalogue", "legacy", "orders", "prices", "sessions"]
    assert "broken" in names(include_failure="true")
    assert names(status="CREATEFAILED") == ["broken"]
    assert names(instance_id=HA) == ["orders"]
    assert names(name="ca") == ["carts", "catalogue"]
    assert names(name="ca", name_equal="true") == []
    assert names(status="RESTARTING") == ["catalogue"]
    assert names(tags="team=shop") == ["catalogue", "orders"]
    assert names(tags="team=shop,tier=1") == ["orders"]
    assert names(tags="team=other") == []
    assert names(ip="192.168.7.7") == ["orders"]
    page = client.list_instances(ListInstancesRequest(limit=2, offset=4))
    assert (page.instance_num, [row.name for row in page.instances]) == (6, ["prices", "sessions"])
    (orders,) = client.list_instances(ListInstancesRequest(instance_id=HA)).instances
    assert [(tag.key, tag.value) for tag in orders.tags] == [("team", "shop"), ("tier", "1")]
    with pytest.raises(ClientRequestException):
        client.list_instances(ListInstancesRequest(limit=1001))


def links_of(client: Any, backup_id: str, instance_id: str = HA, expiration: Any = 300) -> Any:
    body = DownloadBackupFilesReq(expiration)
    return client.list_backup_file_links(ListBackupFileLinksRequest(instance_id, backup_id, body))


def test_links_and_what_they_lead_to(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    backup_id = endpoint.add_backup(CLUSTER, backup_format="aof")
    (stored,) = endpoint.backups()
    found = links_of(client, backup_id, CLUSTER)
    assert (found.bucket_name, found.file_path) == (f"dcs-{PROJECT_ID}", f"{PROJECT_ID}/{CLUSTER}/{backup_id}")
    names = [item.file_name for item in found.links]
    assert len(set(names)) == client.show_instance(ShowInstanceRequest(CLUSTER)).sharding_count == 2
    assert all(name.startswith("redis_192.168.0.10_6379_") and name.endswith(".aof") for name in names)
    assert "_0-8191_" in names[0]
    contents = [requests.get(item.link, timeout=10) for item in found.links]
    assert all(each.status_code == 200 for each in contents)
    assert sum(len(each.content) for each in contents) == stored["size"]
    whole = contents[0].content
    assert requests.get(found.links[0].link, timeout=10).content == whole
    for header, part in {
        "bytes=10-": whole[10:],
        "bytes=0-0": whole[:1],
        "bytes=70000-140000": whole[70_000:140_001],
        "bytes=-5": whole[-5:],
    }.items():
        response = requests.get(found.links[0].link, headers={"Range": header}, timeout=10)
        assert (response.status_code, response.content) == (206, part), header
        assert response.headers["Content-Range"].endswith(f"/{len(whole)}")
    beyond = requests.get(found.links[0].link, headers={"Range": f"bytes={len(whole)}-"}, timeout=10)
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")


def test_a_link_is_good_for_its_own_file_and_time(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    backup_id = endpoint.add_backup(HA)
    (item,) = links_of(client, backup_id).links
    other = endpoint.add_backup(HA)
    tampered = [
        item.link.replace(backup_id, other),
        item.link.replace("expires=", "expires=1"),
        item.link[:-1] + ("0" if item.link[-1] != "0" else "1"),
        item.link.partition("?")[0],
    ]
    assert [requests.get(link, timeout=10).status_code for link in tampered] == [403] * 4
    endpoint.behave(clock_offset=299.0)
    assert requests.get(item.link, timeout=10).status_code == 200
    endpoint.behave(clock_offset=301.0)
    expired = requests.get(item.link, timeout=10)
    assert (expired.status_code, "AccessDenied" in expired.text) == (403, True)
    endpoint.behave(clock_offset=0.0)
    endpoint.remove_backup(backup_id)
    assert requests.get(item.link, timeout=10).status_code == 404


def test_links_that_are_refused(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    backup_id = endpoint.add_backup(HA)

    def refusal_of(*arguments: Any, **named: Any) -> tuple[int, str]:
        with pytest.raises(ClientRequestException) as caught:
            links_of(client, *arguments, **named)
        return caught.value.status_code, caught.value.error_code

    for expiration in (299, 86_401, "300", None):
        assert refusal_of(backup_id, expiration=expiration) == (400, "DCS.4005")
    assert refusal_of(backup_id, MISSING) == (404, "DCS.3022")
    assert refusal_of(backup_id, CLUSTER) == (400, "DCS.4031")
    assert refusal_of(endpoint.add_backup(HA, failure="dcs.08.0002")) == (400, "DCS.4087")
    assert refusal_of(endpoint.add_backup(HA, duration=60.0)) == (400, "DCS.4096")
    assert links_of(client, backup_id, expiration=86_400).links

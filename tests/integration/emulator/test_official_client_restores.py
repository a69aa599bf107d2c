"""The official client examines restores, imports, nodes and key analyses at the local endpoint."""

from __future__ import annotations

import time
from typing import Any

import pytest
from huaweicloudsdkdcs.v2 import (
    BackupFilesBody,
    CreateMigrationTaskBody,
    CreateMigrationTaskRequest,
    CreateOfflineKeyAnalysisRequest,
    CreateOfflineKeyAnalysisRequestBody,
    DeleteMigrateTaskRequest,
    DeleteMigrationTaskRequest,
    DeleteOfflineKeyAnalysisTaskRequest,
    ListMigrationTaskRequest,
    ListOfflineKeyAnalysisTaskRequest,
    ListRestoreRecordsRequest,
    RestoreInstanceBody,
    RestoreInstanceRequest,
    ShowInstanceRequest,
    ShowMigrationTaskRequest,
    ShowNodesInformationRequest,
    ShowOfflineKeyAnalysisTaskRequest,
    StopMigrationTaskRequest,
    TargetInstanceBody,
)

from tests.endpoint import CLUSTER, HA, MISSING, PROXY, REDIS_3, RW_SPLIT, SINGLE, LocalEndpoint

from .test_official_client import official, refused


def restore(client: Any, backup_id: str, instance_id: str = HA, remark: str | None = None) -> str:
    body = RestoreInstanceBody(backup_id=backup_id, remark=remark)
    restore_id: str = client.restore_instance(RestoreInstanceRequest(instance_id, body)).restore_id
    return restore_id


def restores(client: Any, instance_id: str = HA, **query: Any) -> Any:
    return client.list_restore_records(ListRestoreRecordsRequest(instance_id, **query))


def import_request(backup_id: str, target: str, **changes: Any) -> CreateMigrationTaskRequest:
    body = CreateMigrationTaskBody(
        **{
            "task_name": "staging-copy",
            "migration_type": "backupfile_import",
            "migration_method": "full_amount_migration",
            "backup_files": BackupFilesBody(file_source="backup_record", backup_id=backup_id),
            "target_instance": TargetInstanceBody(id=target, password="not-for-logs"),
            **changes,
        }
    )
    return CreateMigrationTaskRequest(body)


def master(client: Any, instance_id: str = HA) -> Any:
    nodes = client.show_nodes_information(ShowNodesInformationRequest(instance_id)).nodes
    return next(node for node in nodes if node.node_type == "master")


def analyse(client: Any, backup_id: str | None, instance_id: str = HA, node_id: str = "") -> str:
    body = CreateOfflineKeyAnalysisRequestBody(node_id or master(client, instance_id).node_id, backup_id)
    request = CreateOfflineKeyAnalysisRequest(instance_id, body)
    task_id: str = client.create_offline_key_analysis(request).task_id
    return task_id


def wait_for(poll: Any, *statuses: str) -> Any:
    for _ in range(200):
        record = poll()
        if record.status in statuses:
            return record
        time.sleep(0.02)
    pytest.fail(f"still {record.status}")


def test_restore_in_place(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    assert restores(client).total_num is None
    backup_id = endpoint.add_backup(HA, remark="before 2.0")
    restore_id = restore(client, backup_id, remark="rollback — 发布")
    running = restores(client).restore_record_response[0]
    assert running.status in ("waiting", "restoring")
    shown = client.show_instance(ShowInstanceRequest(HA))
    assert shown.status == "RESTORING"
    assert refused(lambda _: restore(client, backup_id), None) == (400, "DCS.4097")
    record = wait_for(lambda: restores(client).restore_record_response[0], "succeed")
    assert (record.restore_id, record.backup_id) == (restore_id, backup_id)
    assert (record.restore_remark, record.backup_remark) == ("rollback — 发布", "before 2.0")
    assert record.restore_name.startswith("restore_")
    assert record.backup_name.startswith("backup_")
    assert record.progress == "100.00"
    assert record.updated_at > record.created_at
    assert client.show_instance(ShowInstanceRequest(HA)).status == "RUNNING"
    assert restores(client, limit=1, offset=1).restore_record_response == []


def test_a_restore_that_fails(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    endpoint.behave(restore_failure="dcs.08.0007", restore_duration=0.0)
    restore(client, endpoint.add_backup(HA))
    (record,) = restores(client).restore_record_response
    assert (record.status, record.error_code) == ("failed", "dcs.08.0007")


def test_what_cannot_be_restored(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    own = endpoint.add_backup(HA)
    for backup_id, instance_id, code in [
        (endpoint.add_backup(CLUSTER), HA, "DCS.4031"),
        (MISSING, HA, "DCS.4031"),
        (endpoint.add_backup(HA, failure="dcs.08.0002"), HA, "DCS.4087"),
        (endpoint.add_backup(HA, status="expired"), HA, "DCS.4087"),
        (own, SINGLE, "DCS.4086"),
    ]:
        assert refused(lambda _, i=backup_id, j=instance_id: restore(client, i, j), None) == (400, code)
    assert refused(lambda _: restore(client, own, MISSING), None) == (404, "DCS.3022")
    assert refused(lambda _: restore(client, own, HA, "x" * 129), None) == (400, "DCS.4098")
    endpoint.change_instance(HA, status="RESTARTING")
    assert refused(lambda _: restore(client, own), None) == (400, "DCS.4111")
    assert not endpoint.restores()


def test_import_into_another_instance(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    backup_id = endpoint.add_backup(RW_SPLIT)
    created = client.create_migration_task(import_request(backup_id, CLUSTER))
    assert (created.name, created.status) == ("staging-copy", "MIGRATING")
    assert client.show_instance(ShowInstanceRequest(CLUSTER)).status == "MIGRATING"
    show = ShowMigrationTaskRequest(created.id)
    details = wait_for(lambda: client.show_migration_task(show), "SUCCESS")
    assert (details.task_id, details.migration_type) == (created.id, "backupfile_import")
    assert (details.source_instance.id, details.target_instance.id) == (RW_SPLIT, CLUSTER)
    assert details.target_instance.password == "not-for-logs"
    assert time.strptime(details.created_at, "%Y/%m/%d %H:%M:%S")
    listed = client.list_migration_task(ListMigrationTaskRequest(name="staging"))
    (row,) = listed.migration_tasks
    assert listed.count == 1
    assert (row.task_id, row.status, row.target_instance_name, row.error_message) == (
        *(created.id, "SUCCESS", "catalogue", ""),
    )
    gone = DeleteMigrationTaskRequest(DeleteMigrateTaskRequest([created.id]))
    assert client.delete_migration_task(gone).task_id_list == [created.id]
    assert refused(client.show_migration_task, show) == (400, "DCS.4133")
    assert client.list_migration_task(ListMigrationTaskRequest()).count == 0


def test_an_import_is_stopped(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    endpoint.behave(import_duration=60.0)
    task_id = client.create_migration_task(import_request(endpoint.add_backup(RW_SPLIT), CLUSTER)).id
    gone = DeleteMigrationTaskRequest(DeleteMigrateTaskRequest([task_id]))
    assert refused(client.delete_migration_task, gone) == (400, "DCS.4121")
    assert client.stop_migration_task(StopMigrationTaskRequest(task_id)).status == "TERMINATED"
    assert client.show_instance(ShowInstanceRequest(CLUSTER)).status == "RUNNING"
    client.delete_migration_task(gone)
    assert refused(client.stop_migration_task, StopMigrationTaskRequest(task_id)) == (400, "DCS.4133")


def test_imports_that_fail_and_imports_that_are_refused(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    endpoint.behave(import_duration=0.0)
    backup_id = endpoint.add_backup(HA)
    for target, why in [
        (REDIS_3, "older"),
        (CLUSTER, "older"),
        (endpoint.add_instance(engine_version="7.0", capacity=1.0), "less"),
    ]:
        client.create_migration_task(import_request(backup_id, target))
        row = client.list_migration_task(ListMigrationTaskRequest(limit=1)).migration_tasks[0]
        assert row.status == "FAILED"
        assert why in row.error_message
    assert refused(client.create_migration_task, import_request(MISSING, CLUSTER)) == (400, "DCS.4031")
    assert refused(client.create_migration_task, import_request(backup_id, MISSING)) == (404, "DCS.3022")
    for change in ({"task_name": "1st"}, {"migration_type": "online_migration"}, {"task_name": "x" * 65}):
        assert refused(client.create_migration_task, import_request(backup_id, CLUSTER, **change)) == (400, "DCS.4005")


@pytest.mark.parametrize(
    ("instance_id", "kinds"),
    [
        (SINGLE, ["master"]),
        (HA, ["master", "slave"]),
        (CLUSTER, ["master", "slave"] * 2),
        (PROXY, ["master", "slave", "proxy", "proxy"]),
    ],
)
def test_nodes(endpoint: LocalEndpoint, instance_id: str, kinds: list[str]) -> None:
    listed = official(endpoint).show_nodes_information(ShowNodesInformationRequest(instance_id))
    assert (listed.instance_id, listed.total) == (instance_id, len(kinds))
    assert [node.node_type for node in listed.nodes] == kinds
    assert len({node.node_id for node in listed.nodes}) == len(kinds)
    for node in listed.nodes:
        assert (node.status, bool(node.group_id), bool(node.node_ip)) == ("Active", True, True)
        assert node.dimensions[0].value == instance_id


def test_a_key_analysis(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    backup_id = endpoint.add_backup(HA)
    task_id = analyse(client, backup_id)
    show = ShowOfflineKeyAnalysisTaskRequest(HA, task_id)
    started = client.show_offline_key_analysis_task(show)
    assert (started.analysis_type, started.total_num, started.finished_at) == ("old_backup", None, None)
    assert refused(lambda _: analyse(client, backup_id), None) == (400, "DCS.4231")
    wait_for(lambda: analyses(client).records[0], "success")
    done = client.show_offline_key_analysis_task(show)
    assert (done.backup_id, done.node_id, done.node_type) == (backup_id, master(client).node_id, "master")
    assert done.total_num == sum(each.num for each in done.type_num) == 1000
    assert done.total_bytes == sum(each.bytes for each in done.type_bytes)
    assert done.largest_keys[0].key
    assert done.finished_at > done.started_at
    assert len(endpoint.backups()) == 1
    gone = DeleteOfflineKeyAnalysisTaskRequest(HA, task_id)
    assert client.delete_offline_key_analysis_task(gone).task_id == task_id
    assert refused(client.show_offline_key_analysis_task, show) == (400, "DCS.4232")
    assert analyses(client).total == 0


def test_an_analysis_without_a_backup_makes_one(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    task_id = analyse(client, None)
    (backup,) = endpoint.backups()
    shown = client.show_offline_key_analysis_task(ShowOfflineKeyAnalysisTaskRequest(HA, task_id))
    assert (shown.analysis_type, shown.backup_id) == ("new_backup", backup["backup_id"])


def test_analyses_that_fail_and_analyses_that_are_refused(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    endpoint.behave(analysis_failure="unreadable", analysis_duration=0.0)
    own = endpoint.add_backup(HA)
    task_id = analyse(client, own)
    assert analyses(client, status="failed").records[0].id == task_id
    assert analyses(client, status="success").total == 0
    shown = client.show_offline_key_analysis_task(ShowOfflineKeyAnalysisTaskRequest(HA, task_id))
    assert shown.total_num is None
    proxy = client.show_nodes_information(ShowNodesInformationRequest(PROXY)).nodes[-1].node_id
    for backup_id, instance_id, node_id, code in [
        (own, HA, "no-such-node", "DCS.4005"),
        (own, PROXY, proxy, "DCS.4005"),
        (own, CLUSTER, "", "DCS.4031"),
        (MISSING, HA, "", "DCS.4031"),
        (endpoint.add_backup(HA, failure="dcs.08.0002"), HA, "", "DCS.4087"),
        (endpoint.add_backup(REDIS_3), REDIS_3, "", "DCS.4005"),
    ]:
        call = (client, backup_id, instance_id, node_id)
        assert refused(lambda _, call=call: analyse(*call), None) == (400, code)


def test_what_others_do(endpoint: LocalEndpoint) -> None:
    client = official(endpoint)
    own = endpoint.add_backup(HA)
    restore_id = endpoint.add_task("restores", HA, duration=60.0, facts={"remark": "by hand"})
    assert refused(lambda _: restore(client, own), None) == (400, "DCS.4097")
    endpoint.change_task("restores", restore_id, status="archiving", progress="n/a")
    record = restores(client).restore_record_response[0]
    assert (record.restore_id, record.restore_remark, record.status, record.progress) == (
        *(restore_id, "by hand", "archiving", "n/a"),
    )
    endpoint.remove_task("restores", restore_id)
    task_id = endpoint.add_task("migrations", HA, duration=60.0)
    assert client.show_migration_task(ShowMigrationTaskRequest(task_id)).status == "MIGRATING"
    assert refused(lambda _: restore(client, own), None) == (400, "DCS.4121")
    endpoint.change_task("migrations", task_id, status="MIGRATION_FAILED")
    endpoint.add_task("analyses", HA, duration=60.0)
    assert refused(lambda _: analyse(client, own), None) == (400, "DCS.4231")
    restore(client, own)


def analyses(client: Any, **query: Any) -> Any:
    return client.list_offline_key_analysis_task(ListOfflineKeyAnalysisTaskRequest(HA, **query))

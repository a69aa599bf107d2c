"""Real data: backups, restores and imports of them, with every key and value compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from valkey import Valkey
from valkey.exceptions import AuthenticationError

from tests.endpoint import CLUSTER, HA, PROJECT_ID, PROXY, RW_SPLIT, LocalEndpoint, running_endpoint
from tests.engine.stack import until

from .contents import client_of, contents, fill
from .wire import INSTANCES, call

TASKS = f"/v2/{PROJECT_ID}/migration-task"


@pytest.fixture(scope="module")
def data_process() -> Iterator[LocalEndpoint]:
    with running_endpoint("--redis-password", 'pass "word\\ö'.replace("ö", "o"), data=True) as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(data_process: LocalEndpoint) -> LocalEndpoint:
    data_process.reset()
    data_process.behave(duration=0.0)
    return data_process


def succeed(response: tuple[int, Any]) -> Any:
    assert response[0] == 200, response
    return response[1]


def back_up(endpoint: LocalEndpoint, instance_id: str, backup_format: str = "rdb") -> str:
    created = succeed(call(endpoint, "POST", f"{INSTANCES}/{instance_id}/backups", {"backup_format": backup_format}))
    backup_id: str = created["backup_id"]
    until(lambda: row_of(endpoint, backup_id)["status"] == "succeed")
    return backup_id


def row_of(endpoint: LocalEndpoint, backup_id: str) -> Any:
    return {row["backup_id"]: row for row in endpoint.backups()}[backup_id]


def restore(endpoint: LocalEndpoint, instance_id: str, backup_id: str) -> dict[str, Any]:
    """Restore and wait; the record at the end."""
    path = f"{INSTANCES}/{instance_id}/restores"
    succeed(call(endpoint, "POST", path, {"backup_id": backup_id}))
    return finished(lambda: call(endpoint, "GET", path)[1]["restore_record_response"][0])


def import_into(endpoint: LocalEndpoint, target: str, backup_id: str, password: str | None = "") -> dict[str, Any]:
    """Import and wait; the task's row in the list at the end."""
    if password == "":
        password = endpoint.control("GET", f"/instances/{target}/server")["password"]
    body = {
        "task_name": "staging-copy",
        "migration_type": "backupfile_import",
        "migration_method": "full_amount_migration",
        "backup_files": {"file_source": "backup_record", "backup_id": backup_id},
        "target_instance": {"id": target, "password": password},
    }
    succeed(call(endpoint, "POST", TASKS, body))
    return finished(lambda: call(endpoint, "GET", f"{TASKS}s")[1]["migration_tasks"][0])


def analyse(endpoint: LocalEndpoint, instance_id: str, backup_id: str, shard: int = 1) -> dict[str, Any]:
    """Analyse one shard of a backup and wait; the result, with the status that the list shows."""
    nodes = succeed(call(endpoint, "GET", f"{INSTANCES}/{instance_id}/logical-nodes"))["nodes"]
    (node_id,) = (n["node_id"] for n in nodes if (n["group_name"], n["node_type"]) == (f"shard-{shard}", "master"))
    path = f"{INSTANCES}/{instance_id}/offline/key-analysis"
    task_id = succeed(call(endpoint, "POST", path, {"node_id": node_id, "backup_id": backup_id}))["task_id"]
    status = finished(lambda: call(endpoint, "GET", path)[1]["records"][0])["status"]
    shown: dict[str, Any] = succeed(call(endpoint, "GET", f"{path}/{task_id}"))
    return {**shown, "status": status}


def finished(poll: Any) -> dict[str, Any]:
    running = {"waiting", "restoring", "running", "MIGRATING"}
    until(lambda: poll()["status"] not in running)
    row: dict[str, Any] = poll()
    return row


def damage(endpoint: LocalEndpoint, instance_id: str) -> None:
    with client_of(endpoint, instance_id) as client:
        client.delete("queue")
        client.set("order:7", "overwritten")
        client.set("intruder", 1)


@pytest.mark.parametrize("backup_format", ["rdb", "aof"])
def test_a_restore_brings_back_every_key_and_value(endpoint: LocalEndpoint, backup_format: str) -> None:
    fill(endpoint, HA, databases=2)
    before = contents(endpoint, HA, 2)
    assert {kind for kind, _, _ in before.values()} == {"string", "list", "set", "zset", "hash", "stream"}
    backup_id = back_up(endpoint, HA, backup_format)
    damage(endpoint, HA)
    assert contents(endpoint, HA, 2) != before
    assert restore(endpoint, HA, backup_id)["status"] == "succeed"
    assert contents(endpoint, HA, 2) == before
    damage(endpoint, HA)  # the instance works as before, and its backup is untouched
    assert restore(endpoint, HA, backup_id)["status"] == "succeed"
    assert contents(endpoint, HA, 2) == before


def test_a_backup_holds_what_the_instance_held_at_its_start(endpoint: LocalEndpoint) -> None:
    endpoint.behave(duration=0.5)
    with client_of(endpoint, HA) as client:
        client.set("when", "before")
        backup_id = succeed(call(endpoint, "POST", f"{INSTANCES}/{HA}/backups", {}))["backup_id"]
        client.set("when", "meanwhile")
    until(lambda: row_of(endpoint, backup_id)["status"] == "succeed")
    restore(endpoint, HA, backup_id)
    with client_of(endpoint, HA) as client:
        assert client.get("when") == b"before"


@pytest.mark.parametrize("backup_format", ["rdb", "aof"])
def test_the_size_is_the_files(endpoint: LocalEndpoint, backup_format: str) -> None:
    fill(endpoint, HA)
    backup_id = back_up(endpoint, HA, backup_format)
    row = row_of(endpoint, backup_id)
    file = Path(row["file"])
    assert row["size"] == file.stat().st_size
    assert file.suffix == f".{backup_format}"
    assert file.read_bytes().startswith(b"*2\r\n$6\r\nSELECT" if backup_format == "aof" else b"VALKEY")
    assert call(endpoint, "DELETE", f"{INSTANCES}/{HA}/backups/{backup_id}")[0] == 204
    assert not file.exists()


@pytest.mark.parametrize("backup_format", ["rdb", "aof"])
def test_an_import_overwrites_equal_keys_and_leaves_others(endpoint: LocalEndpoint, backup_format: str) -> None:
    fill(endpoint, RW_SPLIT)
    source = contents(endpoint, RW_SPLIT)
    backup_id = back_up(endpoint, RW_SPLIT, backup_format)
    with client_of(endpoint, HA) as client:
        client.set("order:1", "the target's", ex=1000)
        client.rpush("scores", "of another type")
        client.set("others", "stay")
    assert import_into(endpoint, HA, backup_id)["status"] == "SUCCESS"
    other = ("string", -1, b"stay")
    assert contents(endpoint, HA) == source | {(0, b"others"): other}
    assert contents(endpoint, RW_SPLIT) == source


def test_a_cluster_takes_database_0_only(endpoint: LocalEndpoint) -> None:
    for database in (0, 3):
        with client_of(endpoint, RW_SPLIT, database) as client:
            client.set("database", database)
    assert import_into(endpoint, CLUSTER, back_up(endpoint, RW_SPLIT))["status"] == "SUCCESS"
    assert contents(endpoint, CLUSTER) == {(0, b"database"): ("string", -1, b"0")}
    assert restore(endpoint, CLUSTER, back_up(endpoint, CLUSTER))["status"] == "succeed"


@pytest.mark.parametrize("password", ["wrong", None])
def test_an_import_needs_the_targets_password(endpoint: LocalEndpoint, password: str | None) -> None:
    fill(endpoint, RW_SPLIT)
    row = import_into(endpoint, HA, back_up(endpoint, RW_SPLIT), password)
    assert (row["status"], row["error_message"]) == ("FAILED", "The target instance refuses the password.")
    assert contents(endpoint, HA) == {}


def test_an_import_that_is_stopped_has_changed_nothing(endpoint: LocalEndpoint) -> None:
    fill(endpoint, RW_SPLIT)
    backup_id = back_up(endpoint, RW_SPLIT)
    endpoint.behave(import_duration=60.0)
    body = {
        "task_name": "staging-copy",
        "migration_type": "backupfile_import",
        "migration_method": "full_amount_migration",
        "backup_files": {"file_source": "backup_record", "backup_id": backup_id},
        "target_instance": {"id": HA},
    }
    task_id = succeed(call(endpoint, "POST", TASKS, body))["id"]
    assert succeed(call(endpoint, "POST", f"{TASKS}/{task_id}/stop"))["status"] == "TERMINATED"
    until(lambda: not endpoint.migrations()[0]["pending"])
    assert endpoint.migrations()[0]["status"] == "TERMINATED"
    assert contents(endpoint, HA) == {}


def break_file(path: Path, how: str) -> None:
    content = path.read_bytes()
    middle = len(content) // 2
    broken = {
        "cut": content[:middle],
        "flipped": content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :],
        "empty": b"",
        "other": b"<html>not a backup</html>",
    }
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(broken[how])


@pytest.mark.parametrize(
    ("backup_format", "how"),
    [
        *(("rdb", how) for how in ("cut", "flipped", "empty", "other", "gone")),
        *(("aof", how) for how in ("cut", "other", "gone")),
    ],
)
def test_a_broken_file_is_not_restored(endpoint: LocalEndpoint, backup_format: str, how: str) -> None:
    fill(endpoint, RW_SPLIT)
    backup_id = back_up(endpoint, RW_SPLIT, backup_format)
    break_file(Path(row_of(endpoint, backup_id)["file"]), how)
    damage(endpoint, RW_SPLIT)
    before = contents(endpoint, RW_SPLIT)
    record = restore(endpoint, RW_SPLIT, backup_id)
    assert (record["status"], record["error_code"]) == ("failed", "dcs.08.0007")
    assert contents(endpoint, RW_SPLIT) == before
    assert import_into(endpoint, HA, backup_id)["status"] == "FAILED"
    assert contents(endpoint, HA) == {}
    assert analyse(endpoint, RW_SPLIT, backup_id)["status"] == "failed"


def test_a_restore_suspends_the_instance(endpoint: LocalEndpoint) -> None:
    with client_of(endpoint, HA) as client:
        client.set("when", "backup")
    backup_id = back_up(endpoint, HA)
    server = endpoint.control("GET", f"/instances/{HA}/server")
    endpoint.behave(restore_duration=60.0)
    succeed(call(endpoint, "POST", f"{INSTANCES}/{HA}/restores", {"backup_id": backup_id}))
    with Valkey(server["host"], server["port"], password=server["password"]) as client, pytest.raises(ConnectionError):
        connect(client)
    with pytest.raises(requests.HTTPError, match="409"):
        endpoint.control("GET", f"/instances/{HA}/server")
    shown = succeed(call(endpoint, "GET", f"{INSTANCES}/{HA}"))
    assert (shown["status"], shown["task"]) == ("RESTORING", "RESTORING")
    assert call(endpoint, "POST", f"{INSTANCES}/{HA}/backups", {})[1]["error_code"] == "DCS.4097"
    # The endpoint's clock decides, and the address stays.
    endpoint.behave(clock_offset=61.0)
    until(lambda: endpoint.restores()[0]["status"] == "succeed")
    assert endpoint.control("GET", f"/instances/{HA}/server") == server


def connect(client: Any) -> None:
    try:
        client.ping()
    except Exception as error:
        raise ConnectionError from error


@pytest.mark.parametrize("ending", ["failure", "status", "removed"])
def test_a_restore_that_fails_leaves_the_data(endpoint: LocalEndpoint, ending: str) -> None:
    backup_id = back_up(endpoint, HA)
    with client_of(endpoint, HA) as client:
        client.set("later", 1)
    endpoint.behave(restore_duration=0.3, restore_failure="dcs.08.0002" if ending == "failure" else "")
    succeed(call(endpoint, "POST", f"{INSTANCES}/{HA}/restores", {"backup_id": backup_id}))
    if ending == "status":
        endpoint.change_task("restores", endpoint.restores()[0]["task_id"], status="failed")
    elif ending == "removed":
        endpoint.remove_task("restores", endpoint.restores()[0]["task_id"])
    until(lambda: requests.get(f"{endpoint.url}/control/instances/{HA}/server", timeout=10).status_code == 200)
    assert contents(endpoint, HA) == {(0, b"later"): ("string", -1, b"1")}
    if ending == "failure":
        until(lambda: endpoint.restores()[0]["failure"] == "dcs.08.0002")


def test_an_analysis_counts_what_is_in_the_file(endpoint: LocalEndpoint) -> None:
    fill(endpoint, HA, databases=2)
    stored = contents(endpoint, HA, 2)
    result = analyse(endpoint, HA, back_up(endpoint, HA))
    assert (result["status"], result["total_num"]) == ("success", len(stored))
    kinds = [kind for kind, _, _ in stored.values()]
    assert {row["type"]: row["num"] for row in result["type_num"]} == {kind: kinds.count(kind) for kind in kinds}
    assert result["total_bytes"] == sum(row["bytes"] for row in result["type_bytes"]) > len(stored) * 20
    sizes = [key["bytes"] for key in result["largest_keys"]]
    assert len(sizes) == 10
    assert sizes == sorted(sizes, reverse=True)
    written = str(result) + str(endpoint.analyses()) + str(endpoint.requests())
    assert not [key for _, key in stored if key.isascii() and len(key) > 4 and key.decode() in written]


def test_each_shard_of_a_cluster_is_counted_by_itself(endpoint: LocalEndpoint) -> None:
    endpoint.change_instance(CLUSTER, capacity=16.0)
    fill(endpoint, CLUSTER)
    backup_id = back_up(endpoint, CLUSTER)
    counts = [analyse(endpoint, CLUSTER, backup_id, shard)["total_num"] for shard in (1, 2, 3, 4)]
    assert sum(counts) == len(contents(endpoint, CLUSTER))
    assert min(counts) > len(contents(endpoint, CLUSTER)) / 8


def test_the_details_tell_the_address(endpoint: LocalEndpoint) -> None:
    shown = succeed(call(endpoint, "GET", f"{INSTANCES}/{PROXY}"))
    server = endpoint.control("GET", f"/instances/{PROXY}/server")
    assert (shown["ip"], shown["port"]) == (server["host"], server["port"])
    assert server["host"] == "127.0.0.1"
    (row,) = [row for row in succeed(call(endpoint, "GET", INSTANCES))["instances"] if row["instance_id"] == PROXY]
    assert (row["ip"], row["port"]) == (shown["ip"], shown["port"])
    with Valkey(port=server["port"], password="wrong") as stranger, pytest.raises(AuthenticationError):
        stranger.ping()
    client: Any = Valkey.from_url(server["url"])
    assert client.ping()
    client.close()


def test_a_reset_removes_data_and_backups(endpoint: LocalEndpoint) -> None:
    fill(endpoint, HA)
    file = Path(row_of(endpoint, back_up(endpoint, HA))["file"])
    endpoint.behave(restore_duration=60.0)
    succeed(call(endpoint, "POST", f"{INSTANCES}/{HA}/restores", {"backup_id": endpoint.backups()[0]["backup_id"]}))
    endpoint.reset()
    assert not file.exists()
    assert contents(endpoint, HA) == {}
    assert endpoint.restores() == []


def test_the_25th_backup_takes_the_oldest_file_with_it(endpoint: LocalEndpoint) -> None:
    first = Path(row_of(endpoint, endpoint.add_backup(HA))["file"])
    for _ in range(23):
        endpoint.add_backup(HA)
    assert first.exists()
    endpoint.add_backup(HA)
    assert not first.exists()
    assert len(list(first.parent.iterdir())) == 24


def test_an_instance_takes_its_data_with_it(endpoint: LocalEndpoint) -> None:
    instance_id = endpoint.add_instance(name="short-lived")
    server = endpoint.control("GET", f"/instances/{instance_id}/server")
    file = Path(row_of(endpoint, endpoint.add_backup(instance_id))["file"])
    folder = file.parent.parent / "instances" / instance_id
    assert folder.exists()
    endpoint.remove_instance(instance_id)
    assert not file.exists()
    assert not folder.exists()
    with Valkey(port=server["port"]) as client, pytest.raises(ConnectionError):
        connect(client)


def test_an_odd_id_leads_to_no_other_folder(endpoint: LocalEndpoint) -> None:
    instance_id = endpoint.add_instance(name="odd", instance_id="../../odd")
    folder = Path(row_of(endpoint, endpoint.add_backup(instance_id))["file"]).parent.parent
    assert sorted(each.name for each in folder.iterdir()) == ["backups", "instances", "keeper.lock", "lock", "password"]
    assert len(list((folder / "instances").iterdir())) == 1
    assert not list(folder.parent.glob("odd*"))

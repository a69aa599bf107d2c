"""What a plain Python program looks up at a service, without an engine."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi_dcs import (
    Instance,
    download_backup,
    functions,
    get_backup_links,
    get_backups,
    get_backups_output,
    get_instances,
    get_instances_output,
    get_latest_backup,
    get_latest_backup_output,
)
from pulumi_dcs.program import Program

from tests.clocks import LeapingClock
from tests.endpoint import CLUSTER, HA, MISSING, LocalEndpoint
from tests.engine.stack import until


@pytest.fixture(autouse=True)
def program(endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """A run of its own for each test."""
    found = Program({}, endpoint.environment, clock=LeapingClock())
    monkeypatch.setattr(functions, "current_program", lambda: found)
    yield found


def names(instances: list[Instance]) -> list[str]:
    return [instance.name for instance in instances]


def refusal(function: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        function(*arguments, **named)
    return str(caught.value)


def test_instances_by_name() -> None:
    found = get_instances()
    assert names(found) == ["carts", "catalogue", "legacy", "orders", "prices", "sessions"]
    orders = found[3]
    assert orders == Instance(
        instance_id=HA,
        name="orders",
        status="RUNNING",
        engine="Redis",
        engine_version="6.0",
        capacity_gb=4.0,
        max_memory_mb=4096,
        used_memory_mb=1229,
        tags={},
        spec_code="redis.ha.xu1.large.4",
        can_be_backed_up=True,
    )
    assert hash(orders) != hash(found[2])
    assert [each.name for each in found if not each.can_be_backed_up] == ["sessions"]


def test_only_the_details_tell_some_modes(endpoint: LocalEndpoint) -> None:
    endpoint.add_instance(name="odd", cache_mode="dual")
    (odd,) = get_instances(name_exact="odd")
    assert odd.can_be_backed_up is None
    assert endpoint.count("show_instance") == 0
    assert names(get_instances(cache_modes=["ha", "single"])) == ["legacy", "orders", "sessions"]
    assert endpoint.count("show_instance") == 7
    (sessions,) = get_instances(name="sess", cache_modes=["single"])
    assert (sessions.cache_mode, sessions.can_be_backed_up) == ("single", False)


def test_every_filter(endpoint: LocalEndpoint) -> None:
    endpoint.change_instance(HA, tags={"team": "shop", "backup": "nightly", "1": "x"})
    endpoint.change_instance(CLUSTER, tags={"team": "shop", "odd": "a,b=c"}, status="RESTARTING")
    assert names(get_instances("or")) == ["orders"]
    assert names(get_instances(name_exact="or")) == []
    assert names(get_instances(name_exact="orders")) == ["orders"]
    assert names(get_instances(status="restarting")) == ["catalogue"]
    assert names(get_instances(tags={"team": "shop"})) == ["catalogue", "orders"]
    assert names(get_instances(tags={"team": "shop", "backup": "nightly"})) == ["orders"]
    assert names(get_instances(tags={"1": "x"})) == ["orders"]
    assert names(get_instances(tags={"odd": "a,b=c"})) == ["catalogue"]
    assert names(get_instances(tags={"odd": "a"})) == []
    assert get_instances(name_exact="orders")[0].tags == {"team": "shop", "backup": "nightly", "1": "x"}
    assert get_instances(project_id="f" * 32) == []


def test_equal_names_capitals_and_unicode_have_one_order(endpoint: LocalEndpoint) -> None:
    ids = ["b" * 8, "a" * 8, "c" * 8]
    for instance_id, name in zip(ids, ["same", "same", "Ünïcode-发布"], strict=True):
        endpoint.add_instance(instance_id=instance_id, name=name)
    endpoint.add_instance(instance_id="d" * 8, name="SAME")
    assert [each.instance_id for each in get_instances("same")] == ["a" * 8, "b" * 8]
    assert [each.instance_id for each in get_instances(name_exact="SAME")] == ["d" * 8]
    assert [each.instance_id for each in get_instances(name_exact="Ünïcode-发布")] == ["c" * 8]


def test_ten_thousand_and_one_instances(endpoint: LocalEndpoint) -> None:
    fleet = [{"instance_id": f"fleet-{number:05}", "name": f"fleet-{number % 7}"} for number in range(10_001)]
    endpoint.control("POST", "/instances", fleet)
    found = get_instances("fleet-")
    assert len(found) == 10_001
    assert len({each.instance_id for each in found}) == 10_001
    assert found == sorted(found, key=lambda each: (each.name, each.instance_id))
    assert endpoint.count("list_instances") == 11


@pytest.mark.parametrize("missing_rows", [1, -1])
def test_a_list_of_instances_that_contradicts_itself_is_read_again(endpoint: LocalEndpoint, missing_rows: int) -> None:
    endpoint.plan({"operation": "list_instances", "missing_rows": missing_rows, "times": 4})
    assert len(get_instances()) == 6
    assert endpoint.count("list_instances") == 5


def test_a_list_of_instances_that_keeps_contradicting_itself_is_no_list(endpoint: LocalEndpoint) -> None:
    endpoint.plan({"operation": "list_instances", "missing_rows": 1, "times": -1})
    assert refusal(get_instances).startswith("DCS sends an incomplete list of instances.\n")


def test_a_list_without_a_total_is_believed_if_it_has_rows(endpoint: LocalEndpoint) -> None:
    endpoint.plan({"operation": "list_instances", "no_total": True, "times": -1})
    assert len(get_instances()) == 6
    assert "incomplete" in refusal(get_instances, "no such name")


def test_an_instance_that_is_deleted_meanwhile_is_left_out(endpoint: LocalEndpoint) -> None:
    gone = {"error_code": "DCS.4119", "error_msg": "This DCS instance does not exist."}
    endpoint.plan({"operation": "show_instance", "instance_id": HA, "status": 400, "body": json.dumps(gone)})
    assert names(get_instances(cache_modes=["ha"])) == ["legacy"]


def test_details_that_can_not_be_read_are_one_error(endpoint: LocalEndpoint) -> None:
    endpoint.plan({"operation": "show_instance", "status": 403, "times": -1})
    message = refusal(get_instances, cache_modes=["ha"])
    assert message.startswith("DCS refused to read the details of instance")


def test_backups_newest_first_and_filtered(endpoint: LocalEndpoint) -> None:
    made = [
        endpoint.add_backup(HA, remark=remark) for remark in ("nightly 1", "by hand", "nightly 2 ~dcs:0123456789ab")
    ]
    automatic = endpoint.add_backup(HA, backup_type="auto")
    failed = endpoint.add_backup(HA, failure="dcs.08.0002", remark="nightly 3")
    day = datetime(2026, 5, 1, tzinfo=timezone.utc)
    for number, backup_id in enumerate([*made, automatic, failed]):
        endpoint.change_backup(backup_id, created=(day + timedelta(days=number)).timestamp())
    found = get_backups(HA)
    assert [each.backup_id for each in found] == [failed, automatic, *reversed(made)]
    assert [each.remark for each in found] == ["nightly 3", "", "nightly 2", "by hand", "nightly 1"]
    assert found[0].id == f"{HA}/{failed}"
    assert (found[0].status, found[0].error_code, found[0].is_support_restore) == ("failed", "dcs.08.0002", False)
    assert found[2].created == day + timedelta(days=2)
    assert found[2].created_at == "2026-05-03T00:00:00.000Z"
    assert found[2].size == {row["backup_id"]: row["size"] for row in endpoint.backups()}[made[2]]

    def ids(**wanted: Any) -> list[str]:
        return [each.backup_id for each in get_backups(HA, **wanted)]

    assert ids(remark="nightly") == []
    assert ids(remark="nightly .*") == [failed, made[2], made[0]]
    assert ids(remark=re.compile("NIGHTLY .", re.IGNORECASE), status="succeed") == [made[2], made[0]]
    assert ids(remark="") == [automatic]
    assert ids(backup_type="auto") == [automatic]
    assert ids(since=day + timedelta(days=3)) == [failed, automatic]
    assert ids(until=day) == [made[0]]
    hours_ahead = timezone(timedelta(hours=8))
    assert (
        ids(since=day.astimezone(hours_ahead), until=(day + timedelta(days=1)).astimezone(hours_ahead)) == made[1::-1]
    )
    assert get_latest_backup(HA).backup_id == automatic
    assert get_latest_backup(HA, backup_type="manual").backup_id == made[2]
    assert get_latest_backup(HA, None).backup_id == failed
    assert endpoint.count("list_backups") == 1
    assert "~dcs" not in str([*found, get_latest_backup(HA, remark="nightly .*")])


def test_none_fits_and_what_there_is_instead(endpoint: LocalEndpoint) -> None:
    assert refusal(get_latest_backup, HA) == (
        f"Instance {HA} has no backup with status succeed.\n  it has none at all\n"
        "  What to do: take a backup first, or look for another one; check the region and the project as well."
    )
    ids = [endpoint.add_backup(CLUSTER, failure="dcs.08.0002", remark=f"try {n} ~dcs:0123456789ab") for n in range(5)]
    message = refusal(get_latest_backup, CLUSTER, remark="nightly .*", since=datetime.now(timezone.utc))
    assert f"Instance {CLUSTER} has no backup with status succeed, whose whole remark matches the pattern," in message
    assert "nightly" not in message
    assert "it has 5 other backups; the newest:" in message
    assert f"{ids[4]}, failed, 20" in message
    assert "remark 'try 4'" in message
    assert "and 2 more" in message
    assert "~dcs" not in message


def test_a_list_of_backups_that_contradicts_itself_proves_nothing(endpoint: LocalEndpoint) -> None:
    endpoint.add_backup(HA)
    endpoint.contradict(HA, times=-1)
    assert "incomplete list" in refusal(get_latest_backup, HA)


def test_an_instance_that_is_not_there(endpoint: LocalEndpoint) -> None:
    message = refusal(get_backups, MISSING)
    assert message.startswith(f"DCS refused to list the backups of instance {MISSING}")
    assert "DCS.3022" in message


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"instance_id": ""}, "instance_id: it is not a valid id"),
        ({"instance_id": "../x"}, "instance_id: it is not a valid id"),
        ({"instance_id": 7}, "instance_id: it must be a text"),
        ({"instance_id": HA, "remark": "("}, "remark: it is not a valid pattern"),
        ({"instance_id": HA, "remark": "(?a)(?u)x"}, "remark: it is not a valid pattern"),
        ({"instance_id": HA, "remark": re.compile(b"x")}, "remark: it must be a text"),
        ({"instance_id": HA, "status": "succeeded"}, "status: give one of waiting, backuping, succeed,"),
        ({"instance_id": HA, "backup_type": "automatic"}, "backup_type: give one of manual, auto"),
        ({"instance_id": HA, "since": datetime(2026, 1, 1)}, "since: it must be a datetime with a time zone"),
        ({"instance_id": HA, "until": "2026-01-01"}, "until: it must be a datetime with a time zone"),
        ({"instance_id": HA, "region": "a b"}, "region: it is not a valid region"),
        ({"instance_id": HA, "project_id": "a/b"}, "project_id: it is not a valid id"),
    ],
)
def test_arguments_of_backups_that_can_not_be_used(endpoint: LocalEndpoint, named: dict[str, Any], said: str) -> None:
    assert refusal(get_backups, **named).startswith(said)
    assert not endpoint.requests()


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"name": "a", "name_exact": "b"}, "name: name_exact is given as well"),
        ({"tags": ["a"]}, "tags: it must be a dictionary"),
        ({"tags": {"a": 1}}, "tags: it must be a dictionary"),
        ({"tags": {"": "x"}}, "tags: a tag's key can't be empty"),
        ({"cache_modes": []}, "cache_modes: give one or more of ha, cluster,"),
        ({"cache_modes": ["HA"]}, "cache_modes: give one or more of ha, cluster,"),
        ({"cache_modes": [["ha"]]}, "cache_modes: give one or more of ha, cluster,"),
        ({"status": 1}, "status: it must be a text"),
    ],
)
def test_arguments_of_instances_that_can_not_be_used(endpoint: LocalEndpoint, named: dict[str, Any], said: str) -> None:
    assert refusal(get_instances, **named).startswith(said)
    assert not endpoint.requests()


def test_everybody_asks_once(endpoint: LocalEndpoint) -> None:
    endpoint.plan({"operation": "*", "delay": 0.2, "times": -1})
    endpoint.add_backup(HA)
    with ThreadPoolExecutor(12) as pool:
        waiting: list[Future[Any]] = [
            *(pool.submit(get_instances, "orders") for _ in range(4)),
            *(pool.submit(get_backups, HA, status=status) for status in ("succeed", "failed") * 2),
            *(pool.submit(get_latest_backup, HA) for _ in range(4)),
        ]
        for each in waiting:
            each.result()
    get_instances("orders")[0].tags["mine"] = "yes"
    assert get_instances("orders")[0].tags == {}
    assert (endpoint.count("list_instances"), endpoint.count("list_backups")) == (1, 1)
    get_instances("order")
    get_backups(CLUSTER)
    assert (endpoint.count("list_instances"), endpoint.count("list_backups")) == (2, 2)


def test_without_an_engine_each_call_asks_again(endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for name, value in endpoint.environment.items():
        monkeypatch.setenv(name, value)
    assert get_backups(HA) == []
    backup_id = endpoint.add_backup(HA)
    assert get_latest_backup(HA).backup_id == backup_id


def test_outputs_need_a_program(endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi_dcs.engine.outputs.get_monitor", lambda: None)
    assert "download_backup" in refusal(get_backup_links, f"{HA}/{endpoint.add_backup(HA)}")
    for function in (get_instances_output, get_backups_output, get_latest_backup_output):
        arguments = [] if function is get_instances_output else [HA]
        assert "without _output" in refusal(function, *arguments)
    assert not endpoint.requests()


def test_a_download(endpoint: LocalEndpoint, tmp_path: Path) -> None:
    backup_id = endpoint.add_backup(CLUSTER)
    told: list[str] = []
    paths = download_backup(f"{CLUSTER}/{backup_id}", str(tmp_path), on_progress=told.append)
    assert len(paths) == 2
    assert sum(path.stat().st_size for path in paths) == endpoint.backups()[0]["size"]
    assert "file 2 of 2" in told[-1]


@pytest.mark.parametrize("id", ["", HA, f"{HA}/", f"{HA}/../x", "/x", f"{HA}/x/y"])
def test_a_download_of_what_is_no_id(endpoint: LocalEndpoint, tmp_path: Path, id: str) -> None:
    assert refusal(download_backup, id, tmp_path).startswith("id: it is not the id of a backup")
    assert not endpoint.requests()


@pytest.mark.parametrize(
    ("details", "code"),
    [({"duration": 60.0}, "DCS.4096"), ({"failure": "dcs.08.0002"}, "DCS.4087"), (None, "DCS.4031")],
)
def test_a_backup_without_files(
    endpoint: LocalEndpoint, tmp_path: Path, details: dict[str, Any] | None, code: str
) -> None:
    backup_id = endpoint.add_backup(HA, **details) if details else MISSING
    message = refusal(download_backup, f"{HA}/{backup_id}", tmp_path / "new")
    assert code in message
    assert message.startswith("DCS refused to make links for backup")


@pytest.mark.parametrize(
    ("status", "said"), [("failed", "has failed, and so has no files."), ("expired", f"Instance {HA} has no backup ")]
)
def test_a_preview_of_a_backup_without_files(
    endpoint: LocalEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str, said: str
) -> None:
    monkeypatch.setattr(functions, "is_preview", lambda: True)
    backup_id = endpoint.add_backup(HA)
    endpoint.set_status(backup_id, status)
    assert said in refusal(download_backup, f"{HA}/{backup_id}", tmp_path)


def test_a_download_of_an_output(endpoint: LocalEndpoint, tmp_path: Path) -> None:
    output: Any = object.__new__(pulumi.Output)
    for given in ({"id": output}, {"folder": output}, {"region": output}):
        message = refusal(download_backup, **{"id": f"{HA}/{MISSING}", "folder": tmp_path, **given})
        assert message.startswith(f"{next(iter(given))}: it is an Output; call it in an apply: ")
    assert refusal(download_backup, f"{HA}/{MISSING}", None) == "folder: it must be a path."


@pytest.mark.parametrize("shape", ["cut", "text", "rows", "none", "empty", "created"])
def test_a_response_with_links_that_can_not_be_read_is_not_shown(
    endpoint: LocalEndpoint, tmp_path: Path, shape: str
) -> None:
    link = {"file_name": "a.rdb", "link": "https://storage.example.com/a?signature=PLANTED"}
    body = {
        "cut": json.dumps({"links": [link] * 20}),
        "text": "see https://storage.example.com/a?signature=PLANTED",
        "rows": json.dumps({"links": [link, {"link": "https://storage.example.com/b?signature=PLANTED"}]}),
        "none": json.dumps({"file": link}),
        "empty": json.dumps({"links": [], "error_msg": "https://x?signature=PLANTED"}),
        "created": json.dumps({"links": [link]}),
    }[shape]
    status = 201 if shape == "created" else 200
    endpoint.plan({"operation": "create_links", "status": status, "body": body, "cut": shape == "cut", "times": -1})
    with pytest.raises(pulumi.RunError) as caught:
        download_backup(f"{HA}/{endpoint.add_backup(HA)}", tmp_path)
    assert "PLANTED" not in "".join(traceback.format_exception(caught.value))
    assert str(caught.value).startswith("DCS was asked to make links for backup")


def run_command(endpoint: LocalEndpoint, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pulumi_dcs", *arguments],
        env={**os.environ, **endpoint.environment, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command(endpoint: LocalEndpoint, tmp_path: Path) -> None:
    backup = f"{HA}/{endpoint.add_backup(HA)}"
    folder = tmp_path / "saved"
    done = run_command(endpoint, "download", backup, str(folder))
    assert done.returncode == 0, done.stderr
    (path,) = folder.iterdir()
    assert done.stdout == f"{path}\n"
    assert "all " in done.stderr
    assert "signature" not in done.stdout + done.stderr
    assert run_command(endpoint, "download", backup, str(folder)).stdout == done.stdout


def test_how_the_command_fails(endpoint: LocalEndpoint, tmp_path: Path) -> None:
    missing = run_command(endpoint, "download", f"{HA}/{MISSING}", str(tmp_path))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("DCS refused to make links for backup")
    assert "Traceback" not in missing.stderr
    without_keys = run_command(endpoint, "download", f"{HA}/{MISSING}", str(tmp_path), HUAWEICLOUD_SDK_AK="", HOME="/x")
    assert without_keys.returncode == 1
    assert without_keys.stderr.startswith("No credentials for DCS.")
    assert run_command(endpoint, "download", HA, str(tmp_path)).returncode == 2
    assert run_command(endpoint, "download").returncode == 2
    helped = run_command(endpoint, "download", "--help")
    assert helped.returncode == 0
    assert "Exit codes" in helped.stdout


def test_the_command_where_nobody_reads_on(endpoint: LocalEndpoint, tmp_path: Path) -> None:
    backup = f"{HA}/{endpoint.add_backup(HA)}"
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "pulumi_dcs", "download", backup, str(tmp_path)]
    environment = {**os.environ, **endpoint.environment}
    told = subprocess.run(
        command, env=environment, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    assert (told.returncode, "Traceback" in told.stderr, "Broken pipe" in told.stderr) == (0, False, False)
    (path,) = tmp_path.iterdir()
    path.unlink()
    untold = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=writer, text=True, timeout=60, check=False
    )
    os.close(writer)
    assert untold.stdout == f"{path}\n"


def test_the_command_interrupted_and_run_again(endpoint: LocalEndpoint, tmp_path: Path) -> None:
    backup_id = endpoint.add_backup(HA)
    endpoint.change_backup(backup_id, size=3_000_000)
    endpoint.plan(
        {"operation": "download_file", "break_after": 1_000_000}, {"operation": "download_file", "delay": 60.0}
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pulumi_dcs", "download", f"{HA}/{backup_id}", str(tmp_path)],
        env={**os.environ, **endpoint.environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: endpoint.count("download_file") == 2)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert told.rstrip().endswith("Interrupted. Run it again: it goes on where it ended.")
    assert "Traceback" not in told
    (part,) = tmp_path.iterdir()
    assert (part.suffix, part.stat().st_size) == (".part", 1_000_000)
    endpoint.control("DELETE", "/requests")
    done = run_command(endpoint, "download", f"{HA}/{backup_id}", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert [row["status"] for row in endpoint.requests("download_file")] == [206]
    (path,) = tmp_path.iterdir()
    assert path.stat().st_size == 3_000_000

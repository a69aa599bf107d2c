"""Waiting outlives whatever keeps us from seeing the backup, and ends as soon as it has ended."""

from __future__ import annotations

import threading

import pytest
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.api.errors import BackupFailedError, BackupGoneError, CancelledError, TimedOutError
from pulumi_dcs.operations import wait as waiting
from pulumi_dcs.operations.polling import next_look

from tests.endpoint import HA, LocalEndpoint

from .service import FastClock, Heard, LeapingClock, fast_service_at, service_at, take

LIST = {"operation": "list_backups"}


@pytest.mark.row("8")
@pytest.mark.parametrize(
    "fault",
    [
        {"drop": True},
        {"status": 500},
        {"status": 502, "body": "<html>"},
        {"status": 401, "body": '{"error_code": "APIGW.0301"}'},
        {"status": 429},
        {"status": 200, "body": "nonsense"},
        {"status": 200, "body": "[]"},
        {"status": 200, "body": '{"total_num": "many", "backup_record_response": {}}'},
        {"status": 200, "body": '{"total_num": 1, "backup_record_response": [null, 7, {"status": "succeed"}]}'},
        {"status": 204},
        {"cut": True},
    ],
    ids=str,
)
def test_looking_goes_on_through_failures(endpoint: LocalEndpoint, fault: dict[str, object]) -> None:
    endpoint.behave(duration=0.6)
    service = fast_service_at(endpoint.url)
    heard = Heard(HA, timeout=300.0, clock=FastClock())
    backup_id = take(service, heard, "")
    endpoint.plan({**LIST, **fault, "times": 3})
    record = service.wait(heard.operation, backup_id)
    assert record.backup_id == backup_id
    assert record.status.value == "succeed"


@pytest.mark.parametrize(("named", "pauses"), [("1", ["1 s", "2 s", "4 s"]), ("90", ["90 s", "90 s", "90 s"])])
def test_a_look_that_was_throttled_comes_again_when_the_service_allows_it(
    endpoint: LocalEndpoint, named: str, pauses: list[str]
) -> None:
    clock = LeapingClock()
    heard = Heard(HA, timeout=600.0, clock=clock)
    backup_id = endpoint.add_backup(HA, duration=6000.0)
    endpoint.plan({**LIST, "status": 429, "headers": {"Retry-After": named}, "skip": 15, "times": 3})
    with pytest.raises(TimedOutError):
        service_at(endpoint.url, clock=clock).wait(heard.operation, backup_id)
    again = [message.rpartition("Looking again in ")[2] for message in heard.said if "Looking again" in message]
    assert again == [f"{pause}." for pause in pauses]


@pytest.mark.row("8")
def test_a_record_may_be_missing_for_a_while(endpoint: LocalEndpoint) -> None:
    endpoint.behave(list_lag=2.0)
    service = service_at(endpoint.url)
    heard = Heard(HA)
    backup_id = take(service, heard, "")
    assert service.wait(heard.operation, backup_id).backup_id == backup_id
    assert heard.operation.elapsed >= 2.0


def test_a_backup_that_disappears_is_gone(endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MISSING_PATIENCE", 1.0)
    endpoint.behave(duration=30.0)
    service = service_at(endpoint.url)
    heard = Heard(HA)
    backup_id = take(service, heard, "")
    threading.Timer(0.5, lambda: endpoint.remove_backup(backup_id)).start()
    with pytest.raises(BackupGoneError, match=f"Backup {backup_id} of instance {HA} disappeared"):
        service.wait(heard.operation, backup_id)


@pytest.mark.parametrize("end", ["expired", "deleted"])
def test_a_backup_that_ends_as_gone_is_gone(endpoint: LocalEndpoint, end: str) -> None:
    backup_id = endpoint.add_backup(HA, duration=30.0)
    endpoint.change_backup(backup_id, ended=end)
    with pytest.raises(BackupGoneError, match=f"DCS reports it as {end}"):
        service_at(endpoint.url).wait(Heard(HA).operation, backup_id)


def test_a_failed_backup_names_its_code_and_meaning(endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, duration=0.2, failure="dcs.08.0003")
    with pytest.raises(BackupFailedError) as caught:
        service_at(endpoint.url).wait(Heard(HA).operation, backup_id)
    assert caught.value.error_code == "dcs.08.0003"
    assert "dcs.08.0003: the storage bucket could not be deleted" in str(caught.value)


def test_the_timeout_tells_what_kept_us_from_seeing_it(endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, duration=30.0)
    endpoint.plan({**LIST, "status": 503, "times": -1})
    with pytest.raises(TimedOutError, match="HTTP 503"):
        service_at(endpoint.url).wait(Heard(HA, timeout=1.0).operation, backup_id)


def test_cancelling_ends_the_wait_at_once(endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, duration=600.0)
    clock = SystemClock()
    heard = Heard(HA, timeout=600.0, clock=clock)
    threading.Timer(0.5, clock.cancel).start()
    with pytest.raises(CancelledError):
        service_at(endpoint.url).wait(heard.operation, backup_id)


def test_waiters_of_one_instance_share_their_looks(endpoint: LocalEndpoint) -> None:
    ids = [endpoint.add_backup(HA, duration=2.0) for _ in range(8)]
    service = service_at(endpoint.url)
    threads = [threading.Thread(target=service.wait, args=(Heard(HA).operation, backup_id)) for backup_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert endpoint.count("list_backups") < 3 * looks_within(2.0)


@pytest.mark.parametrize("length", [1.0, 2.0, 20.0, 120.0, 600.0, 3600.0])
def test_a_backup_is_found_finished_within_a_tenth_of_its_length_and_a_second(length: float) -> None:
    age = 0.0
    while age < length:
        age += next_look(age)
    assert age - length <= 0.1 * length + 1.0


def looks_within(length: float) -> int:
    looks, age = 1, 0.0
    while age < length:
        age += next_look(age)
        looks += 1
    return looks

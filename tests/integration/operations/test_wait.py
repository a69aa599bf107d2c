"""Waiting outlives whatever keeps us from seeing the backup, and ends as soon as it has ended."""

from __future__ import annotations

import threading

import pytest
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.operations import wait
from pulumi_dcs.operations.errors import (
    CancelledError,
    CredentialsRefusedError,
    RecordFailedError,
    RecordGoneError,
    TimedOutError,
)
from pulumi_dcs.operations.polling import next_poll_delay

from tests.clocks import FastClock, LeapingClock
from tests.endpoint import HA, LocalEndpoint
from tests.integration.service import Reported, create, fast_service_at, service_at

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
def test_polling_goes_on_through_failures(endpoint: LocalEndpoint, fault: dict[str, object]) -> None:
    endpoint.behave(duration=0.6)
    service = fast_service_at(endpoint.url)
    reported = Reported(timeout=300.0, clock=FastClock())
    backup_id = create(service, reported, "")
    endpoint.plan({**LIST, **fault, "times": 3})
    record = service.wait(reported.operation, HA, backup_id)
    assert record.backup_id == backup_id
    assert record.status.value == "succeed"


@pytest.mark.parametrize(("named", "pauses"), [("1", ["1 s", "2 s", "4 s"]), ("90", ["90 s", "90 s", "90 s"])])
def test_a_poll_that_was_throttled_comes_again_when_the_service_allows_it(
    endpoint: LocalEndpoint, named: str, pauses: list[str]
) -> None:
    clock = LeapingClock()
    reported = Reported(timeout=600.0, clock=clock)
    backup_id = endpoint.add_backup(HA, duration=6000.0)
    endpoint.plan({**LIST, "status": 429, "headers": {"Retry-After": named}, "skip": 15, "times": 3})
    with pytest.raises(TimedOutError):
        service_at(endpoint.url, clock=clock).wait(reported.operation, HA, backup_id)
    again = [message.rpartition("polling again in ")[2] for message in reported.progress if "polling again" in message]
    assert again == [f"{pause}." for pause in pauses]


@pytest.mark.row("8")
def test_a_record_may_be_missing_for_a_while(endpoint: LocalEndpoint) -> None:
    endpoint.behave(list_lag=2.0)
    service = service_at(endpoint.url)
    reported = Reported()
    backup_id = create(service, reported, "")
    assert service.wait(reported.operation, HA, backup_id).backup_id == backup_id
    assert reported.operation.elapsed >= 2.0


def test_a_backup_that_disappears_is_gone(endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "MISSING_TIMEOUT", 1.0)
    endpoint.behave(duration=30.0)
    service = service_at(endpoint.url)
    reported = Reported()
    backup_id = create(service, reported, "")
    threading.Timer(0.5, lambda: endpoint.remove_backup(backup_id)).start()
    with pytest.raises(RecordGoneError, match=f"Backup {backup_id} of instance {HA} disappeared"):
        service.wait(reported.operation, HA, backup_id)


@pytest.mark.parametrize("end", ["expired", "deleted"])
def test_a_backup_that_ends_as_gone_is_gone(endpoint: LocalEndpoint, end: str) -> None:
    backup_id = endpoint.add_backup(HA, duration=30.0)
    endpoint.change_backup(backup_id, ended=end)
    with pytest.raises(RecordGoneError, match=f"DCS reports it as {end}"):
        service_at(endpoint.url).wait(Reported().operation, HA, backup_id)


def test_a_failed_backup_names_its_code_and_meaning(endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, duration=0.2, failure="dcs.08.0003")
    with pytest.raises(RecordFailedError) as caught:
        service_at(endpoint.url).wait(Reported().operation, HA, backup_id)
    assert caught.value.error_code == "dcs.08.0003"
    assert "dcs.08.0003: the storage bucket could not be deleted" in str(caught.value)


def test_the_timeout_tells_what_kept_us_from_seeing_it(endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, duration=30.0)
    endpoint.plan({**LIST, "status": 503, "times": -1})
    with pytest.raises(TimedOutError, match="HTTP 503"):
        service_at(endpoint.url).wait(Reported(timeout=1.0).operation, HA, backup_id)


def test_cancelling_ends_the_wait_at_once(endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, duration=600.0)
    clock = SystemClock()
    reported = Reported(timeout=600.0, clock=clock)
    threading.Timer(0.5, clock.cancel).start()
    with pytest.raises(CancelledError):
        service_at(endpoint.url).wait(reported.operation, HA, backup_id)


def test_waiters_of_one_instance_share_their_polls(endpoint: LocalEndpoint) -> None:
    ids = [endpoint.add_backup(HA, duration=2.0) for _ in range(8)]
    service = service_at(endpoint.url)
    threads = [threading.Thread(target=service.wait, args=(Reported().operation, HA, backup_id)) for backup_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert endpoint.count("list_backups") < 3 * polls_within(2.0)


@pytest.mark.parametrize("length", [1.0, 2.0, 20.0, 120.0, 600.0, 3600.0])
def test_a_backup_is_found_finished_within_a_tenth_of_its_length_and_a_second(length: float) -> None:
    age = 0.0
    while age < length:
        age += next_poll_delay(age)
    assert age - length <= 0.1 * length + 1.0


def polls_within(length: float) -> int:
    polls, age = 1, 0.0
    while age < length:
        age += next_poll_delay(age)
        polls += 1
    return polls


@pytest.mark.row("E23")
@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_stay_refused_end_the_wait(endpoint: LocalEndpoint, status: int) -> None:
    backup_id = endpoint.add_backup(HA, duration=600.0)
    endpoint.plan({**LIST, "skip": 1, "status": status, "times": -1})
    reported = Reported(timeout=1800.0, clock=LeapingClock())
    with pytest.raises(CredentialsRefusedError, match=f"Backup {backup_id}|backup {backup_id}"):
        service_at(endpoint.url, clock=LeapingClock()).wait(reported.operation, HA, backup_id)
    assert endpoint.count("list_backups") == 6


def test_a_refusal_now_and_then_does_not(endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, duration=3.0)
    for skip in (1, 4, 7):
        endpoint.plan({**LIST, "skip": skip, "status": 401, "times": 3})
    record = fast_service_at(endpoint.url).wait(Reported(timeout=600.0, clock=FastClock()).operation, HA, backup_id)
    assert record.has_succeeded


@pytest.mark.row("E16")
def test_a_backup_that_was_never_listed_is_gone_after_a_while(endpoint: LocalEndpoint) -> None:
    reported = Reported(timeout=1800.0, clock=LeapingClock())
    with pytest.raises(RecordGoneError, match="it is not in the instance's list"):
        service_at(endpoint.url, clock=LeapingClock()).wait(reported.operation, HA, "no-such")
    assert wait.UNLISTED_TIMEOUT <= reported.operation.elapsed < 2 * wait.UNLISTED_TIMEOUT


@pytest.mark.row("E16")
def test_so_it_is_at_once_with_its_instance(endpoint: LocalEndpoint) -> None:
    with pytest.raises(RecordGoneError, match="the instance no longer exists"):
        service_at(endpoint.url).wait(Reported().operation, "11111111-1111-4111-8111-999999999999", "no-such")
    assert endpoint.count("list_backups") == 1


@pytest.mark.row("E9")
def test_a_list_that_contradicts_itself_is_no_proof_that_it_is_gone(endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, duration=600.0)
    endpoint.behave(list_missing_rows=-1)
    reported = Reported(timeout=600.0, clock=LeapingClock())
    with pytest.raises(TimedOutError):
        service_at(endpoint.url, clock=LeapingClock()).wait(reported.operation, HA, backup_id)


@pytest.mark.row("E16")
def test_an_undocumented_status_is_final_at_100_percent_and_said(endpoint: LocalEndpoint) -> None:
    endpoint.behave(backup_status="archived", backup_progress="100.00", duration=0.0, failure="dcs.08.0002")
    backup_id = create(service_at(endpoint.url), Reported())
    with pytest.raises(RecordFailedError, match="status archived") as caught:
        service_at(endpoint.url).wait(Reported().operation, HA, backup_id)
    assert not caught.value.is_documented

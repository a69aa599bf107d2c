"""Exactly one backup, whatever happens to the POST and its answer."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pulumi_dcs.api.backup_format import BackupFormat
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.api.errors import AuthenticationError, ServiceError
from pulumi_dcs.operations.errors import CancelledError, CreateFailedError, TimedOutError, UncertainOwnershipError

from tests.clocks import FastClock
from tests.endpoint import HA, LocalEndpoint, port_that_refuses
from tests.integration.service import Reported, create, fast_service_at, service_at

POST = {"operation": "create_backup"}

LOST: dict[str, dict[str, Any]] = {
    "dropped": {"drop": True},
    "500": {"status": 500, "body": '{"error_code": "DCS.5010", "error_msg": "Failed to operate"}'},
    "502 html": {"status": 502, "body": "<html>Bad gateway</html>"},
    "503 empty": {"status": 503},
    "504": {"status": 504, "body": "upstream timed out"},
    "200 without backup_id": {"status": 200, "body": "{}"},
    "200 with nonsense": {"status": 200, "body": '{"backup_id": 7}'},
    "200 html": {"status": 200, "body": "<html>Welcome</html>"},
    "body cut off": {"cut": True},
}


@pytest.mark.row("2", "3")
@pytest.mark.parametrize("fault", LOST)
def test_a_backup_whose_answer_was_lost_is_taken_over(endpoint: LocalEndpoint, fault: str) -> None:
    endpoint.plan({**POST, **LOST[fault], "carried_out": True})
    reported = Reported()
    backup_id = create(service_at(endpoint.url), reported, "one")
    assert [row["backup_id"] for row in endpoint.backups()] == [backup_id]
    assert endpoint.count("create_backup") == 1
    assert any("looking whether the backup was started" in message for message in reported.progress)


@pytest.mark.row("2", "3")
@pytest.mark.parametrize("fault", [name for name in LOST if name != "body cut off"])
def test_a_post_that_was_not_carried_out_is_sent_again(endpoint: LocalEndpoint, fault: str) -> None:
    endpoint.plan({**POST, **LOST[fault]})
    backup_id = create(fast_service_at(endpoint.url), Reported(clock=FastClock()), "one")
    assert [row["backup_id"] for row in endpoint.backups()] == [backup_id]
    assert endpoint.count("create_backup") == 2


@pytest.mark.row("2")
def test_a_refused_list_does_not_leave_it_undecided(endpoint: LocalEndpoint) -> None:
    endpoint.plan({**POST, "drop": True, "carried_out": True})
    endpoint.plan({"operation": "list_backups", "skip": 1, "status": 403, "times": 2})
    backup_id = create(fast_service_at(endpoint.url), Reported(clock=FastClock()), "one")
    assert endpoint.backup_ids() == {backup_id}
    assert endpoint.count("create_backup") == 1


def test_a_record_that_comes_late_is_found_all_the_same(endpoint: LocalEndpoint) -> None:
    endpoint.behave(list_lag=1.0, duration=5.0)
    endpoint.plan({**POST, "drop": True, "carried_out": True})
    backup_id = create(service_at(endpoint.url), Reported(), "one")
    assert [row["backup_id"] for row in endpoint.backups()] == [backup_id]
    assert endpoint.count("create_backup") == 1


def test_a_record_that_comes_after_the_second_post_was_refused(endpoint: LocalEndpoint) -> None:
    endpoint.behave(list_lag=2.5, duration=4.0)
    endpoint.plan({**POST, "drop": True, "carried_out": True})
    backup_id = create(fast_service_at(endpoint.url), Reported(timeout=300.0, clock=FastClock()), "one")
    assert [row["backup_id"] for row in endpoint.backups()] == [backup_id]
    assert {row["status"] for row in endpoint.requests("create_backup")[1:]} == {400}


@pytest.mark.parametrize(
    "theirs",
    [
        {"remark": "two"},
        {"backup_format": "aof"},
        {"backup_type": "auto"},
    ],
    ids=str,
)
def test_another_backup_that_appeared_since_is_not_taken_over(endpoint: LocalEndpoint, theirs: dict[str, Any]) -> None:
    service = fast_service_at(endpoint.url)
    begun = threading.Event()
    endpoint.plan({**POST, "drop": True, "delay": 0.5})

    def interfere() -> None:
        begun.wait()
        endpoint.add_backup(HA, **{"remark": "one", **theirs})

    thread = threading.Thread(target=interfere)
    thread.start()
    # The fault waits before it drops the connection: theirs is made while our POST is under way.
    begun.set()
    backup_id = create(service, Reported(clock=FastClock()), "one", BackupFormat.RDB)
    thread.join()
    assert len(endpoint.backups()) == 2
    (mine,) = (row for row in endpoint.backups() if row["backup_id"] == backup_id)
    assert (mine["remark"], mine["backup_format"], mine["backup_type"]) == ("one", "rdb", "manual")
    assert endpoint.count("create_backup") == 2


def test_an_older_backup_with_the_same_remark_is_not_taken_over(endpoint: LocalEndpoint) -> None:
    old = endpoint.add_backup(HA, remark="one")
    endpoint.plan({**POST, "drop": True})
    backup_id = create(fast_service_at(endpoint.url), Reported(clock=FastClock()), "one")
    assert backup_id != old
    assert len(endpoint.backups()) == 2


def test_of_two_that_fit_none_is_taken_over_and_no_third_is_made(endpoint: LocalEndpoint) -> None:
    endpoint.plan({**POST, "drop": True, "carried_out": True, "delay": 0.5})
    service = fast_service_at(endpoint.url)
    timer = threading.Timer(0.2, lambda: endpoint.add_backup(HA, remark="one"))
    timer.start()
    with pytest.raises(UncertainOwnershipError) as caught:
        create(service, Reported(timeout=300.0, clock=FastClock()), "one")
    timer.join()
    assert len(endpoint.backups()) == 2
    assert all(backup_id in str(caught.value) for backup_id in endpoint.backup_ids())


@pytest.mark.row("18")
def test_two_creates_of_one_process_never_take_the_same(endpoint: LocalEndpoint) -> None:
    endpoint.plan({**POST, "drop": True, "carried_out": True, "times": 2})
    service = service_at(endpoint.url)
    taken: list[str] = []
    threads = [threading.Thread(target=lambda: taken.append(create(service, Reported(), "same"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == 2
    assert set(taken) == endpoint.backup_ids()


@pytest.mark.row("6")
def test_a_refusal_ends_it_at_once(endpoint: LocalEndpoint) -> None:
    endpoint.plan({**POST, "status": 400, "body": '{"error_code": "DCS.4001", "error_msg": "No."}'})
    with pytest.raises(CreateFailedError) as caught:
        create(service_at(endpoint.url), Reported())
    assert isinstance(caught.value.__cause__, ServiceError)
    assert caught.value.__cause__.error_code == "DCS.4001"
    assert caught.value.is_outcome_known
    assert "no backup was started" in str(caught.value)
    assert endpoint.count("create_backup") == 1


@pytest.mark.row("7")
@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_end_it_at_once(endpoint: LocalEndpoint, status: int) -> None:
    endpoint.plan({**POST, "status": status, "body": '{"error_code": "APIGW.0301", "error_msg": "No."}'})
    with pytest.raises(CreateFailedError) as caught:
        create(service_at(endpoint.url), Reported())
    assert isinstance(caught.value.__cause__, AuthenticationError)
    assert endpoint.count("create_backup") == 1


def test_a_wrong_clock_is_named(endpoint: LocalEndpoint) -> None:
    endpoint.behave(clock_offset=3600.0)
    with pytest.raises(CreateFailedError, match="this machine's clock is 1 h behind the service's"):
        create(service_at(endpoint.url), Reported())


def test_answers_that_stay_lost_end_in_an_error_that_says_so(endpoint: LocalEndpoint) -> None:
    endpoint.plan({**POST, "status": 500, "times": -1})
    with pytest.raises(CreateFailedError, match="whether a backup was started is not known"):
        create(fast_service_at(endpoint.url), Reported(timeout=600.0, clock=FastClock()))
    assert not endpoint.backups()


@pytest.mark.row("1")
def test_nobody_listens() -> None:
    reported = Reported(timeout=5.0)
    with port_that_refuses() as port, pytest.raises(CreateFailedError) as caught:
        create(service_at(f"http://127.0.0.1:{port}"), reported, "")
    assert "No connection to DCS" in str(caught.value)
    assert "Connection refused" in str(caught.value)
    assert "no backup was started" in str(caught.value)
    assert len(reported.progress) > 2


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_list_that_contradicts_itself_decides_nothing(endpoint: LocalEndpoint, times: int) -> None:
    endpoint.add_backup(HA, remark="before")
    endpoint.plan({**POST, "drop": True, "carried_out": True})
    endpoint.plan(
        {
            "operation": "list_backups",
            "skip": 1,
            "times": 3 * times,
            "status": 200,
            "body": '{"total_num": 2, "backup_record_response": []}',
        }
    )
    backup_id = create(fast_service_at(endpoint.url), Reported(timeout=300.0, clock=FastClock()), "one")
    assert len(endpoint.backups()) == 2
    assert backup_id in endpoint.backup_ids()
    assert endpoint.count("create_backup") == 1


def test_throttling_is_waited_for(endpoint: LocalEndpoint) -> None:
    for headers in ({"Retry-After": "1"}, {}):
        endpoint.plan({**POST, "status": 429, "headers": headers, "body": '{"error_code": "APIGW.0308"}'})
    reported = Reported()
    create(service_at(endpoint.url), reported, "")
    assert reported.operation.elapsed >= 2.0
    assert len(endpoint.backups()) == 1


def test_throttling_for_ever_ends_with_the_timeout(endpoint: LocalEndpoint) -> None:
    endpoint.plan({**POST, "status": 429, "headers": {"Retry-After": "3600"}})
    with pytest.raises(TimedOutError, match="HTTP 429"):
        create(service_at(endpoint.url), Reported(timeout=1.0))


def test_a_cancelled_wait_for_a_busy_instance_makes_nothing(endpoint: LocalEndpoint) -> None:
    endpoint.add_backup(HA, duration=60.0)
    clock = SystemClock()
    threading.Timer(0.5, clock.cancel).start()
    with pytest.raises(CancelledError, match="no backup was started"):
        create(service_at(endpoint.url), Reported(clock=clock))
    assert len(endpoint.backups()) == 1


def test_what_a_lost_post_made_is_found_even_when_cancelled(endpoint: LocalEndpoint) -> None:
    clock = SystemClock()
    endpoint.plan({**POST, "drop": True, "carried_out": True, "delay": 0.6})
    threading.Timer(0.3, clock.cancel).start()
    backup_id = create(service_at(endpoint.url), Reported(clock=clock))
    assert endpoint.backup_ids() == {backup_id}

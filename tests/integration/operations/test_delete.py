"""A deleted backup is gone in the end, and nothing else is ever taken for gone."""

from __future__ import annotations

import pytest
from pulumi_dcs.api.errors import NotFoundError
from pulumi_dcs.operations.errors import DeleteFailedError, TimedOutError

from tests.endpoint import HA, LocalEndpoint
from tests.integration.service import Reported, service_at

DELETE = {"operation": "delete_backup"}


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize(
    "fault", [{"drop": True}, {"status": 500}, {"status": 503, "body": "<html>"}, {"status": 429}], ids=str
)
def test_a_lost_answer_is_asked_for_again(
    endpoint: LocalEndpoint, fault: dict[str, object], *, carried_out: bool
) -> None:
    backup_id = endpoint.add_backup(HA)
    endpoint.plan({**DELETE, **fault, "carried_out": carried_out})
    service_at(endpoint.url).delete(Reported().operation, HA, backup_id)
    assert not endpoint.backups()


def test_what_is_gone_already_is_confirmed_by_the_list(endpoint: LocalEndpoint) -> None:
    service_at(endpoint.url).delete(Reported().operation, HA, "no-such")
    assert [row["operation"] for row in endpoint.requests()] == ["delete_backup", "list_backups"]


def test_so_is_a_backup_of_an_instance_that_is_gone(endpoint: LocalEndpoint) -> None:
    service_at(endpoint.url).delete(Reported().operation, HA, "no-such")


@pytest.mark.parametrize("answer", [(404, "{}"), (400, '{"error_code": "DCS.4031"}')], ids=str)
def test_a_wrong_gone_is_not_believed(endpoint: LocalEndpoint, answer: tuple[int, str]) -> None:
    backup_id = endpoint.add_backup(HA)
    endpoint.plan({**DELETE, "status": answer[0], "body": answer[1], "times": -1})
    with pytest.raises(DeleteFailedError, match="is still in the instance's list"):
        service_at(endpoint.url).delete(Reported().operation, HA, backup_id)
    assert endpoint.backup_ids() == {backup_id}


@pytest.mark.parametrize(
    "body", ["<html>not here</html>", "", '{"error_code": "APIGW.0101", "error_msg": "no such API"}']
)
def test_a_404_that_is_not_from_dcs_proves_nothing(endpoint: LocalEndpoint, body: str) -> None:
    backup_id = endpoint.add_backup(HA)
    endpoint.plan({"status": 404, "body": body, "times": -1})
    with pytest.raises(NotFoundError):
        service_at(endpoint.url).find(Reported().operation, HA, backup_id)
    with pytest.raises(DeleteFailedError):
        service_at(endpoint.url).delete(Reported().operation, HA, backup_id)


def test_a_running_backup_is_waited_for(endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, duration=1.5)
    reported = Reported()
    service_at(endpoint.url).delete(reported.operation, HA, backup_id)
    assert not endpoint.backups()
    assert any("being backed up (DCS.4096); waiting" in message for message in reported.progress)


def test_a_running_backup_that_is_refused_with_another_code_is_waited_for_too(endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, duration=1.5)
    endpoint.plan({**DELETE, "status": 400, "body": '{"error_code": "DCS.4999"}'})
    service_at(endpoint.url).delete(Reported().operation, HA, backup_id)
    assert not endpoint.backups()


def test_busy_until_the_timeout_is_said(endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA, duration=60.0)
    with pytest.raises(TimedOutError, match="The timeout of 1 s passed") as caught:
        service_at(endpoint.url).delete(Reported(timeout=1.0).operation, HA, backup_id)
    assert "DCS.4096" in str(caught.value)


def test_a_refusal_ends_it_at_once(endpoint: LocalEndpoint) -> None:
    backup_id = endpoint.add_backup(HA)
    endpoint.plan({**DELETE, "status": 403, "body": '{"error_code": "DCS.0005"}'})
    with pytest.raises(DeleteFailedError, match=r"DCS\.0005"):
        service_at(endpoint.url).delete(Reported().operation, HA, backup_id)
    assert endpoint.count("delete_backup") == 1

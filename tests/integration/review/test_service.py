"""What the service is asked for a report: two requests for each instance, with a key that may only read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest
from pulumi_dcs.review.changes import Location
from pulumi_dcs.review.service import Known, ask

from tests.endpoint import CLUSTER, HA, MISSING, PROJECT_ID, REGION, SINGLE, LocalEndpoint, port_that_refuses


def at(instance_id: str) -> Location:
    return Location(instance_id, REGION, PROJECT_ID)


def asked(endpoint: LocalEndpoint, *instance_ids: str, backups: bool = True, **environment: str) -> Known:
    everything = {"HOME": os.environ["HOME"], **endpoint.environment, **environment}
    return ask([at(each) for each in instance_ids], {}, everything, backups=backups)


def requests_by_operation(endpoint: LocalEndpoint) -> Counter[str]:
    return Counter(row["operation"] for row in endpoint.requests())


def test_two_requests_for_each_instance_however_often_it_is_named(endpoint: LocalEndpoint) -> None:
    endpoint.add_backup(HA, remark="nightly")
    known = asked(endpoint, HA, CLUSTER, HA, "", SINGLE)
    assert requests_by_operation(endpoint) == {"show_instance": 3, "list_backups": 3}
    assert known.troubles == ()
    found = known.of(at(HA))
    assert found.instance is not None
    assert found.instance.name == "orders"
    assert found.backups is not None
    assert len(found.backups.records) == 1
    assert known.of(at(MISSING)).instance is None


def test_a_record_needs_no_lists(endpoint: LocalEndpoint) -> None:
    assert asked(endpoint, HA, backups=False).of(at(HA)).instance is not None
    assert requests_by_operation(endpoint) == {"show_instance": 1}


def test_an_instance_that_is_not_there_leaves_the_others_alone(endpoint: LocalEndpoint) -> None:
    known = asked(endpoint, MISSING, HA)
    assert known.of(at(MISSING)).instance is None
    assert MISSING in known.of(at(MISSING)).trouble
    assert known.of(at(HA)).instance is not None
    assert known.troubles == ()


def test_a_wrong_key_is_said_once_and_nothing_more_is_asked(endpoint: LocalEndpoint) -> None:
    known = asked(endpoint, HA, CLUSTER, SINGLE, HUAWEICLOUD_SDK_SK="wrong-secret-key")
    assert requests_by_operation(endpoint).total() == 2
    assert len(known.troubles) == 2
    assert all("401" in trouble or "403" in trouble for trouble in known.troubles)
    assert "wrong-secret-key" not in str(known)


def test_without_credentials_nothing_is_asked(endpoint: LocalEndpoint, tmp_path: object) -> None:
    known = asked(endpoint, HA, HUAWEICLOUD_SDK_AK="", HUAWEICLOUD_SDK_SK="", HOME=str(tmp_path))
    (trouble,) = known.troubles
    assert trouble.startswith("No credentials for DCS.")
    assert not endpoint.requests()


def test_a_service_out_of_reach_is_said_once(endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi_dcs.review.service._TIMEOUT", 0.5)
    with port_that_refuses() as port:
        known = asked(endpoint, HA, CLUSTER, DCS_ENDPOINT=f"http://127.0.0.1:{port}")
    assert known.of(at(HA)).instance is None
    assert known.of(at(CLUSTER)).backups is None
    assert 1 <= len(known.troubles) <= 2


def test_a_list_that_contradicts_itself_is_doubted(endpoint: LocalEndpoint) -> None:
    endpoint.add_backup(HA)
    endpoint.contradict(HA, times=10)
    found = asked(endpoint, HA).of(at(HA))
    assert found.backups is not None
    assert not found.backups.is_complete
    assert "contradicts its own total" in found.trouble


def test_a_region_that_refuses_keeps_no_other_from_being_asked(endpoint: LocalEndpoint) -> None:
    endpoint.plan({"operation": "show_instance", "status": 403})
    elsewhere = Location(CLUSTER, "cn-south-1", PROJECT_ID)
    everything = {"HOME": os.environ["HOME"], **endpoint.environment}
    known = ask([elsewhere, at(HA)], {}, everything, backups=False)
    assert len(known.troubles) == 1
    assert sum(known.of(each).instance is not None for each in (elsewhere, at(HA))) == 1
    assert requests_by_operation(endpoint) == {"show_instance": 2}


def test_a_slow_service_does_not_hold_the_report_up(endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known by then is told, and of which instances it is not everything."""
    instances = [endpoint.add_instance(name=f"redis-{number}") for number in range(30)]
    endpoint.plan({"operation": "*", "delay": 0.3, "times": -1})
    monkeypatch.setattr("pulumi_dcs.review.service._BUDGET", 1.0)
    known = asked(endpoint, *instances)
    found = [known.of(at(each)) for each in instances]
    assert 1 <= sum(each.backups is not None for each in found) < sum(each.instance is not None for each in found) < 30
    (trouble,) = known.troubles
    assert trouble.startswith(
        "DCS responds too slowly: after 1 s it was not asked any further. Not everything is known"
    )
    assert all((each in trouble) is (known.of(at(each)).backups is None) for each in instances[:4])


def test_a_list_that_never_ends_does_not_hold_the_report_up(
    endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.plan({"operation": "list_backups", "delay": 60.0, "times": -1})
    monkeypatch.setattr("pulumi_dcs.review.service._BUDGET", 0.5)
    known = asked(endpoint, HA)
    assert known.of(at(HA)).instance is not None
    assert known.of(at(HA)).backups is None
    assert HA in known.troubles[0]


def test_the_process_ends_while_the_service_still_hangs(endpoint: LocalEndpoint) -> None:
    endpoint.plan({"operation": "show_instance", "delay": 25.0, "times": -1})
    program = (
        "from pulumi_dcs.review import service\n"
        "from pulumi_dcs.review.changes import Location\n"
        "import os\n"
        "service._BUDGET = 0.5\n"
        f"print(service.ask([Location({HA!r})], {{}}, os.environ, backups=True).troubles)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **endpoint.environment},
        capture_output=True,
        text=True,
        timeout=15,
        check=True,
    )
    assert HA in done.stdout
    assert not done.stderr

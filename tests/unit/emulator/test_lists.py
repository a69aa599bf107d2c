"""Lists of backups: complete and true by default; contradictory, late or without a total where that is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.endpoint import HA

from .local import INSTANCES, Local


def three(local: Local) -> list[str]:
    """Three backups; newest first."""
    ids: list[str] = []
    for _ in range(3):
        ids.insert(0, local.control("POST", "/backups", {"instance_id": HA})["backup_id"])
    return ids


def listed(local: Local, **query: Any) -> tuple[Any, list[str]]:
    body = local.backups(**query).json()
    return body.get("total_num"), [row["backup_id"] for row in body.get("backup_record_response") or []]


def test_pages(local: Local) -> None:
    assert local.backups().status == 204
    ids = three(local)
    assert listed(local) == (3, ids)
    assert listed(local, limit=2) == (3, ids[:2])
    assert listed(local, limit=2, offset=2) == (3, ids[2:])
    assert listed(local, offset=3) == (3, [])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": 0}, "DCS.4005"),
        ({"limit": 1001}, "DCS.4005"),
        ({"offset": -1}, "DCS.4800"),
        ({"begin_time": "yesterday"}, "DCS.4005"),
        ({"begin_time": "20190510083117"}, "DCS.4031"),
    ],
)
def test_what_a_list_refuses(local: Local, query: dict[str, Any], code: str) -> None:
    assert local.backups(**query).error == (400, code)


def test_a_begin_time_that_is_not_in_the_future(local: Local) -> None:
    three(local)
    assert listed(local, begin_time="20190510083116")[0] == 3
    assert local.backups(end_time="20190510083116").status == 204


def test_rows_are_missing(local: Local) -> None:
    ids = three(local)
    local.behave(list_missing_rows=1)
    assert listed(local) == (3, ids[:2])
    local.behave(list_missing_rows=-1)
    assert listed(local) == (3, [])


def test_rows_are_missing_in_some_pages(local: Local) -> None:
    ids = three(local)
    local.behave(list_missing_rows=-1, list_missing_pages=[2])
    assert listed(local, limit=2) == (3, ids[:2])
    assert listed(local, limit=2, offset=2) == (3, [])


def test_how_no_rows_are_written(local: Local) -> None:
    three(local)
    local.behave(list_missing_rows=-1, list_rows_when_none="null")
    assert local.backups().json() == {"total_num": 3, "backup_record_response": None}
    local.behave(list_rows_when_none="absent")
    assert local.backups().json() == {"total_num": 3}


def test_the_total(local: Local) -> None:
    ids = three(local)
    local.behave(list_total="null")
    assert local.backups().json()["total_num"] is None
    local.behave(list_total="absent")
    assert "total_num" not in local.backups().json()
    local.behave(list_total="right", list_total_excess=2)
    assert listed(local) == (5, ids)
    local.behave(list_total_excess=-2)
    assert listed(local) == (1, ids)


def test_no_backups_and_yet_a_total(local: Local) -> None:
    local.behave(list_total_excess=3)
    assert local.backups().json() == {"total_num": 3, "backup_record_response": []}
    local.behave(list_total_excess=0, empty_list_status=200)
    assert local.backups().json() == {"total_num": 0, "backup_record_response": []}


def test_one_list_of_one_instance_contradicts_itself(local: Local) -> None:
    ids = three(local)
    fault = {"operation": "list_backups", "instance_id": HA, "missing_rows": -1, "skip": 1}
    local.control("POST", "/faults", [fault, {"operation": "list_backups", "no_total": True, "skip": 2}])
    assert listed(local) == (3, ids)
    assert listed(local) == (3, [])
    assert listed(local) == (3, ids)
    assert listed(local) == (None, ids)
    assert listed(local) == (3, ids)


def test_new_backups_show_late(local: Local) -> None:
    local.behave(list_lag=2.0)
    backup_id = local.back_up()
    assert local.ids() == []
    local.now += 2.0
    assert local.ids() == [backup_id]


def test_deleted_backups_show_for_a_while(local: Local) -> None:
    ids = three(local)
    local.behave(delete_lag=5.0)
    path = f"{INSTANCES}/{HA}/backups/{ids[1]}"
    assert local.call("DELETE", path).status == 204
    assert local.ids() == ids
    assert local.call("DELETE", path).error == (400, "DCS.4031")
    local.behave(deleted_status="deleted")
    assert [row["status"] for row in local.backups().json()["backup_record_response"]] == [
        "succeed",
        "deleted",
        "succeed",
    ]
    assert {row["backup_id"] for row in local.control("GET", "/backups")} == {ids[0], ids[2]}
    local.now += 5.0
    assert local.ids() == [ids[0], ids[2]]


def test_a_deleted_backup_that_still_shows_is_none_of_the_24(local: Local) -> None:
    local.behave(delete_lag=50.0)
    first = local.control("POST", "/backups", {"instance_id": HA})["backup_id"]
    second = local.control("POST", "/backups", {"instance_id": HA})["backup_id"]
    local.call("DELETE", f"{INSTANCES}/{HA}/backups/{second}")
    for _ in range(23):
        local.control("POST", "/backups", {"instance_id": HA})
    assert first in {row["backup_id"] for row in local.control("GET", "/backups")}
    local.control("POST", "/backups", {"instance_id": HA})
    assert first not in {row["backup_id"] for row in local.control("GET", "/backups")}
    total, ids = listed(local, limit=100)
    assert (total, second in ids) == (25, True)


def test_no_date_header(local: Local) -> None:
    assert local.backups().headers["date"] == "Fri, 10 May 2019 08:31:16 GMT"
    local.behave(send_date=False)
    assert "date" not in local.backups().headers


def test_a_behaviour_that_does_not_exist_is_refused(local: Local) -> None:
    for changes in ({"list_lagg": 1}, {"error_shape": "round"}):
        assert local.try_control("PATCH", "/behaviour", changes).status == 422

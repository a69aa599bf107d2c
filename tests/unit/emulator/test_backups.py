"""A backup's record: as the documentation's samples have it, and as nobody documents it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.endpoint import CLUSTER, HA, MISSING, REDIS_3, SINGLE

from .local import INSTANCES, Local


def record(local: Local, **query: Any) -> Any:
    return local.backups(**query).json()["backup_record_response"][0]


def test_a_backup_from_its_start_to_its_end(local: Local) -> None:
    backup_id = local.back_up(remark="one")
    waiting = record(local)
    assert (waiting["backup_id"], waiting["status"], waiting["progress"]) == (backup_id, "waiting", "0.00")
    assert waiting["execution_at"] is None
    local.now += 30.0
    running = record(local)
    assert (running["status"], running["progress"], running["size"]) == ("backuping", "50.00", 0)
    assert running["execution_at"] == "2019-05-10T08:31:16.666Z"
    local.now += 30.0
    done = record(local)
    assert (done["status"], done["progress"], done["is_support_restore"]) == ("succeed", "100.00", "TRUE")
    assert done["updated_at"] == "2019-05-10T08:32:16.166Z"


def test_the_name_carries_the_regions_local_time(local: Local) -> None:
    local.back_up()
    assert record(local)["created_at"] == "2019-05-10T08:31:16.166Z"
    assert record(local)["backup_name"] == "backup_20190510163116"
    local.behave(utc_offset=-4.0)
    assert record(local)["backup_name"] == "backup_20190510043116"


def test_empty_values(local: Local) -> None:
    local.back_up()
    assert (record(local)["period"], record(local)["error_code"]) == ({}, {})
    local.behave(empty_as_null=True)
    assert (record(local)["period"], record(local)["error_code"]) == (None, None)


@pytest.mark.parametrize(
    ("behaviour", "sent", "kept"),
    [
        ({}, "  a \t b  ", "  a \t b  "),
        ({"remark_trim": True}, "  a \t b  ", "a \t b"),
        ({"remark_collapse": True}, "  a \t b  ", " a b "),
        ({"remark_trim": True, "remark_collapse": True}, "  a \n b  ", "a b"),
        ({"remark_trim": True}, "   ", ""),
        ({"remark_nfc": True}, "e\u0301", "\u00e9"),
        ({}, "e\u0301", "e\u0301"),
        ({"remark_max_bytes": 5}, "发布发布", "发"),
        ({"remark_max_bytes": 6}, "发布发布", "发布"),
        ({"remark_max_bytes": 5}, "abcdefg", "abcde"),
        ({"remark_trim": True}, None, None),
    ],
)
def test_what_becomes_of_a_remark(
    local: Local, behaviour: dict[str, object], sent: str | None, kept: str | None
) -> None:
    local.behave(**behaviour)
    local.back_up(remark=sent)
    assert record(local)["remark"] == kept


def test_how_long_a_remark_may_be(local: Local) -> None:
    assert post(local, HA, remark="布" * 129) == (400, "DCS.4098")
    local.behave(remark_limit_in_bytes=True)
    assert post(local, HA, remark="布" * 43) == (400, "DCS.4098")
    local.back_up(remark="布" * 42)


def test_a_status_that_nobody_documents(local: Local) -> None:
    backup_id = local.back_up()
    local.control("PATCH", f"/backups/{backup_id}", {"status": "verifying", "progress": "42.00"})
    assert (record(local)["status"], record(local)["progress"]) == ("verifying", "42.00")
    assert local.show()["task"] == "BACKUPING"
    local.control("PATCH", f"/backups/{backup_id}", {"progress": "nonsense"})
    assert record(local)["progress"] == "nonsense"
    local.now += 60.0
    assert record(local)["status"] == "verifying"
    assert local.show()["task"] is None
    local.control("PATCH", f"/backups/{backup_id}", {"status": "", "progress": None})
    assert (record(local)["status"], record(local)["progress"]) == ("succeed", "100.00")


@pytest.mark.parametrize("status", ["succeed", "failed", "expired", "deleted"])
def test_a_final_status_frees_the_instance(local: Local, status: str) -> None:
    backup_id = local.back_up()
    local.control("PATCH", f"/backups/{backup_id}", {"status": status})
    assert local.show()["task"] is None
    local.back_up()
    assert local.call("DELETE", f"{INSTANCES}/{HA}/backups/{backup_id}").status == 204


def test_new_backups_of_a_status_that_nobody_documents(local: Local) -> None:
    local.behave(backup_status="archiving", backup_progress="100.00")
    local.back_up()
    assert (record(local)["status"], record(local)["progress"]) == ("archiving", "100.00")


def test_a_column_that_does_not_exist_is_refused(local: Local) -> None:
    backup_id = local.back_up()
    assert local.try_control("PATCH", f"/backups/{backup_id}", {"backup_id": "x"}).status == 422


def test_what_is_refused(local: Local) -> None:
    assert post(local, SINGLE) == (400, "DCS.4086")
    assert post(local, REDIS_3, backup_format="rdb") == (400, "DCS.4005")
    assert post(local, HA, backup_format="zip") == (400, "DCS.4005")
    assert post(local, MISSING) == (404, "DCS.3022")
    assert post(local, "no-such") == (400, "DCS.4061")
    local.behave(missing_instance_code="DCS.4119")
    assert post(local, MISSING) == (400, "DCS.4119")
    assert local.backups(MISSING).error == (400, "DCS.4119")
    assert post(local, "no-such") == (400, "DCS.4061")


def test_an_instance_vanishes_with_its_backups(local: Local) -> None:
    backup_id = local.back_up(CLUSTER)
    local.control("DELETE", f"/instances/{CLUSTER}")
    assert local.backups(CLUSTER).error == (404, "DCS.3022")
    assert local.call("DELETE", f"{INSTANCES}/{CLUSTER}/backups/{backup_id}").error == (404, "DCS.3022")
    assert local.control("GET", "/backups") == []


def test_a_reset_brings_the_preset_instances_back(local: Local) -> None:
    local.control("DELETE", f"/instances/{CLUSTER}")
    local.control("PATCH", f"/instances/{HA}", {"status": "FROZEN", "used_memory": 1, "task": "RESTORING"})
    local.control("POST", "/reset")
    assert local.show(CLUSTER)["name"] == "catalogue"
    assert [local.show()[name] for name in ("status", "used_memory", "task")] == ["RUNNING", 1229, None]


def post(local: Local, instance_id: str, **document: Any) -> tuple[int, str]:
    return local.call("POST", f"{INSTANCES}/{instance_id}/backups", document).error

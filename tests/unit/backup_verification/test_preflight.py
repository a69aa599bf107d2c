"""Which backups can be verified."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.api.backups import BackupRecord, BackupStatus
from pulumi_dcs.api.instances import Instance
from pulumi_dcs.backup_verification.preflight import backup_failures, instance_failures


def backup(status: str = "succeed", **more: Any) -> BackupRecord:
    return BackupRecord("b", BackupStatus.of(status), status, **more)


@pytest.mark.parametrize("version", ["4.0", "5.0", "6.0", "7.0", "10.0", "", "basic"])
@pytest.mark.parametrize("status", ["RUNNING", "RESTARTING", ""])
def test_instances_that_can_be(version: str, status: str) -> None:
    assert not list(instance_failures(Instance("i", engine="Redis", engine_version=version, status=status)))


@pytest.mark.parametrize(
    ("instance", "why"),
    [
        (Instance("i", engine="Redis", engine_version="3.0"), "it is Redis 3.0"),
        (Instance("i", engine="Redis", engine_version="2.8"), "it is Redis 2.8"),
        (Instance("i", engine="Memcached"), "backups of Redis only"),
        (Instance("i", status="FROZEN"), "does not pass by itself"),
    ],
)
def test_instances_that_cant(instance: Instance, why: str) -> None:
    (failure,) = instance_failures(instance)
    assert failure.property == "instance_id"
    assert why in failure.reason


@pytest.mark.parametrize("record", [backup(), backup(backup_format="rdb"), backup("waiting", is_support_restore=False)])
def test_backups_that_can_be(record: BackupRecord) -> None:
    assert not list(backup_failures(record, "i"))


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (None, "instance i has no such backup"),
        (backup("expired"), "instance i has no such backup"),
        (backup("failed"), "its status is failed"),
        (backup(backup_format="aof"), "its format is aof"),
        (backup("backuping", backup_format="aof"), "its format is aof"),
        (backup(is_support_restore=False), "no instance can be restored from it"),
    ],
)
def test_backups_that_cant(record: BackupRecord | None, why: str) -> None:
    (failure,) = backup_failures(record, "i")
    assert failure.property == "backup_id"
    assert why in failure.reason

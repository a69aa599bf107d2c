"""Which records can be what a create asked for, and what a task's name tells."""

from __future__ import annotations

import re

import pytest
from pulumi_dcs.api.migrations import MigrationStatus, MigrationTask
from pulumi_dcs.api.restores import RestoreRecord, RestoreStatus
from pulumi_dcs.instance_restore.wanted import WantedImport, WantedRestore, task_name, task_prefix

URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:InstanceRestore::{}"


@pytest.mark.parametrize(("backup_id", "fits"), [("b", True), ("", True), ("c", False)])
@pytest.mark.parametrize("remark", ["", "why", "what the service made of it"])
def test_a_restore_of_the_same_backup_fits_whatever_its_remark(backup_id: str, remark: str, *, fits: bool) -> None:
    wanted = WantedRestore("b")
    record = RestoreRecord("r", RestoreStatus.SUCCEED, backup_id=backup_id, remark=remark)
    assert wanted.fits(record, wanted.content) == wanted.resembles(record) == fits
    assert not wanted.is_marked(record)


def test_an_import_is_told_by_its_name() -> None:
    prefix = task_prefix(URN.format("copy"), "hash")
    wanted = WantedImport(prefix, task_name(prefix, 1_700_000_000.0), is_name_proof=True)

    def task(name: str) -> MigrationTask:
        return MigrationTask("t", MigrationStatus.SUCCESS, name=name)

    assert wanted.fits(task(wanted.name), wanted.content)
    assert wanted.fits(task(""), wanted.content)
    earlier = task(task_name(prefix, 1_600_000_000.0))
    assert not wanted.fits(earlier, wanted.content)
    assert wanted.resembles(earlier)
    assert wanted.is_marked(earlier)
    assert not WantedImport(prefix, wanted.name, is_name_proof=False).is_marked(earlier)
    for other in (task_prefix(URN.format("other"), "hash"), task_prefix(URN.format("copy"), "hash", replaces="r")):
        assert not wanted.resembles(task(task_name(other, 1.0)))


@pytest.mark.parametrize("name", ["copy", "x", "7th", "été", "", "a/b c" * 40, "---", "orders-" * 20])
def test_every_name_of_a_task_is_allowed(name: str) -> None:
    made = task_name(task_prefix(URN.format(name), "hash"), 2_000_000_000.0)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{3,63}", made), made

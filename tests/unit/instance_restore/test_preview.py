"""What previews say, word for word."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.api.backups import BackupRecord, BackupStatus
from pulumi_dcs.api.instances import Instance
from pulumi_dcs.engine.unknowns import UNKNOWN
from pulumi_dcs.instance_restore import preview
from pulumi_dcs.instance_restore.properties import Inputs, Phase

ORDERS = Instance("i", "orders", "ha", "RUNNING", engine="Redis", engine_version="6.0", used_memory_mb=1229)
BACKUP = BackupRecord("b", BackupStatus.SUCCEED, created_at="2026-11-24T02:00:00.000Z", size=1181116006)
GIVEN = {"instance_id": "i", "backup_id": "b"}


@pytest.mark.parametrize(
    ("inputs", "instance", "backup", "text"),
    [
        (
            GIVEN,
            ORDERS,
            BACKUP,
            "Overwrites all data of instance orders (Redis 6.0, 1.2 GB in use) with backup b of 2026-11-24 02:00 UTC "
            "(1.1 GB).",
        ),
        (GIVEN, None, None, "Overwrites all data of instance i with backup b."),
        (GIVEN, Instance("i"), BackupRecord("b", BackupStatus.SUCCEED), "Overwrites all data of instance i (Redis) "
         "with backup b."),
        (
            {"instance_id": UNKNOWN, "backup_id": UNKNOWN},
            None,
            None,
            "Overwrites all data of an instance that is not known yet with a backup that is not known yet.",
        ),
        (
            {**GIVEN, "source_instance_id": "s"},
            ORDERS,
            None,
            "Imports backup b of instance s into instance orders (Redis 6.0, 1.2 GB in use): overwrites the data of "
            "all keys that both have, and leaves its other keys.",
        ),
        (
            {**GIVEN, "source_instance_id": UNKNOWN},
            None,
            None,
            "Imports backup b of an instance that is not known yet into instance i: overwrites the data of all keys "
            "that both have, and leaves its other keys.",
        ),
        (
            {"instance_id": UNKNOWN, "source_instance_id": UNKNOWN, "backup_id": "b"},
            None,
            None,
            "Imports backup b of an instance that is not known yet into an instance that is not known yet: overwrites "
            "the data of all keys that both have, and leaves its other keys.",
        ),
        ({**GIVEN, "source_instance_id": "i"}, None, None, "Overwrites all data of instance i with backup b."),
    ],
)  # fmt: skip
def test_what_is_overwritten(
    inputs: dict[str, Any], instance: Instance | None, backup: BackupRecord | None, text: str
) -> None:
    assert preview.restoring(inputs, instance, backup) == text


@pytest.mark.parametrize(
    ("phase", "text"),
    [
        (Phase.SUCCEEDED, " It was restored before (r): what was written since is lost."),
        (Phase.RUNNING, " Restore r before this one was not finished when it was last looked at."),
        (Phase.FAILED, " Restore r failed before this one."),
        (Phase.GONE, " How restore r ended before this one is not known."),
    ],
)
def test_why_it_restores_again(phase: Phase, text: str) -> None:
    assert preview.again(phase, "r") == text


@pytest.mark.parametrize(
    ("instance", "text"),
    [
        (ORDERS, ""),
        (Instance("i"), ""),
        (Instance("i", status="RESTARTING"), "Instance i is RESTARTING now: the restore waits until it is RUNNING."),
        (
            Instance("i", status="RUNNING", task="BACKUPING"),
            "Instance i is busy now (BACKUPING): the restore waits until it is free.",
        ),
    ],
)
def test_what_it_waits_for(instance: Instance, text: str) -> None:
    assert preview.busy(Inputs("i"), instance) == text

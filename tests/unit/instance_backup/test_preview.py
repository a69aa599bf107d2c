"""What previews say, word for word."""

from __future__ import annotations

import pytest
from pulumi_dcs.api.backups import BackupStatus
from pulumi_dcs.api.instances import Instance
from pulumi_dcs.engine.unknowns import UNKNOWN
from pulumi_dcs.instance_backup import preview
from pulumi_dcs.instance_backup.fate import Fate
from pulumi_dcs.instance_backup.preview import Replaced

NEW = {"instance_id": "i"}


def replaced(
    fate: Fate = Fate.DELETED, *, status: BackupStatus = BackupStatus.SUCCEED, first: bool = False
) -> Replaced:
    return Replaced("i", "old", status, fate, is_deleted_first=first)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (replaced(), NEW, "Takes a new backup of instance i, then deletes backup old."),
        (
            replaced(Fate.KEPT),
            NEW,
            "Takes a new backup of instance i, and leaves backup old at the service (retain_on_delete).",
        ),
        (replaced(Fate.UNKNOWN), NEW, "Takes a new backup of instance i in place of backup old."),
        (
            replaced(Fate.GONE, first=True),
            NEW,
            "Takes a new backup of instance i in place of backup old, which is deleted already.",
        ),
        (
            replaced(first=True),
            NEW,
            "Deletes backup old first (delete_before_replace), then takes a new backup of instance i: until that has "
            "succeeded, there is no backup.",
        ),
        (
            replaced(Fate.KEPT, first=True),
            NEW,
            "Takes a new backup of instance i, and leaves backup old at the service (retain_on_delete).",
        ),
        (
            replaced(),
            {"instance_id": "j"},
            "Takes a new backup of instance j, then deletes backup old of instance i.",
        ),
        (
            replaced(),
            {"instance_id": UNKNOWN},
            "Takes a new backup of an instance that is not known yet, then deletes backup old of instance i.",
        ),
        (
            replaced(status=BackupStatus.FAILED),
            NEW,
            "Backup old failed. Takes a new backup of instance i, then deletes backup old.",
        ),
        (
            replaced(),
            {**NEW, "adopt_backup_id": "x"},
            "Takes over backup x of instance i, then deletes backup old.",
        ),
        (replaced(), {**NEW, "adopt_backup_id": "old"}, "Takes a new backup of instance i, then deletes backup old."),
    ],
)
def test_a_replacement(old: Replaced, new: dict[str, object], text: str) -> None:
    assert preview.replacement(old, new) == text


def test_what_was_adopted_before_is_not_adopted_again() -> None:
    text = preview.replacement(replaced(), {**NEW, "adopt_backup_id": "first"}, adopted_before="first")
    assert text == "Takes a new backup of instance i, then deletes backup old."


ORDERS = Instance("i", "orders", "ha", "RUNNING", "", "Redis", "6.0", 4.0, 1229)


def test_a_first_backup() -> None:
    assert preview.creation(NEW, ORDERS, 360.0) == (
        "Takes a backup of instance orders (master/standby, Redis 6.0, 1.2 of 4 GB used); the last one took 6 min."
    )
    assert preview.creation(NEW, ORDERS, None).endswith("1.2 of 4 GB used).")
    assert preview.creation(NEW, None, None) == "Takes a backup of instance i."

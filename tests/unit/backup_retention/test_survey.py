"""What is known beside the list: the state, the other retentions, and what this run itself has done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pulumi_dcs.api.backups import BackupRecord, BackupStatus
from pulumi_dcs.backup_retention.siblings import Siblings
from pulumi_dcs.backup_retention.survey import survey
from pulumi_dcs.engine.log import Log
from pulumi_dcs.engine.stack_state import StackState
from pulumi_dcs.engine.unknowns import UNKNOWN
from pulumi_dcs.operations.record_cache import Snapshot
from pulumi_dcs.recovery.journal import Journal
from pulumi_dcs.resources.run_backups import RunBackups
from pulumi_dcs.session import Session

URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:BackupRetention::orders"
PROPERTIES: dict[str, Any] = {"instance_id": "i", "keep": 2, "remark": "nightly .*"}


class EmptyState:
    """The state of a stack that holds nothing."""

    def read(self, urn: str, organization: str = "", *, not_before: float = 0.0) -> StackState:
        return StackState((), (), not_before)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    journal = Journal(tmp_path, {}, lambda _: None)
    return Session({}, Log(), environment={}, journal=journal, stack_states=EmptyState())


def deleted(session: Session, *nights: int) -> tuple[str, ...]:
    """What goes of the backups of these nights."""
    records = {
        f"b{night}": BackupRecord(
            f"b{night}",
            BackupStatus.SUCCEED,
            backup_type="manual",
            remark=f"nightly {night}",
            created_at=f"2026-11-0{night}T00:00:00Z",
        )
        for night in nights
    }
    return survey(session, URN, PROPERTIES, Snapshot(0.0, records), is_preview=False).decision.deleted_ids


def test_what_this_run_has_deleted_is_not_counted_while_it_is_still_listed(session: Session) -> None:
    assert deleted(session, 1, 2, 3, 4) == ("b1", "b2")
    session.shared(RunBackups).note_deleted("b4")
    assert deleted(session, 1, 2, 3, 4) == ("b1",)


def test_what_a_retention_names_that_is_not_in_the_state_yet_stays(session: Session) -> None:
    other = {**PROPERTIES, "remark": "weekly .*", "keep_ids": ["b1"]}
    session.shared(Siblings).note(f"{URN}-2", other)
    assert deleted(session, 1, 2, 3, 4) == ("b2",)


def test_what_a_resource_of_the_program_needs_that_is_not_in_the_state_yet_stays(session: Session) -> None:
    of_this_run = session.shared(RunBackups)
    of_this_run.note_needed("urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:InstanceRestore::back", "b1")
    of_this_run.note_needed("urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:InstanceRestore::again", UNKNOWN)
    assert deleted(session, 1, 2, 3, 4) == ("b2",)

"""Who needs which backup, by what the stack's state, the program and the journal say."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from pulumi_dcs.backup_retention.needs import Needs, needs_of
from pulumi_dcs.backup_retention.siblings import Siblings
from pulumi_dcs.engine.log import Log
from pulumi_dcs.engine.stack_state import PendingCreate, StackState, StateResource
from pulumi_dcs.engine.unknowns import UNKNOWN
from pulumi_dcs.engine.values import SECRET
from pulumi_dcs.operations.ownership import Progress
from pulumi_dcs.recovery.journal import Journal
from pulumi_dcs.recovery.journal_format import Site
from pulumi_dcs.resources.run_backups import RunBackup
from pulumi_dcs.session import Session

BACKUP: Final = "pulumi-python:dynamic/dcs:InstanceBackup"
RETENTION: Final = "pulumi-python:dynamic/dcs:BackupRetention"
WHERE: Final = {"instance_id": "i", "region": "cn-north-4", "project_id": "p"}


def urn(name: str, type_: str = BACKUP) -> str:
    return f"urn:pulumi:dev::shop::{type_}::{name}"


def resource(name: str, type_: str = BACKUP, id_: str = "i/b1", **more: Any) -> StateResource:
    given: dict[str, Any] = {"inputs": {}, "outputs": {}, **more}
    return StateResource(urn(name, type_), id_, **given)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session({}, Log(), environment={}, journal=Journal(tmp_path, {}, lambda _: None))


def found(
    session: Session,
    *resources: StateResource,
    pending: tuple[PendingCreate, ...] = (),
    run_backups: tuple[RunBackup, ...] = (),
    is_preview: bool = False,
) -> Needs:
    return needs_of(
        session,
        StackState(resources, pending, 0.0),
        urn=urn("keep", RETENTION),
        instance_id="i",
        backup_ids=["b1", "b2"],
        run_backups=run_backups,
        needed={},
        is_preview=is_preview,
    )


def test_a_backup_in_the_state_is_held(session: Session) -> None:
    assert found(session, resource("a")).by_id == {"b1": "'a' holds it"}
    assert found(session, resource("a", is_external=True)).by_id == {"b1": "'a' holds it"}
    assert found(session, resource("a", retains_on_delete=True)).by_id == {"b1": "'a' holds it"}
    assert found(session, resource("a", id_="i/other")) == Needs()


def test_what_waits_to_be_deleted_leaves_unless_it_is_retained(session: Session) -> None:
    waiting: dict[str, Any] = {"is_pending_delete": True}
    assert found(session, resource("a", **waiting)) == Needs(leaving={"b1"})
    options: list[dict[str, Any]] = [{"retains_on_delete": True}, {"inputs": {"retain_on_delete": True}}]
    for retained in options:
        assert found(session, resource("a", **waiting, **retained)).by_id == {"b1": "'a' holds it"}


def test_what_a_preview_is_about_to_replace_leaves(session: Session) -> None:
    replaced = RunBackup(urn("a"), WHERE)
    assert found(session, resource("a"), run_backups=(replaced,), is_preview=True) == Needs(leaving={"b1"})
    assert found(session, resource("a"), run_backups=(replaced,)).by_id == {"b1": "'a' holds it"}


@pytest.mark.parametrize(
    "properties", [{"backup_id": "b1"}, {"source": {"from": ["i/b1"]}}, {"triggers": {"backup": "b1"}}]
)
def test_what_another_resource_names_is_needed(session: Session, properties: dict[str, Any]) -> None:
    for where in ("inputs", "outputs"):
        named = resource("r", "pulumi-python:dynamic/dcs:InstanceRestore", "x", **{where: properties})
        assert found(session, named).by_id == {"b1": "'r' names it"}
    pending = PendingCreate(urn("r", "other:index:Thing"), properties)
    assert found(session, pending=(pending,)).by_id == {"b1": "'r' names it"}


def test_what_a_retention_says_of_those_that_go_is_no_need(session: Session) -> None:
    gone = {"deletes": [{"backup_id": "b1"}], "triggers": {"backup": "b1"}, "deleted_ids": ["b1"]}
    other = resource("other", RETENTION, "i", inputs=gone, outputs=gone)
    assert found(session, other) == Needs()
    assert found(session, pending=(PendingCreate(other.urn, gone),)) == Needs()
    keeping = resource("other", RETENTION, "i", inputs={"keep_ids": ["b2"]})
    assert found(session, keeping).by_id == {"b2": "'other' names it"}


def test_what_the_retention_itself_has_deleted_and_is_still_listed_is_gone(session: Session) -> None:
    own = resource("keep", RETENTION, "i", inputs={"keep_ids": ["b2"]}, outputs={"deleted_ids": ["b1"]})
    assert found(session, own) == Needs(leaving={"b1"})


def test_what_the_program_takes_over_is_needed(session: Session) -> None:
    adopting = RunBackup(urn("a"), WHERE, is_new=False, adopted_id="b2")
    assert found(session, run_backups=(adopting,)).by_id == {"b2": "'a' takes it over"}


def test_what_this_process_knows_to_be_owned_is_needed(session: Session) -> None:
    session.journal.note_in_state(urn("a"), "b1")
    assert found(session).by_id == {"b1": "'a' holds it"}


def test_a_secret_remark_of_the_instance_is_noted(session: Session) -> None:
    assert found(session, resource("a", inputs={"instance_id": "i", "remark": SECRET})).has_secret_remarks
    assert found(session, resource("a", inputs={"instance_id": SECRET, "remark": SECRET})).has_secret_remarks
    assert not found(session, resource("a", inputs={"instance_id": "j", "remark": SECRET})).has_secret_remarks


def test_retentions_of_the_same_instance_are_siblings(session: Session) -> None:
    siblings = Siblings(session)
    state = [
        resource("keep", RETENTION, "i", inputs={**WHERE, "keep": 1, "remark": "a"}),
        resource("weekly", RETENTION, "i", inputs={**WHERE, "keep": 4, "remark": "b"}),
        resource("secret", RETENTION, "i", inputs={**WHERE, "keep": 2, "remark": SECRET}),
        resource("elsewhere", RETENTION, "i", inputs={**WHERE, "region": "eu-west-101", "keep": 4, "remark": "b"}),
    ]
    siblings.note(urn("weekly", RETENTION), {**WHERE, "keep": 5, "remark": "c", "keep_ids": ["b7"]})
    siblings.note(urn("unknown", RETENTION), {**WHERE, "keep": 5, "remark": UNKNOWN})
    others = siblings.of(urn("keep", RETENTION), WHERE, state)
    told = [(each.name, each.keep, each.remark, each.keep_ids) for each in others]
    assert told == [("secret", 2, None, ()), ("weekly", 5, "c", ("b7",))]


@pytest.mark.parametrize("is_reported", [False, True], ids=["killed", "ended in good order"])
def test_what_a_killed_run_has_taken_is_needed(tmp_path: Path, *, is_reported: bool) -> None:
    """A run counts as killed if nobody holds its lock, as here."""

    def of_a_process() -> Session:
        return Session({}, Log(), environment={}, journal=Journal(tmp_path, {}, lambda _: None))

    killed = of_a_process()
    scope = killed.scope(urn("a"))
    attempt = killed.journal.begin(scope, urn("a"), "hash", Site("", "", "", "i"))
    attempt.save(Progress(record_id="b1"))
    if is_reported:
        killed.journal.close()
    held = killed.journal._runs._held
    assert held is not None
    held.release()
    expected = {} if is_reported else {"b1": "an interrupted run has taken it for 'a'"}
    assert found(of_a_process()).by_id == expected

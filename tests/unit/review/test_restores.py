"""What a reviewer is told of restores."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.review.as_json import to_json
from pulumi_dcs.review.changes import other_changes
from pulumi_dcs.review.concerns import Topic, concerns_of
from pulumi_dcs.review.events import EventLog
from pulumi_dcs.review.headline import headline
from pulumi_dcs.review.markdown import markdown
from pulumi_dcs.review.report import Outcome, Report
from pulumi_dcs.review.restores import restores_in
from pulumi_dcs.review.sentence import plain

from .logs import CARTS, ORDERS, log, report, step, urn

TYPE = "pulumi-python:dynamic/dcs:InstanceRestore"
WARNING = "Overwrites all data of instance orders (Redis 6.0, 1.2 GB in use) with backup b1 of 2026-11-24 02:00 UTC."


def restore(status: str = "", **inputs: Any) -> dict[str, Any]:
    declared = {"instance_id": ORDERS, "backup_id": "b1", **inputs}
    outputs = {**declared, "status": status, "restore_id": "r1"} if status else declared
    return {"id": f"{ORDERS}/r1" if status else "", "inputs": declared, "outputs": outputs}


def said(events: EventLog, outcome: Outcome = Outcome.PREVIEWED, **more: Any) -> Report:
    return report(events, outcome=outcome, restores=tuple(restores_in(events)), **more)


def warned() -> dict[str, Any]:
    return {"diagnosticEvent": {"message": WARNING, "severity": "warning", "urn": urn("rollback", TYPE)}}


def test_a_planned_restore_is_counted_and_its_warning_comes_first() -> None:
    events = log(step("create", "rollback", None, restore(), type_=TYPE), warned())
    made = said(events)
    assert headline(made) == "No backup will be taken, none deleted, 1 restored"
    assert made.label == "backup: restore"
    (concern,) = concerns_of([], events)
    assert (concern.topic, plain(concern.sentence)) == (Topic.RESTORE, WARNING)
    text = markdown(made)
    assert "Overwrites all data of instance orders" in text.partition("> [!WARNING]")[2]
    assert "**Restores**\n\n- <code>rollback</code>: overwrites data of instance <code>" in text
    assert other_changes(events, with_restores=False) == 0
    assert other_changes(events, with_restores=True) == 1


@pytest.mark.parametrize(
    ("outcome", "status", "ends", "sentence"),
    [
        (Outcome.APPLIED, "succeed", "resOutputsEvent", "No backup taken, none deleted, 1 restored, in 0 s"),
        (Outcome.APPLY_FAILED, "failed", "resOpFailedEvent", "The apply failed; no backup taken, none deleted"),
        (
            Outcome.APPLY_FAILED,
            "succeed",
            "resOutputsEvent",
            "The apply failed; no backup taken, none deleted, 1 restored",
        ),
        (Outcome.CANCELLED, "", "", "Cancelled before it was finished; no backup taken, none deleted"),
    ],
)
def test_a_record_counts_what_was_restored(outcome: Outcome, status: str, ends: str, sentence: str) -> None:
    made = said(log(step("create", "rollback", None, restore(status), type_=TYPE, ends=ends)), outcome)
    assert headline(made) == sentence
    (told,) = to_json(made)["restores"]
    assert (told["done"], told["status"]) == (ends == "resOutputsEvent", status)
    assert ("not finished: overwrites" in markdown(made)) == (ends != "resOutputsEvent")


@pytest.mark.parametrize("op", ["same", "update", "delete", "refresh", "read", "delete-replaced"])
def test_nothing_else_restores(op: str) -> None:
    events = log(step(op, "rollback", restore("succeed"), restore("succeed"), type_=TYPE))
    assert restores_in(events) == []


def test_a_replacement_is_one_restore() -> None:
    old, new = restore("succeed"), restore(triggers={"incident": "7"})
    events = [*step("create-replacement", "r", old, new, type_=TYPE), *step("replace", "r", old, new, type_=TYPE)]
    assert said(log(events, step("delete-replaced", "r", old, type_=TYPE))).restored == 1


@pytest.mark.parametrize(("old", "adopted"), [(None, True), ({"adopt_restore_id": "r1"}, False), ({}, False)])
def test_one_that_is_taken_over_overwrites_nothing(old: dict[str, Any] | None, *, adopted: bool) -> None:
    """To name what the resource has already adopts nothing."""
    before = None if old is None else restore("succeed", **old)
    op = "create" if old is None else "create-replacement"
    made = said(log(step(op, "r", before, restore(adopt_restore_id="r1"), type_=TYPE)))
    assert made.restored == (0 if adopted else 1)
    assert ("no data is touched" in markdown(made)) == adopted


def test_an_import_names_its_source_and_unknown_ids_are_said() -> None:
    made = said(
        log(
            step("create", "a", None, restore(instance_id=CARTS, source_instance_id=ORDERS), type_=TYPE),
            step("create", "b", None, restore(instance_id="[unknown]", backup_id="[unknown]"), type_=TYPE),
        )
    )
    first, second = (plain(each.sentence(is_record=False)) for each in made.restores)
    assert first == f"a: overwrites data of instance {CARTS} with backup b1 of instance {ORDERS}."
    assert second == "b: overwrites data of an instance that is not known yet with a backup that is not known yet."


def test_the_record_tells_the_restores_id_and_how_long_it_took() -> None:
    state = restore("succeed")
    state["outputs"] |= {"started_at": "2026-11-24T02:00:00.000Z", "finished_at": "2026-11-24T02:03:10.000Z"}
    made = said(log(step("create", "rollback", None, state, type_=TYPE)), Outcome.APPLIED)
    assert "(<code>r1</code>, <code>succeed</code>, took 3 min 10 s)." in markdown(made)
    (told,) = to_json(made)["restores"]
    assert (told["restore_id"], told["seconds"]) == ("r1", 190.0)

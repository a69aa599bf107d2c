"""The backups that ``backup_before`` takes, in the report."""

from __future__ import annotations

import pytest
from pulumi_dcs.review.as_json import to_json
from pulumi_dcs.review.guards import guards_in
from pulumi_dcs.review.headline import headline
from pulumi_dcs.review.markdown import markdown
from pulumi_dcs.review.report import Outcome

from .logs import diagnostic, facts, location, log, record, report, state, step

INSTANCE = "huaweicloud:Dcs/instance:Instance"
TAKES = "Takes a backup of instance orders before this update (master/standby, Redis 6.0)."
PERHAPS = "Takes a backup of instance orders before this update if capacity changes, which is not known yet."
BACKED_UP = "Backed up before this update of orders: backup b1, 12 s."
USES = "Uses backup b1, which an earlier run took before this update of orders."


@pytest.mark.parametrize(
    ("message", "outcome", "expected", "label"),
    [
        (TAKES, Outcome.PREVIEWED, "1 backup will be taken, none deleted, none restored", "backup: create"),
        (PERHAPS, Outcome.PREVIEWED, "No backup will be taken, none deleted, none restored", "backup: none"),
        (USES, Outcome.PREVIEWED, "No backup will be taken, none deleted, none restored", "backup: none"),
        (BACKED_UP, Outcome.APPLIED, "1 backup taken, none deleted, none restored, in 5 s", "backup: create"),
        (BACKED_UP, Outcome.APPLY_FAILED, "The apply failed; 1 backup taken, none deleted", "backup: create"),
    ],
)
def test_they_are_counted_and_shown(message: str, outcome: Outcome, expected: str, label: str) -> None:
    said = diagnostic(message, "info#err", "orders", INSTANCE)
    events = log(said, said)
    found = report(events, {}, outcome, guards=guards_in(events), seconds=5.0)
    assert headline(found) == expected
    assert found.label == label
    assert markdown(found).count("<code>orders</code>: <code>") == 1
    assert to_json(found)["guards"] == [{"resource": "orders", "message": message}]


def test_other_messages_are_none() -> None:
    assert guards_in(log(diagnostic("Takes over a restore", "info"), diagnostic(TAKES, "warning"))) == ()


def test_what_a_backup_says_of_itself_is_in_its_row() -> None:
    said = ("Takes a backup of instance orders (Redis 6.0).", "Goes on with backup b1 of an interrupted run.")
    events = log(step("create", "a", None, state()), *(diagnostic(each, "info", "a") for each in said))
    assert guards_in(events) == ()
    assert guards_in(log(*(diagnostic(each, "info", "orders", INSTANCE) for each in said))) != ()


def test_how_long_it_all_takes_is_not_known_then() -> None:
    events = log(step("create", "a", None, state()), diagnostic(TAKES, "info", "orders", INSTANCE))
    known = {location(): facts(record("b0"))}
    assert "about 3 min" in headline(report(events, known))
    assert "about" not in headline(report(events, known, guards=guards_in(events)))

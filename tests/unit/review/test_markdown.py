"""The report as Markdown and JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pulumi_dcs.review.as_json import to_json
from pulumi_dcs.review.concerns import Concern, Topic
from pulumi_dcs.review.events import Diagnostic, Violation
from pulumi_dcs.review.headline import headline
from pulumi_dcs.review.markdown import MAX_LENGTH, markdown
from pulumi_dcs.review.report import Outcome
from pulumi_dcs.review.sentence import Data
from pulumi_dcs.review.service import InstanceFacts

from .logs import (
    CARTS,
    ORDERS,
    RETENTION,
    diagnostic,
    facts,
    location,
    log,
    record,
    replacement,
    report,
    retention,
    state,
    step,
)

EVERYTHING = log(
    step("create", "a", None, state(instance_id=CARTS)),
    replacement("b", state("b1"), state()),
    step("delete", "c", state("b2")),
)
KNOWN = {
    location(): facts(record("b1", days=3), record("b2", days=2)),
    location(CARTS): facts(record("b9"), name="carts", instance_id=CARTS),
}


def test_the_sentence_says_what_will_happen() -> None:
    assert headline(report(EVERYTHING, KNOWN)) == "2 backups will be taken, 2 deleted, none restored; about 3 min"
    assert headline(report(EVERYTHING)) == "2 backups will be taken, 2 deleted, none restored"
    assert headline(report(log())) == "No backup will be taken, none deleted, none restored"


@pytest.mark.parametrize(
    ("outcome", "more", "expected"),
    [
        (Outcome.PREVIEW_FAILED, {"errors": (Diagnostic("error", "x"),)}, "Merging this would fail: 1 error"),
        (
            Outcome.PREVIEW_FAILED,
            {"violations": (Violation("p", "x", is_mandatory=True), Violation("q", "x", is_mandatory=False))},
            "Merging this would fail: 1 mandatory policy violated",
        ),
        (Outcome.APPLIED, {"seconds": 363.0}, "No backup taken, 2 deleted, none restored, in 6 min 3 s"),
        (
            Outcome.APPLY_FAILED,
            {"errors": (Diagnostic("error", "x"),)},
            "The apply failed: 1 error; no backup taken, 2 deleted",
        ),
        (Outcome.STALE, {}, "The plan is stale, so the apply stopped; no backup taken, 2 deleted"),
        (Outcome.NO_PLAN, {}, "There is no reviewed plan, so nothing was done"),
        (Outcome.CANCELLED, {}, "Cancelled before it was finished; no backup taken, 2 deleted"),
        (Outcome.INTERRUPTED, {}, "Cancelled before anything was changed"),
        (Outcome.NO_DRIFT, {}, "No drift: the service has what the state says"),
        (Outcome.DRIFT, {}, "Drift: 3 backups are not as the state says"),
        (Outcome.DRIFT, {"other_changes": 1}, "Drift: 3 backups and 1 other resource are not as the state says"),
        (
            Outcome.DRIFT_UNKNOWN,
            {"errors": (Diagnostic("error", "x"),)},
            "Whether there is drift could not be found out: 1 error",
        ),
    ],
)
def test_the_sentence_of_each_outcome(outcome: Outcome, more: dict[str, Any], expected: str) -> None:
    assert headline(report(EVERYTHING, KNOWN, outcome, **more)) == expected


def test_the_order_of_the_parts() -> None:
    violations = (Violation("second", "x", is_mandatory=False), Violation("first", "y", is_mandatory=True))
    text = markdown(report(EVERYTHING, KNOWN, unknown=(("carts", "no rights"),), violations=violations))
    parts = ["### 2 backups", "Stack <code>acme&#47;shop&#47;prod</code>, commit <code>abc1234</code>.", "> [!WARNING]"]
    parts += ["| Instance |", "could not be found out", "**mandatory** <code>first</code>", "**advisory**"]
    parts += ["<details><summary>The full diff", "merge the request", "Pulumi 3.274.1"]
    assert [each for each in parts if each not in text] == []
    assert sorted(parts, key=text.index) == parts


def test_a_row_says_all_there_is_to_know() -> None:
    (line,) = re.findall(r"(?m)^\|.*<code>b</code>.*$", markdown(report(EVERYTHING, KNOWN)))
    assert line == (
        f"| **<code>orders</code>** <sub><code>{ORDERS}</code></sub><br>Redis 6.0, master/standby, "
        "1229 of 4096 MB used | <code>b</code> | takes a new backup, <code>rdb</code> "
        "| 2 d ago, 1.1 GB, took 3 min<br><sub><code>b2</code></sub> "
        "| <code>b1</code> (2026-11-24 02:00 UTC, 1.1 GB) | about 3 min | no |"
    )


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"protect": True}, "protected"),
        ({"retainOnDelete": True}, "retained"),
        ({"protect": True, "retainOnDelete": True}, "protected and retained"),
    ],
)
def test_a_row_says_how_the_backup_is_kept(options: dict[str, Any], kept: str) -> None:
    assert f"| {kept} |" in markdown(report(log(step("create", "a", None, state(**options)))))


@pytest.mark.parametrize("field", ["instance_id", "name", "cache_mode", "engine", "engine_version"])
def test_what_the_service_says_of_an_instance_is_inert(field: str) -> None:
    text = markdown(report(log(step("create", "a", None, state())), {location(): facts(**{field: "<b>|@all"})}))
    row = next(line for line in text.splitlines() if "takes a backup" in line)
    assert "&#124;<wbr>&#64;all" in row
    assert "<b>" not in row
    assert row.count("|") == 8


def test_whatever_the_engine_says_is_inert() -> None:
    hostile = "<b> | @all ```"
    events = log(
        diagnostic(hostile, name="a"),
        diagnostic(hostile, "error", name="a"),
        {"policyEvent": {"policyName": hostile, "message": hostile, "enforcementLevel": "mandatory"}},
    )
    text = markdown(report(events, unknown=((hostile, hostile),), commit="<b>`@x", diff="", versions=hostile))
    assert text.count("<wbr>&#64;all") == 8
    assert not re.search(r"<b>|@|`", text.partition("**What could not be found out**")[0])
    assert "<b>" not in text
    assert "@" not in text


def test_without_the_service_its_columns_are_left_out_and_that_is_said() -> None:
    text = markdown(report(EVERYTHING, unknown=(("", "No credentials for DCS."),)))
    assert "| Instance | Resource | What happens | What goes away | Estimate | Kept |" in text
    assert "**What could not be found out**\n\n- <code>No credentials for DCS.</code>" in text


def test_no_good_backup_is_told_from_one_that_is_not_known() -> None:
    events = log(step("create", "a", None, state()))
    assert "| none |" in markdown(report(events, {location(): facts()}))
    unlisted = InstanceFacts(facts().instance, None, "no rights")
    assert "| not known |" in markdown(report(events, {location(): unlisted}))


def test_many_rows_are_summed_up_and_folded() -> None:
    events = log(*(step("create", f"n{number}", None, state()) for number in range(20)))
    assert "<summary>All" not in markdown(report(events))
    events = log(*(replacement(f"n{number}", state(f"b{number}"), state()) for number in range(21)))
    text = markdown(report(events, {location(): facts(record("b0"))}))
    assert "| takes a new backup, deletes the old one | 21 | 1 |" in text
    assert "About 1 h 3 min in all." in text
    assert text.index("| takes a new backup, deletes") < text.index("<details><summary>All 21 rows</summary>")


def test_however_much_there_is_it_fits() -> None:
    hostile = "`|<>@_*" * 40
    events = log(
        *(
            replacement(f"{hostile}{number}", state(f"b{number}"), state(inputs={"remark": hostile}))
            for number in range(1000)
        )
    )
    found = report(
        events,
        {location(): facts(record("b0"), name=hostile)},
        diff="\n".join([f"  + {hostile}"] * 50_000),
        unknown=tuple((f"{hostile}{number}", hostile) for number in range(300)),
        violations=tuple(Violation(hostile, f"{hostile}{number}", is_mandatory=True) for number in range(300)),
        errors=tuple(Diagnostic("error", f"{hostile * 40}{number}") for number in range(300)),
    )
    text = markdown(found)
    assert len(text) <= MAX_LENGTH <= 65_000
    assert "lines are left out" in text
    assert text.count("more, in report.json") >= 5
    assert len(to_json(found)["backups"]) == 1000


def test_a_record_says_what_became_of_each() -> None:
    events = log(
        step("create", "a", None, state("n1")),
        step("create", "b", None, state(), ends="resOpFailedEvent"),
        replacement("c", state("b1"), state("n2")),
    )
    text = markdown(report(events, {}, Outcome.APPLY_FAILED, errors=(Diagnostic("error", "DCS.4096", ""),)))
    assert "| Instance | Resource | What happened | Backup | Deleted | Kept |" in text
    assert "<code>n1</code> (2026-11-24 02:00 UTC, 1.1 GB), took 3 min" in text
    assert "**not finished**: takes a backup" in text
    assert "- <code>DCS.4096</code>" in text
    assert re.search(r"<code>n2</code>.*<code>b1</code>", text)


def test_a_cancelled_preview_tells_of_nothing_as_done_or_started() -> None:
    text = markdown(report(EVERYTHING, KNOWN, Outcome.INTERRUPTED))
    assert "What happened" not in text
    assert "What was started" not in text
    assert "Run the job again." in text


def test_drift_says_what_differs() -> None:
    events = log(step("delete", "a", state("b1")), step("update", "b", state("b2"), state("b2")))
    text = markdown(report(events, KNOWN, Outcome.DRIFT))
    assert "| no longer exists at the service |" in text
    assert "| differs from the state |" in text
    assert "takes" not in text.partition("<details>")[0]


def test_what_is_missing_at_the_service_was_not_deleted_by_the_drift_check() -> None:
    told = to_json(report(log(step("delete", "a", state("b1"))), KNOWN, Outcome.DRIFT))
    assert (told["deleted"], told["label"]) == (0, "backup: none")
    assert "will be changed" not in markdown(report(log(), {}, Outcome.DRIFT, other_changes=2))


def test_a_link_that_is_none_is_left_out() -> None:
    assert "](" not in markdown(report(log(), run_url="javascript:alert(1)"))
    url = "https://github.com/acme/shop/actions/runs/1"
    assert f"[This run]({url})" in markdown(report(log(), run_url=url))


@pytest.mark.parametrize(
    ("events", "label"),
    [
        (log(), "backup: none"),
        (log(step("create", "a", None, state())), "backup: create"),
        (log(replacement("a", state("b1"), state())), "backup: delete"),
        (log(replacement("a", state("b1", retainOnDelete=True), state())), "backup: create"),
        (log(step("delete", "a", state("b1", retainOnDelete=True))), "backup: none"),
    ],
)
def test_the_label(events: Any, label: str) -> None:
    assert report(events).label == label
    assert to_json(report(events))["label"] == label


def test_the_json_is_plain_values() -> None:
    told = json.loads(json.dumps(to_json(report(EVERYTHING, KNOWN))))
    assert told["version"] == 1
    assert [each["what"] for each in told["backups"]] == ["take", "replace", "delete"]
    assert told["backups"][1]["deletes"]["id"] == "b1"
    assert told["backups"][1]["last_good"] == {
        "id": "b2",
        "created_at": "2026-11-24T12:00:00.000Z",
        "size": 1181116006,
        "seconds": 180.0,
        "verified_keys": None,
    }


def test_what_a_retention_deletes_is_counted_and_has_a_row_each() -> None:
    told = report(log(step("update", "keep", None, retention("b1", "b2"), type_=RETENTION)), KNOWN)
    assert headline(told) == "No backup will be taken, 2 deleted, none restored"
    assert told.label == "backup: delete"
    text = markdown(told)
    for each in ("b1", "b2"):
        (row,) = [line for line in text.splitlines() if f"deletes an old backup, <code>nightly {each}</code>" in line]
        assert f"<code>{each}</code> (2026-11-20 02:00 UTC, 1.1 GB)" in row
    deletes = [each["deletes"] for each in to_json(told)["backups"]]
    assert [each["id"] for each in deletes] == ["b1", "b2"]
    assert deletes[0]["remark"] == "nightly b1"


def test_a_text_that_is_too_long_hides_no_other_one() -> None:
    worst = "<@>" * 1000
    found = report(
        log(),
        unknown=((worst, worst), ("carts", "no rights")),
        errors=(
            Diagnostic("error", worst),
            Diagnostic("error", worst),
            Diagnostic("error", worst),
            Diagnostic("error", "short"),
        ),
        violations=(Violation(worst, worst, True, worst), Violation("short-policy", "broken", True)),
        concerns=(
            *(Concern(Topic.DELETION, ("Backup ", *([Data(worst)] * 6))) for _ in range(9)),
            Concern(Topic.ORPHAN, (Data("orphan"),)),
        ),
    )
    text = markdown(found)
    assert len(text) <= MAX_LENGTH
    for shown in (
        "- <code>short</code>",
        "<code>short-policy</code>",
        "- <code>carts</code>: <code>no rights</code>",
        "> - <code>orphan</code>",
    ):
        assert shown in text
    assert text.count("&#60;<wbr>&#64;") > 4


def test_drift_of_what_no_row_shows_is_a_sentence_too() -> None:
    assert headline(report(log(), {}, Outcome.DRIFT)) == "Drift: something is not as the state says"

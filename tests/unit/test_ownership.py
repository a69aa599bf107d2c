"""Each proof by which a backup is taken over, in both directions. See ``api/ownership.py``."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pulumi_dcs.api.parsing import BackupFormat, BackupRecord, BackupStatus
from pulumi_dcs.instance_backup import properties
from pulumi_dcs.operations.ownership import Claims, NoLedger, Ownership, Post, Trail, made_by
from pulumi_dcs.recovery.journal import Journal
from pulumi_dcs.recovery.journal_format import Site

NOW = datetime(2026, 11, 1, 12, 0, 0, tzinfo=timezone.utc)
MINE = BackupRecord("mine", BackupStatus.BACKUPING, remark="r", backup_format="rdb", backup_type="manual")


def at(seconds: float, record: BackupRecord = MINE, **changes: Any) -> BackupRecord:
    """The record, begun so many seconds after NOW."""
    moment = (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return replace(record, created_at=moment, **changes)


class Memory(NoLedger):
    """A ledger in memory."""

    def __init__(self, trail: Trail | None = None, others: frozenset[str] = frozenset()) -> None:
        self.trail = trail
        self.others = others
        self.asked: list[str] = []

    def read(self) -> Trail | None:
        return self.trail

    def write(self, trail: Trail) -> None:
        self.trail = trail

    def drop(self) -> None:
        self.trail = None

    def knows_as_anothers(self, backup_id: str) -> bool:
        self.asked.append(backup_id)
        return backup_id in self.others


def nobodys(_: BackupRecord) -> bool:
    return False


def create(
    trail: Trail | None = None, *, mark: str = "", held: frozenset[str] | None = frozenset(), others: str = ""
) -> tuple[Ownership, Claims, Memory]:
    claims, memory = Claims(), Memory(trail, frozenset(others.split()))
    remark = f"r {mark}".strip()
    return Ownership(remark, BackupFormat.RDB, claims, memory, mark=mark, held=lambda: held), claims, memory


def after_a_lost_answer(known: BackupRecord | None = None, others: str = "") -> tuple[Ownership, Claims]:
    ownership, claims, _ = create(others=others)
    ownership.see([known] if known else [])
    ownership.sending(NOW)
    ownership.lost(NOW + timedelta(seconds=1))
    return ownership, claims


def test_a_lost_answer_proves_the_one_that_fits() -> None:
    assert after_a_lost_answer()[0].find([at(0.5)]) == at(0.5)


@pytest.mark.parametrize(
    "other",
    [
        at(0.5, remark="other"),
        at(0.5, backup_format="aof"),
        at(0.5, backup_type="auto"),
        at(-60.0),
        at(60.0),
    ],
    ids=["remark", "format", "automatic", "before the POST", "after it can have been carried out"],
)
def test_a_lost_answer_proves_nothing_else(other: BackupRecord) -> None:
    assert after_a_lost_answer()[0].find([other]) is None


def test_a_lost_answer_proves_nothing_of_what_was_there_before() -> None:
    assert after_a_lost_answer(known=at(0.5))[0].find([at(0.5)]) is None


def test_a_lost_answer_proves_none_of_two() -> None:
    assert after_a_lost_answer()[0].find([at(0.5), at(0.6, backup_id="other")]) is None


def test_a_claimed_one_is_not_taken_and_leaves_the_other_as_the_only_one() -> None:
    ownership, claims = after_a_lost_answer()
    claims.claim("other")
    assert ownership.find([at(0.6, backup_id="other")]) is None
    assert ownership.find([at(0.5), at(0.6, backup_id="other")]) == at(0.5)


def test_what_another_create_on_this_machine_made_is_not_taken() -> None:
    ownership, _ = after_a_lost_answer(others="other")
    assert ownership.find([at(0.6, backup_id="other")]) is None


def test_without_a_lost_answer_nothing_is_found() -> None:
    ownership, _, memory = create()
    ownership.sending(NOW)
    ownership.refused()
    assert ownership.find([at(0.5)]) is None
    assert memory.trail is None


def test_the_ledgers_backup_id_proves_it() -> None:
    ownership, _, _ = create(Trail("mine"))
    assert ownership.left_behind([at(0.0), at(0.0, backup_id="other")], NOW) == at(0.0)


@pytest.mark.parametrize(
    ("records", "held"),
    [
        ([at(0.0, backup_id="other")], frozenset()),
        ([at(0.0, status=BackupStatus.EXPIRED)], frozenset()),
        ([at(-25 * 3600.0)], frozenset()),
        ([at(0.0)], frozenset({"mine"})),
    ],
    ids=["another id", "expired", "older than a day", "held by the state"],
)
def test_the_ledgers_backup_id_proves_nothing_else(records: list[BackupRecord], held: frozenset[str]) -> None:
    ownership, _, _ = create(Trail("mine"), held=held)
    assert ownership.left_behind(records, NOW) is None


POST = Post("r", BackupFormat.RDB, frozenset({"known"}), NOW, NOW + timedelta(seconds=10))


def test_others_are_asked_for_only_about_what_fits() -> None:
    """Each question reads every other create's entry: in a large fleet that would be millions."""
    last_week = [at(-600000.0, backup_id=str(number)) for number in range(20)]
    ownership, _, memory = create(mark="#mark")
    assert ownership.left_behind(last_week, NOW) is None
    assert ownership.suspects(last_week) == set()
    assert not memory.asked
    ownership, _, memory = create(Trail(backup_id="mine"))
    assert ownership.left_behind([*last_week, at(-60.0)], NOW) == at(-60.0)
    assert memory.asked == ["mine"]


def test_the_ledgers_post_proves_the_one_that_fits() -> None:
    ownership, _, _ = create(Trail(post=POST))
    assert ownership.left_behind([at(1.0)], NOW + timedelta(hours=1)) == at(1.0)
    assert made_by(Trail(post=POST), [at(1.0)], nobodys) == at(1.0)


@pytest.mark.parametrize(
    "other",
    [
        at(1.0, remark="other"),
        at(1.0, backup_id="known"),
        at(-10.0),
        at(30.0),
        replace(MINE, created_at=""),
        at(1.0, backup_id="other"),
    ],
    ids=["remark", "known before", "before", "after", "no time", "another create's"],
)
def test_the_ledgers_post_proves_nothing_else(other: BackupRecord) -> None:
    ownership, _, _ = create(Trail(post=POST), others="other")
    assert ownership.left_behind([other], NOW + timedelta(hours=1)) is None
    assert made_by(Trail(post=POST), [other], lambda record: record.backup_id == "other") is None


def test_a_post_that_may_still_be_carried_out_counts_as_just_lost() -> None:
    ownership, _, _ = create(Trail(post=POST))
    assert ownership.left_behind([], NOW + timedelta(seconds=5)) is None
    assert ownership.is_outstanding
    assert ownership.find([at(6.0)]) == at(6.0)


MARK = "~dcs:0123456789ab"


def test_the_mark_proves_it_anywhere() -> None:
    ownership, _, _ = create(mark=MARK)
    assert ownership.left_behind([at(-3600.0, remark=f"r {MARK}")], NOW) is not None


@pytest.mark.parametrize(
    ("record", "held"),
    [
        (at(0.0, remark="r"), frozenset()),
        (at(0.0, remark="r ~dcs:ba9876543210"), frozenset()),
        (at(0.0, remark=f"{MARK} r"), frozenset()),
        (at(-25 * 3600.0, remark=MARK), frozenset()),
        (at(0.0, remark=MARK), frozenset({"mine"})),
        (at(0.0, remark=MARK), None),
    ],
    ids=["none", "another's", "not at the end", "older than a day", "held by the state", "state unknown"],
)
def test_the_mark_proves_nothing_else(record: BackupRecord, held: frozenset[str] | None) -> None:
    ownership, _, _ = create(mark=MARK, held=held)
    assert ownership.left_behind([record], NOW) is None


def test_a_mark_differs_by_organization_stack_resource_and_inputs() -> None:
    urn = "urn:pulumi:dev::shop::t::b"
    inputs = {"instance_id": "i", "remark": "r", "triggers": {"a": 1}}
    mark = properties.mark(urn, inputs)
    assert mark == properties.mark(urn, {"triggers": {"a": 1}, "remark": "r", "instance_id": "i", "wait": False})
    others = {
        properties.mark(urn.replace("dev", "prod"), inputs),
        properties.mark(urn + "2", inputs),
        properties.mark(urn, inputs, "acme"),
        properties.mark(urn, inputs, "other"),
        properties.mark(urn, {**inputs, "triggers": {"a": 2}}),
        properties.mark(urn, {**inputs, "instance_id": "j"}),
    }
    assert len(others | {mark}) == 7
    assert properties.MARK.sub("", f"r {mark}") == "r"
    assert properties.MARK.sub("", mark) == ""


def journal(folder: Path, backend: str = "file://a") -> Journal:
    return Journal(folder, backend, pytest.fail)


def site(instance_id: str = "i", endpoint: str = "https://e") -> Site:
    return Site(endpoint, "r", "p", instance_id)


def test_the_journal_finds_the_entry_of_the_same_resource_and_inputs_only(tmp_path: Path) -> None:
    journal(tmp_path).begin("urn", site(), "digest").write(Trail(post=POST))
    assert journal(tmp_path).begin("urn", site(), "digest").read() == Trail(post=POST)
    for other in (("urn2", site(), "digest"), ("urn", site(endpoint="x"), "digest"), ("urn", site(), "other")):
        assert journal(tmp_path).begin(*other).read() is None
    assert journal(tmp_path, "file://b").begin("urn", site(), "digest").read() is None


def test_the_journal_forgets_what_the_engine_has(tmp_path: Path) -> None:
    kept = journal(tmp_path)
    kept.begin("urn", site(), "digest").write(Trail("mine"))
    kept.settle("urn", "other")
    assert kept.begin("urn", site(), "digest").read() == Trail("mine")
    kept.settle("urn", "mine")
    assert kept.begin("urn", site(), "digest").read() is None
    assert kept.begin("urn2", site(), "digest").knows_as_anothers("mine")
    assert not kept.begin("urn", site(), "digest").knows_as_anothers("mine")


def test_other_inputs_make_what_was_left_a_stray(tmp_path: Path) -> None:
    journal(tmp_path).begin("urn", site("i"), "one").write(Trail("first"))
    journal(tmp_path).begin("urn", site("j"), "two").write(Trail("second"))
    strays = journal(tmp_path).begin("urn", site("k"), "three").strays
    assert [(stray.site.instance_id, stray.trail.backup_id) for stray in strays] == [("i", "first"), ("j", "second")]


def test_what_the_state_holds_is_no_stray_and_keeps_none(tmp_path: Path) -> None:
    journal(tmp_path).begin("urn", site("i"), "one").write(Trail("first"))
    journal(tmp_path).begin("urn", site("j"), "two").write(Trail("second"))
    left = journal(tmp_path).left("urn", "second")
    assert left is not None
    assert [stray.trail.backup_id for stray in left.strays] == ["first"]
    journal(tmp_path).settle("urn", "second")
    assert journal(tmp_path).left("urn", "second") is not None
    left.keep([])
    journal(tmp_path).settle("urn", "second")
    assert journal(tmp_path).left("urn", "second") is None
    assert journal(tmp_path).left("urn", "older") is None


def test_the_journal_names_what_is_left_of_one_stack(tmp_path: Path) -> None:
    urns = [f"urn:pulumi:{stack}::shop::t::{name}" for stack in ("dev", "prod") for name in "ab"]
    for urn in urns:
        journal(tmp_path).begin(urn, site(), "digest").write(Trail(f"of {urn}"))
    journal(tmp_path).settle(urns[1], f"of {urns[1]}")
    assert [entry.urn for entry in journal(tmp_path).left_of_stack(urns[1])] == urns[:1]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"form": 99}', '{"form": 2, "site": {}, "digest": "d", "post": 5}', '{"form": 2, "site": 1}'],
)
def test_an_entry_that_makes_no_sense_proves_nothing(tmp_path: Path, text: str) -> None:
    entry = journal(tmp_path).begin("urn", site(), "d")
    entry.write(Trail())
    entry.path.write_text(text)
    assert journal(tmp_path).begin("urn", site(), "d").read() in (None, Trail())


def test_a_journal_that_cannot_be_written_says_so_once(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "file").write_text("")
    blocked = Journal(tmp_path / "file" / "creates", "b", said.append)
    for _ in range(2):
        blocked.begin("urn", site(), "d").write(Trail("x"))
    assert len(said) == 1
    assert "can't be written" in said[0]

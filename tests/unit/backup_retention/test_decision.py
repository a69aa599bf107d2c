"""The rule by which backups go: it keeps the newest, never touches what is protected, and is always the same."""

from __future__ import annotations

import random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_dcs.api.backups import BackupRecord
from pulumi_dcs.backup_retention.decision import Decision, Reason, decide

from .records import record

REMARKS: Final = st.sampled_from(["nightly", "nightly ~dcs:0123456789ab", "weekly", ""])
STATUSES: Final = st.sampled_from(["succeed", "succeed", "succeed", "waiting", "backuping", "failed", "expired", "odd"])
RECORDS: Final = st.lists(
    st.builds(
        lambda number, night, **more: record(f"b{number:02}", night=night, **more),
        number=st.integers(0, 40),
        night=st.integers(0, 12),
        status=STATUSES,
        backup_type=st.sampled_from(["manual", "manual", "MANUAL", "auto", ""]),
        remark=REMARKS,
        is_support_restore=st.sampled_from([True, True, True, None, False]),
    ),
    unique_by=lambda each: each.backup_id,
    max_size=24,
)
IDS: Final = st.sets(st.integers(0, 40).map(lambda number: f"b{number:02}"), max_size=5)


def nightly(remark: str) -> bool:
    return remark == "nightly"


def decided(records: list[BackupRecord], keep: int = 2, **more: Any) -> Decision:
    return decide(records, keep=keep, matches=nightly, **more)


def eligible(records: list[BackupRecord]) -> list[BackupRecord]:
    """What the retention is about, the newest first; said in another way than in the code."""
    found = [
        each
        for each in records
        if each.backup_type in ("manual", "MANUAL")
        and each.status_text == "succeed"
        and each.is_support_restore is not False
        and each.remark in ("nightly", "nightly ~dcs:0123456789ab")
    ]
    return sorted(found, key=lambda each: (each.created_at, each.backup_id), reverse=True)


@given(RECORDS, st.integers(1, 10), IDS, IDS)
def test_only_what_is_not_protected_goes(
    records: list[BackupRecord], keep: int, keep_ids: set[str], needed: set[str]
) -> None:
    decision = decided(records, keep, keep_ids=keep_ids, needed=dict.fromkeys(needed, "somebody needs it"))
    matching = eligible(records)
    gone = set(decision.deleted_ids)
    assert gone == {each.backup_id for each in matching[keep:]} - keep_ids - needed
    good = [each for each in records if each.status_text == "succeed" and each.is_support_restore is not False]
    if good:
        assert max(good, key=lambda each: (each.created_at, each.backup_id)).backup_id not in gone
    assert {each.record.backup_id for each in decision.kept} == {each.backup_id for each in matching} - gone


@given(RECORDS, st.integers(1, 10), st.randoms())
def test_the_order_of_the_list_means_nothing(records: list[BackupRecord], keep: int, shuffle: random.Random) -> None:
    other = list(records)
    shuffle.shuffle(other)
    assert decided(records, keep) == decided(other, keep)


@given(RECORDS, st.integers(1, 10))
def test_a_second_run_has_nothing_to_do(records: list[BackupRecord], keep: int) -> None:
    gone = decided(records, keep).deleted_ids
    assert decided([each for each in records if each.backup_id not in gone], keep).deleted == ()


@given(RECORDS, st.integers(1, 10), IDS, IDS)
def test_a_preview_foresees_what_the_up_decides(
    records: list[BackupRecord], keep: int, needed: set[str], leaving: set[str]
) -> None:
    """One more backup in the list comes to the same as one that is foreseen."""
    known = {"needed": dict.fromkeys(needed, "somebody needs it"), "leaving": leaving - {"new"}}
    before = decided(records, keep, foreseen=1, **known)
    after = decided([*records, record("new", night=99)], keep, **known)
    assert before.deleted_ids == after.deleted_ids


@given(RECORDS, st.integers(1, 10), IDS)
def test_what_leaves_in_the_same_run_is_no_kept_one(records: list[BackupRecord], keep: int, leaving: set[str]) -> None:
    rest = [each for each in records if each.backup_id not in leaving]
    assert decided(records, keep, leaving=leaving).deleted_ids == decided(rest, keep).deleted_ids


def test_the_oldest_goes_first() -> None:
    records = [record(f"b{night}", night=night) for night in (3, 1, 0, 2)]
    decision = decided(records, 1)
    assert decision.deleted_ids == ("b0", "b1", "b2")
    assert [each.record.backup_id for each in decision.kept] == ["b3"]


def test_what_was_made_in_the_same_moment_is_told_apart_by_its_id() -> None:
    assert decided([record("b"), record("a"), record("c")], 1).deleted_ids == ("a", "b")


def test_what_has_no_date_stays_and_says_why() -> None:
    records = [record("old"), record("undated", created_at="soon"), record("new", night=1)]
    decision = decided(records, 1)
    assert decision.deleted_ids == ("old",)
    kept = decision.reason_to_keep("undated")
    assert kept is not None
    assert kept.reason is Reason.NOT_DATED


@pytest.mark.parametrize(
    ("more", "reason", "detail"),
    [
        ({"keep_ids": ["old"]}, Reason.NAMED, ""),
        ({"keep_ids": ["OLD"]}, Reason.NAMED, ""),
        ({"needed": {"old": "'release' holds it"}}, Reason.NEEDED, "'release' holds it"),
    ],
)
def test_a_backup_that_stays_says_why(more: dict[str, Any], reason: Reason, detail: str) -> None:
    decision = decided([record("old"), record("new", night=1)], 1, **more)
    assert decision.deleted == ()
    kept = decision.reason_to_keep("old")
    assert kept is not None
    assert (kept.reason, kept.detail) == (reason, detail)

"""What a reviewer is told of each changed backup."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from pulumi_dcs.review.rows import seconds_taken, total_estimate
from pulumi_dcs.review.sentence import age_in_words
from pulumi_dcs.review.service import InstanceFacts

from .logs import CARTS, NOW, facts, location, log, record, rows, state, step


def test_the_last_good_backup_is_the_newest_that_succeeded_in_whatever_order_they_are_listed() -> None:
    known = facts(record("old", days=3), record("failed", status="failed"), record("good", days=1))
    (row,) = rows(log(step("create", "a", None, state())), {location(): known})
    assert row.last_good is not None
    assert row.last_good.backup_id == "good"
    assert row.estimate == 180.0


def test_only_what_takes_a_backup_has_an_estimate() -> None:
    (row,) = rows(log(step("delete", "a", state("b1"))), {location(): facts(record("b1"))})
    assert row.estimate is None


def test_instances_are_backed_up_side_by_side_but_one_backup_at_a_time() -> None:
    events = log(
        *(step("create", name, None, state()) for name in "ab"), step("create", "c", None, state(instance_id=CARTS))
    )
    known = {location(): facts(record("b1")), location(CARTS): facts(record("b2"))}
    assert total_estimate(rows(events, known)) == 360.0


def test_without_history_there_is_no_estimate() -> None:
    events = log(step("create", "a", None, state()), step("create", "c", None, state(instance_id=CARTS)))
    known = {location(): facts(record("b1")), location(CARTS): facts()}
    assert total_estimate(rows(events, known)) is None
    assert total_estimate(rows(events)) is None


@pytest.mark.parametrize(("known", "expected"), [(facts(), "orders"), (InstanceFacts(), location().instance_id)])
def test_an_instance_without_a_name_is_called_by_its_id(known: InstanceFacts, expected: str) -> None:
    (row,) = rows(log(step("create", "a", None, state())), {location(): known})
    assert row.instance_name == expected


def test_times_that_contradict_each_other_tell_nothing() -> None:
    odd = replace(record("b1"), updated_at="2020-01-01T00:00:00.000Z")
    assert seconds_taken(odd) is None
    assert age_in_words(NOW + timedelta(seconds=200), NOW) == "just now"
    assert age_in_words(NOW + timedelta(days=3), NOW) == "2026-11-29 12:00 UTC"

"""The mark: whose backup it says it is, and that nobody sees it but the service."""

from __future__ import annotations

import pytest
from pulumi_dcs.instance_backup.properties import inputs_hash
from pulumi_dcs.resources import mark

URN = "urn:pulumi:dev::shop::t::b"
INPUTS = {"instance_id": "i", "remark": "r", "triggers": {"a": 1}}
HASH = inputs_hash(INPUTS)
MARK = mark.mark_for(URN, HASH)
OLD_MARK, OLD_MARK_OF_ACME = "~dcs:50077ab72a1a", "~dcs:3941f1008087"
"""As version 0.1 made them of the same."""


def test_it_differs_by_organisation_stack_resource_inputs_and_generation() -> None:
    others = {
        mark.mark_for(URN.replace("dev", "prod"), HASH),
        mark.mark_for(URN + "2", HASH),
        mark.mark_for(URN, HASH, organization="acme"),
        mark.mark_for(URN, HASH, organization="other"),
        mark.mark_for(URN, HASH, replaces="first"),
        mark.mark_for(URN, HASH, replaces="second"),
        mark.mark_for(URN, inputs_hash({**INPUTS, "triggers": {"a": 2}})),
        mark.mark_for(URN, inputs_hash({**INPUTS, "instance_id": "j"})),
    }
    assert len(others | {MARK}) == 9
    assert mark.mark_for(URN, inputs_hash({**INPUTS, "wait": False})) == MARK


def test_the_first_generation_has_the_mark_of_version_0_1() -> None:
    assert mark.mark_for(URN, HASH) == OLD_MARK
    assert mark.mark_for(URN, HASH, organization="acme") == OLD_MARK_OF_ACME


@pytest.mark.parametrize("remark", ["", "r", " r", "r  ", "two words"])
def test_it_goes_on_and_comes_off(remark: str) -> None:
    marked = mark.add_mark(remark, MARK)
    assert mark.ends_in(marked, MARK)
    assert mark.has_mark(marked)
    assert mark.is_same_remark(mark.without_mark(marked), remark)
    assert len(marked) <= len(remark) + mark.MARK_LENGTH
    assert mark.add_mark(remark, "") == remark


@pytest.mark.parametrize("remark", ["", "r", "~dcs:", f"{MARK} r", "~dcs:0123456789AB", "~dcs:0123456789abc"])
def test_what_is_none_stays(remark: str) -> None:
    assert not mark.has_mark(remark)
    assert mark.without_mark(remark) == remark
    assert not mark.ends_in(remark, MARK)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("r", "r", True),
        (" r ", "r", True),
        ("two  words\n", "two words", True),
        ("e\u0301te\u0301", "été", True),
        ("r", "R", False),
        ("r", "", False),
        ("two words", "twowords", False),
    ],
)
def test_what_a_service_may_make_of_a_text(one: str, other: str, *, is_same: bool) -> None:
    assert mark.is_same_remark(one, other) is is_same
    assert (mark.remark_hash(one) == mark.remark_hash(other)) is is_same


def test_the_hash_does_not_tell_the_remark() -> None:
    assert "secret" not in mark.remark_hash("secret")

"""How an input that can't be used is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.backup_retention.validation import check
from pulumi_dcs.engine.unknowns import UNKNOWN
from pulumi_dcs.resources.refusals import message

GOOD = {"instance_id": "9ca3f4c5-0000", "keep": 7, "remark": "nightly .*"}


def said(inputs: dict[str, Any], *secret_inputs: str) -> str:
    (failure,) = check(inputs, secret_inputs=secret_inputs)
    return message(failure, inputs, secret_inputs)


def test_what_can_be_used_passes() -> None:
    more = {"keep_ids": ["b-1"], "max_deletions": 24, "triggers": {"night": 1}, "region": "cn-north-4"}
    assert list(check({**GOOD, **more})) == []
    assert list(check(dict.fromkeys(GOOD, UNKNOWN))) == []


@pytest.mark.parametrize("name", GOOD)
def test_what_is_required_is_named(name: str) -> None:
    inputs = {key: value for key, value in GOOD.items() if key != name}
    assert said(inputs).startswith(f"{name}: it is missing; ")


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ({"keep": 0}, "keep is 0: it must be a whole number of at least 1"),
        ({"keep": True}, "keep is True: it must be"),
        ({"keep": 1.5}, "keep is 1.5: it must be"),
        ({"keep": "7"}, "keep is '7': it must be"),
        ({"remark": ""}, "remark is '': it is empty; give a regular expression"),
        ({"remark": 7}, "remark is 7: it must be a regular expression"),
        ({"remark": ".*"}, "remark is '.*': it matches the empty remark"),
        ({"remark": "("}, "remark is '(': it is not a regular expression, "),
        ({"max_deletions": 0}, "max_deletions is 0: it must be a whole number of at least 1."),
        ({"keep_ids": "b-1"}, "keep_ids is 'b-1': it must be a list of backups' ids."),
        ({"keep_ids": ["b-1", "b/2"]}, "keep_ids is ['b-1', 'b/2']: keep_ids[1] is not a valid id"),
        ({"triggers": 1}, "triggers is 1: it must be a dictionary"),
        ({"instance_id": "a/b"}, "instance_id is 'a/b': it is not a valid id"),
    ],
)
def test_a_refusal_names_the_property(inputs: dict[str, Any], text: str) -> None:
    assert said({**GOOD, **inputs}).startswith(text)


@pytest.mark.parametrize("remark", ["(?P<hunter2>a)(?P<hunter2>b)", "(?:hunter2)*", "hunter2" * 40])
def test_no_part_of_a_secret_pattern_is_shown(remark: str) -> None:
    text = said({**GOOD, "remark": remark}, "remark")
    assert text.startswith("remark: it ")
    assert "hunter2" not in text

"""How an input that can't be used is refused: named, with what is allowed, and never with a secret."""

from __future__ import annotations

from typing import Any

from pulumi_dcs.engine.requests import CheckFailure
from pulumi_dcs.instance_backup.validation import check
from pulumi_dcs.resources.refusals import message, refuse

GOOD = {"instance_id": "9ca3f4c5-0000", "remark": "r"}


def said(inputs: dict[str, Any], *secret_inputs: str) -> str:
    (failure,) = check(inputs)
    return message(failure, inputs, secret_inputs)


def test_a_message_names_the_property_and_shows_the_value() -> None:
    text = said({**GOOD, "backup_format": "zip"})
    assert text == 'backup_format is \'zip\': there is no such format; give "rdb" (the default) or "aof".'


def test_a_secret_value_is_never_shown() -> None:
    text = said({**GOOD, "remark": "hunter2" * 30}, "remark")
    assert text.startswith("remark: it has 210 characters")
    assert "hunter2" not in text


def test_a_long_value_is_cut() -> None:
    assert len(said({**GOOD, "remark": "x" * 5000})) < 300


def test_the_engine_is_told_no_propertys_name_since_it_would_print_the_value() -> None:
    inputs = {**GOOD, "remark": 5}
    (failure,) = refuse(check(inputs), inputs, ())
    assert failure == CheckFailure("", "remark is 5: it must be a text of at most 128 characters.")

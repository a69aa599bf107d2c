"""What is kept of a verification, and what calls for another one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from pulumi_dcs.backup_verification.identity import VerificationId
from pulumi_dcs.backup_verification.properties import (
    ANALYSES,
    Counts,
    Shard,
    canonical_inputs,
    counted,
    outputs,
    replacements,
    shards_in,
    total,
    updates,
)
from pulumi_dcs.operations.errors import RecordNotFoundError
from pulumi_dcs.recovery.evidence import record_id_of

from ..api.test_error_response import anything

INPUTS = {"instance_id": "i", "backup_id": "b", "minimum_keys": 2, "triggers": {"release": 1}}


def test_the_shards_are_counted_together() -> None:
    shards = [
        Counts(3, 10, {"string": 2, "hash": 1}, "2026-11-26T12:00:00.000Z"),
        Counts(1, 5, {"hash": 1}, "2026-11-26T12:00:05.000Z"),
    ]
    assert total(shards) == Counts(4, 15, {"hash": 2, "string": 2}, "2026-11-26T12:00:05.000Z")
    assert total([*shards, Counts(0, None)]).bytes is None


def test_what_the_state_keeps_of_the_shards_comes_back() -> None:
    shards = [Shard("n1", "t1", Counts(3, 10, {"string": 3}, "2026")), Shard("n2", "t2"), Shard("n3", "t3", Counts(0))]
    kept = outputs(INPUTS, None, "https://dcs", shards=shards)
    assert shards_in(kept) == shards
    assert counted(kept) is None
    assert ANALYSES not in outputs(INPUTS, None, "https://dcs", counts=Counts(3))


@given(anything)
def test_any_state_can_be_read(kept: Any) -> None:
    shards_in({ANALYSES: kept})
    shards_in({ANALYSES: [kept, {"taskId": "t", "nodeId": kept, "keys": kept, "byType": kept}]})


@pytest.mark.parametrize("name", ["instance_id", "backup_id", "triggers", "region", "project_id"])
def test_what_calls_for_another_verification(name: str) -> None:
    changed = {**INPUTS, name: {"release": True} if name == "triggers" else "other"}
    assert list(replacements(INPUTS, changed)) == [name]
    assert not replacements(changed, changed)
    assert not updates(INPUTS, INPUTS, changed)


@pytest.mark.parametrize("minimum", [1, 3, None])
def test_another_minimum_needs_no_other_verification(minimum: int | None) -> None:
    changed = canonical_inputs({**INPUTS, "minimum_keys": minimum})
    assert not replacements(INPUTS, changed)
    assert list(updates(INPUTS, INPUTS, changed)) == ["minimum_keys"]


def test_the_id_is_not_taken_for_what_holds_the_backup() -> None:
    which = VerificationId("i", "b", "t")
    assert VerificationId.parse(str(which)) == which
    assert record_id_of(str(which)) == "t"


@pytest.mark.parametrize("text", ["", "i", "i/b", "i/b/", "i/b/t/u", "i//t", "i/../t"])
def test_what_is_not_an_id_is_refused(text: str) -> None:
    with pytest.raises(RecordNotFoundError, match="not a valid BackupVerification id"):
        VerificationId.parse(text)

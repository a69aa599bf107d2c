"""Whether the last good backup is verified, as the run's steps tell."""

from __future__ import annotations

from typing import Any

from pulumi_dcs.backup_verification.names import RESOURCE_TYPE
from pulumi_dcs.review.as_json import to_json
from pulumi_dcs.review.markdown import markdown
from pulumi_dcs.review.proofs import proofs_in

from .logs import ORDERS, facts, location, log, record, replacement, report, state, step

KNOWN = {location(): facts(record("b1", days=1))}
CHANGE = replacement("orders", state("b1"), state())


def proof(backup_id: str = "b1", keys: int | None = 1000, **inputs: Any) -> dict[str, Any]:
    found = state(inputs={"backup_id": backup_id, **inputs})
    outputs = {**found["outputs"], **({} if keys is None else {"key_count": keys})}
    return {**found, "outputs": outputs}


def told(*events: Any) -> tuple[str, Any]:
    made = report(log(CHANGE, *events), KNOWN)
    return markdown(made), to_json(made)["backups"][0]["last_good"]["verified_keys"]


def test_an_unchanged_verification_counts() -> None:
    text, keys = told(step("same", "proof", proof(), proof(), type_=RESOURCE_TYPE))
    assert "took 3 min, verified: 1000 keys<br>" in text
    assert keys == 1000


def test_so_does_one_that_is_replaced_with_its_backup() -> None:
    new = proof("[unknown]", None)
    text, keys = told(step("create-replacement", "proof", proof(), new, type_=RESOURCE_TYPE))
    assert "verified: 1000 keys" in text
    assert keys == 1000


def test_one_key_is_one_key() -> None:
    assert "verified: 1 key<br>" in told(step("same", "proof", proof(keys=1), proof(keys=1), type_=RESOURCE_TYPE))[0]


def test_what_proves_nothing() -> None:
    for nothing in (
        proof("b0"),
        proof(keys=None),
        proof(keys=0),
        proof(keys=9, minimum_keys=10),
        proof(keys=9, minimum_keys="[secret]"),
        {**proof(), "outputs": {**proof()["outputs"], "instance_id": "another"}},
    ):
        text, keys = told(step("same", "proof", nothing, nothing, type_=RESOURCE_TYPE))
        assert "took 3 min, not verified<br>" in text
        assert keys is None


def test_without_verifications_nothing_is_said_of_them() -> None:
    text, keys = told()
    assert "verified" not in text
    assert keys is None
    assert proofs_in(log(CHANGE)).of(ORDERS, "b1") is None

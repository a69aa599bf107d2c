"""When a run counts as held back by its plan."""

from __future__ import annotations

import pytest
from pulumi_dcs.review.commands import is_off_plan

from .logs import diagnostic, log, urn

VIOLATED = f"resource {urn('a b')} violates plan: properties changed: ~~remark[{{one}}!={{two}}]"
NOT_SEEN = f"expected resource operations for {urn('a')} but none were seen"
REFUSED = "The backup of instance i failed at the service."


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([VIOLATED, "Resource monitor has terminated, shutting down"], True),
        (["resource violates plan: output changed"], True),
        (["create-replacement is not allowed by the plan: this resource is constrained to same"], True),
        ([REFUSED, VIOLATED], True),
        ([NOT_SEEN], True),
        ([NOT_SEEN, "update failed"], True),
        ([REFUSED, NOT_SEEN], False),
        ([REFUSED], False),
        (["update failed"], False),
        ([], False),
        # What a program or the service says is no word of the engine's.
        ([f"The remark is {VIOLATED!r}."], False),
        (["DCS says: resource violates plan: nothing"], False),
    ],
)
def test_what_the_engine_says_of_a_stale_plan(messages: list[str], expected: bool) -> None:
    assert is_off_plan(log(*(diagnostic(each, "error") for each in messages))) is expected


def test_a_warning_is_no_reason() -> None:
    assert not is_off_plan(log(diagnostic(VIOLATED, "warning")))

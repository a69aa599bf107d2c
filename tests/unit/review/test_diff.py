"""The engine's output as a block that a forge colours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_dcs.review.diff import diff_block


def test_signs_come_first_so_that_they_are_coloured() -> None:
    output = '  + a: (create)\n    ~ remark: "one" => "two"\n    +-b: (replace)\n    --outputs:--\n  - c\n text\n'
    assert diff_block(output, 1000).split("\n") == [
        "```diff",
        "+   a: (create)",
        '!     remark: "one" => "two"',
        "+-    b: (replace)",
        "    --outputs:--",
        "-   c",
        " text",
        "```",
    ]


@pytest.mark.parametrize("line", ["+ ä🔒 remark", "`````` closes", "x" * 500])
@pytest.mark.parametrize("budget", [400, 1000, 60_000])
def test_a_long_output_is_cut_at_a_line_and_says_so(line: str, budget: int) -> None:
    output = "\n".join([line] * 100_000)
    shown = diff_block(output, budget)
    assert len(shown) <= budget
    if shown:
        first, *lines, said, last = shown.split("\n")
        assert first.removesuffix("diff") == last
        kept = len(lines)
        assert said.startswith(f"… cut here: {100_000 - kept} of 100000 lines are left out")
        assert set(lines) == {line}


@given(st.text(max_size=2000) | st.text(alphabet="`a\n", max_size=2000), st.integers(0, 3000))
def test_it_is_never_longer_than_allowed(output: str, budget: int) -> None:
    assert len(diff_block(output, budget)) <= budget

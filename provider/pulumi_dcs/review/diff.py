"""The engine's output as a block that a forge colours, cut to what a comment can hold."""

from __future__ import annotations

import re
from typing import Final

from .inert import block, visible

_SIGN: Final = re.compile(r"^( +)(\+-|[-+~])")
_CUT: Final = "… cut here: {left} of {total} lines are left out. The whole of it is in the log of this run."


def diff_block(output: str, budget: int) -> str:
    """The output as a code block of at most ``budget`` characters; empty where not even a few lines fit."""
    lines = output.rstrip("\n").split("\n")
    kept: list[str] = []
    used = 0
    for line in lines:
        shown = _coloured(visible(line))
        if used + len(shown) >= budget:
            break
        used += len(shown) + 1
        kept.append(shown)
    whole = block("\n".join(kept), "diff")
    if len(kept) == len(lines) and len(whole) <= budget:
        return whole
    # The fences: longer than the usual ones where the text has a long run of backticks.
    around = len(whole) - used
    room = budget - around - len(_CUT.format(left=len(lines), total=len(lines))) - 1
    while kept and used > room:
        used -= len(kept.pop()) + 1
    if not kept:
        return ""
    cut = _CUT.format(left=len(lines) - len(kept), total=len(lines))
    return block("\n".join([*kept, cut]), "diff")


def _coloured(line: str) -> str:
    """A line of a diff must start with its sign to be coloured."""
    if "--outputs:--" in line:
        return line
    moved = _SIGN.sub(r"\2\1", line)
    return f"!{moved[1:]}" if moved.startswith("~") else moved

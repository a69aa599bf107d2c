"""Pieces that a report in Markdown is put together from."""

from __future__ import annotations

from collections.abc import Iterable


def folded(title: str, content: str) -> str:
    """Something that shows when the reader asks for it."""
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def fitted(lines: list[str], budget: int, more: str) -> list[str]:
    """The lines that the budget has room for, and how many there are besides: a long one hides no short one."""
    used = 0
    kept: list[str] = []
    for line in lines:
        if used + len(line) + 1 <= budget:
            used += len(line) + 1
            kept.append(line)
    return kept if len(kept) == len(lines) else [*kept, more.format(len(lines) - len(kept))]


def table_line(cells: Iterable[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"

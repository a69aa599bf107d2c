"""Makes other people's texts inert: in a comment they are shown as they are, and do nothing.

A name, a remark or a message can hold Markdown, HTML, mentions or anything else. It must not close a code block, hide
what follows, call anybody's attention or look like ours.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from .sentence import Data, Sentence

_MAX_LENGTH: Final = 300
"""Characters of one text that are shown: a name or remark has at most 128 of them."""
_MAX_MESSAGE: Final = 2000
"""Characters of one message that are shown: ours all fit, a foreign one may go on for pages."""
_MAX_RENDERED: Final = 3000
"""Characters that one text may become as Markdown: the smallest part of the report has room for one."""
_TRACEBACK: Final = re.compile(r"Traceback \(most recent call last\):\n((?:[ \t][^\n]*\n|\n)*)")
_FRAME: Final = re.compile(r'File "(?:[^"]*[/\\])?([^"/\\]+)", line (\d+)')
_HARMLESS: Final = re.compile(r"[A-Za-z]{1,20}( [0-9.]{1,10})?")
_SAFE: Final = frozenset(" -.,;=+%?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
"""Written as they are. Everything else in ASCII has a meaning to Markdown, HTML or a forge somewhere."""

_NOT_PLAIN: Final = re.compile(r"[^\t\n -~]")
_HIDDEN: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of control and format characters (directions, zero width), surrogates, separators of lines."""
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Of other categories, and shown as nothing or as a blank: fillers, joiners, variation selectors."""
_LINK: Final = re.compile(r"(?i)\bwww\.")
"""What forges make a link of also where they see no other Markdown, in the middle of HTML."""


def inert(sentence: Sentence) -> str:
    """The sentence as Markdown; what is not ours as code. Alone, it is a message, which may have lines of its own."""
    show = message if len(sentence) == 1 else code
    return "".join(show(part.text) if isinstance(part, Data) else part for part in sentence)


def message(text: str) -> str:
    """A message as inline code, line by line, also inside a table; of a traceback only where it ends.

    The engine's own output, which a report has as well, holds it whole.
    """
    left, room = _MAX_MESSAGE, _MAX_RENDERED
    shown = []
    for line in _TRACEBACK.sub(_last_frame, text).splitlines():
        if line.strip() and left > 0 and room > 0:
            shown.append(code(line, left, room))
            left -= len(line)
            room -= len(shown[-1]) + len("<br>")
    return "<br>".join(shown)


def code(text: str, limit: int = _MAX_LENGTH, room: int = _MAX_RENDERED) -> str:
    """The text as inline code, on one line, also inside a table; of a long one only the beginning.

    As HTML with character references: Markdown gives those no meaning, forges look for no mentions in code.

    Args:
        limit: characters of the text.
        room: characters that they may become. Without it, one text of signs only could take the place of all others.
    """
    shown = visible(" ".join(text.split()))
    kept: list[str] = []
    for char in shown[:limit]:
        referenced = _referenced(char)
        room -= len(referenced)
        if room < 0:
            break
        kept.append(referenced)
    if len(kept) < len(shown):
        kept.append("…")
    return f"<code>{_LINK.sub(_no_link, ''.join(kept))}</code>" if shown else ""


def word(text: str) -> str:
    """A short text as it is where it can only be a name and a version, such as ``Redis 6.0``; else as code."""
    return text if _HARMLESS.fullmatch(text) else code(text)


def block(text: str, language: str = "") -> str:
    """The text as a code block, behind a fence that nothing in it can close."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{visible(text)}\n{fence}"


def visible(text: str) -> str:
    """The text with its invisible characters spelt out, but for line feeds and tabs.

    Control characters and those that turn the direction of writing can make a line look like another one.
    """
    return _NOT_PLAIN.sub(_spelt_out, text)


def _last_frame(found: re.Match[str]) -> str:
    frames = _FRAME.findall(found[1])
    return "{}, line {}: ".format(*frames[-1]) if frames else ""


def _spelt_out(found: re.Match[str]) -> str:
    char = found[0]
    is_hidden = unicodedata.category(char) in _HIDDEN or _BLANK.match(char)
    return f"\\u{ord(char):04x}" if is_hidden else char


def _no_link(found: re.Match[str]) -> str:
    return found[0].replace(".", "&#46;")


def _referenced(char: str) -> str:
    if char == "@":
        # An address becomes a link even from references, unless something stands between its parts.
        return "<wbr>&#64;"
    return char if char in _SAFE or ord(char) > 127 else f"&#{ord(char)};"

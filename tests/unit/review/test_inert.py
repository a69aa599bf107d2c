"""Other people's texts do nothing in a comment."""

from __future__ import annotations

import html
import re
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_dcs.review.inert import block, code, inert, message, visible, word
from pulumi_dcs.review.sentence import Data

HOSTILE = [
    "`x` **bold** _it_ ~~s~~ [link](http://evil.example) ![i](x)",
    "<!-- hidden",
    "</code></td></details><script>alert(1)</script>",
    "@everyone please merge",
    "a | b | c",
    "closes #12, !13, GH-14, ~label %milestone $snippet",
    "line one\n\n# heading\n- item",
    "&lt;b&gt; &#96;",
    "\\` \\| \\\\",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_inline_code_has_nothing_that_means_anything(text: str) -> None:
    shown = code(text)
    inside = shown.removeprefix("<code>").removesuffix("</code>").replace("<wbr>", "")
    assert not re.search(r"[`|<>*_@~\[\]\\\n]|&(?!#\d+;)|#(?!\d+;)", inside)
    assert html.unescape(inside) == " ".join(text.split())


@given(st.text())
def test_any_text_stays_within_its_code(text: str) -> None:
    inside = code(text).removeprefix("<code>").removesuffix("</code>").replace("<wbr>", "")
    assert not re.search(r"[`|<>*_@\\\n\r\u2028\u202e\u200b]", inside)


@given(st.text(alphabet="`~ab\n<!->", max_size=40))
def test_nothing_in_a_block_closes_it(text: str) -> None:
    first, *lines, last = block(text, "diff").split("\n")
    fence = first.removesuffix("diff")
    assert last == fence
    assert set(fence) == {"`"}
    assert not any(line.strip().startswith(fence) for line in lines)


def test_invisible_characters_are_spelt_out() -> None:
    assert visible("safe\u202egnp.exe\u200b\x1b[31m\n\tx") == "safe\\u202egnp.exe\\u200b\\u001b[31m\n\tx"


def test_a_long_text_is_cut() -> None:
    assert code("x" * 10_000).count("x") == 300
    assert len(inert((Data("x" * 10_000),))) < 2100


def test_an_engine_and_its_version_are_plain_words() -> None:
    assert word("Redis 6.0") == "Redis 6.0"
    assert word("Redis @all") == "<code>Redis <wbr>&#64;all</code>"
    assert word("www.evil.example") == "<code>www&#46;evil.example</code>"


def test_of_a_traceback_only_its_end_is_shown() -> None:
    try:
        int("x")
    except ValueError:
        text = f"Program failed with an unhandled exception:\n{traceback.format_exc()}"
    shown = html.unescape(message(text))
    first, last = shown.split("<br>")
    assert first == "<code>Program failed with an unhandled exception:</code>"
    assert re.fullmatch(r"<code>test_inert.py, line \d+: ValueError: invalid .*: 'x'</code>", last)


def test_of_chained_tracebacks_each_end_is_shown() -> None:
    text = (
        'Traceback (most recent call last):\n  File "a/b.py", line 1\n    x = 1\n\nKeyError: 1\n\nDuring handling:\n\n'
    )
    shown = html.unescape(message(text + 'Traceback (most recent call last):\n  File "c.py", line 2, in f\nOSError'))
    assert shown.split("<br>") == [
        f"<code>{line}</code>" for line in ("b.py, line 1: KeyError: 1", "During handling:", "c.py, line 2: OSError")
    ]


def test_a_message_of_many_lines_stays_readable_and_short() -> None:
    assert message("The backup failed.\n  dcs.08.0002\n\n  What to do") == (
        "<code>The backup failed.</code><br><code>dcs.08.0002</code><br><code>What to do</code>"
    )
    assert len(message("x" * 30 + "\n" + ("y" * 30 + "\n") * 1000)) < 6000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see www.evil.example", "see www&#46;evil.example"),
        ("(WWW.evil.example", "&#40;WWW&#46;evil.example"),
        ("mail a@evil.example", "mail a<wbr>&#64;evil.example"),
        ("ftp://evil.example", "ftp&#58;&#47;&#47;evil.example"),
        ("1.2 of 4 GB", "1.2 of 4 GB"),
    ],
)
def test_nothing_becomes_a_link(text: str, expected: str) -> None:
    """GitHub's Markdown finds addresses also between tags: ``www.`` as it is written, ``a@b`` even from references."""
    assert code(text) == f"<code>{expected}</code>"


@pytest.mark.parametrize("char", "\u3164\u115f\u2800\u034f\ufe0f\uffa0\U000e0101")
def test_characters_that_look_like_nothing_are_spelt_out(char: str) -> None:
    assert code(f"a{char}b") == f"<code>a&#92;u{ord(char):04x}b</code>"


@given(st.text(alphabet="<@&`x\n", max_size=10_000))
def test_a_text_of_signs_only_takes_no_more_room_than_another(text: str) -> None:
    assert len(message(text)) < 3100
    assert len(code(text)) < 3100


def test_a_name_stays_on_its_line_in_a_sentence() -> None:
    assert inert(("Backup ", Data("a\nBackup b"), " is deleted.")) == "Backup <code>a Backup b</code> is deleted."
    assert len(inert(("Backup ", Data("x" * 10_000)))) < 400


def test_a_message_of_many_lines_of_signs_takes_no_more_room_than_one_line() -> None:
    assert len(message("<|>`@\n" * 400)) < 3200
    assert len(message("<|>`@" * 400)) < 3200

"""Matches remarks with the declared regular expression, within a time that no pattern can exceed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Final

from ..operations.errors import OperationError

MAX_LENGTH: Final = 256
"""Characters of a pattern: twice what a remark can have."""
_MAX_REMARK_LENGTH: Final = 512
"""Characters of a remark; the service allows 128, marks included. A longer one is not matched, and so stays."""
_MAX_QUICK_CHOICES: Final = 2
"""Repeats and alternatives up to which a pattern without a repeated group takes at most some 100,000 steps for a
remark."""
_TIMEOUT: Final = 5.0
"""Seconds for all remarks of an instance together, in a process of its own, starting which takes 0.03."""
_IN_A_PROCESS: Final = """
import json, re, sys
told = json.load(sys.stdin)
found = re.compile(told["pattern"])
json.dump([found.fullmatch(each) is not None for each in told["texts"]], sys.stdout)
"""


class PatternTooSlowError(OperationError):
    """Matching the pattern takes too long; so nothing is known of what matches."""

    def __init__(self) -> None:
        super().__init__(
            f"remark: to match it takes more than {_TIMEOUT:.0f} s; no backup was deleted.",
            advice="write the pattern without repeats inside of repeats, such as (a+)+.",
        )


def problem(pattern: str) -> str:
    """What is wrong with the pattern, to follow "remark: "; empty if nothing is."""
    if len(pattern) > MAX_LENGTH:
        return f"it has {len(pattern)} characters; shorten it to at most {MAX_LENGTH}."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError, ValueError) as error:
        return f"it is not a regular expression, {error or 'too deeply nested'}."
    try:
        matches_nothing = matcher(pattern, [""])("")
    except PatternTooSlowError as error:
        return error.summary.removeprefix("remark: ")
    if matches_nothing:
        return (
            "it matches the empty remark, which backups have that nobody has described; name what the backups "
            'to delete have in common, such as "nightly .*".'
        )
    return ""


def matcher(pattern: str, remarks: Iterable[str]) -> Callable[[str], bool]:
    """Tell which of these remarks match as a whole. Others, and too long ones, don't.

    Python's ``re`` can take exponential time, and holds every other thread up meanwhile. So only a pattern that
    certainly can't is matched here; any other one in a process that is ended when its time is up.

    Raises:
        PatternTooSlowError: its time was up.
    """
    texts = sorted({each for each in remarks if len(each) <= _MAX_REMARK_LENGTH})
    found = _quick(pattern, texts) if _is_quick(pattern) else _limited(pattern, texts)
    return found.__contains__


def _is_quick(pattern: str) -> bool:
    """Whether it can't take long: few repeats and alternatives, and no repeated group. Escaped characters count too."""
    choices = sum(pattern.count(each) for each in "*+?{|")
    return choices <= _MAX_QUICK_CHOICES and not re.search(r"\)[*+?{]", pattern)


def _quick(pattern: str, texts: list[str]) -> set[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = re.compile(pattern)
    return {text for text in texts if compiled.fullmatch(text) is not None}


def _limited(pattern: str, texts: list[str]) -> set[str]:
    told = json.dumps({"pattern": pattern, "texts": texts})
    command = [sys.executable, "-I", "-S", "-W", "ignore", "-c", _IN_A_PROCESS]
    try:
        done = subprocess.run(
            command,
            input=told,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=_TIMEOUT,
            check=True,
        )
        answers = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise PatternTooSlowError from None
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise OperationError(
            "remark: the pattern could not be matched; no backup was deleted.",
            facts=[f"Python could not be started for it: {type(error).__name__}"],
            advice="use a simpler pattern, with at most two of * + ? { | and no repeat after a closing parenthesis.",
        ) from None
    return {text for text, answer in zip(texts, answers, strict=True) if answer}

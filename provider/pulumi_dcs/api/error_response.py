"""Turns an answer that is no success into the exception that says so, whatever shape its body has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Final

from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from ..operations.operation import in_words
from . import error_codes
from .clock import Clock
from .errors import (
    AuthenticationError,
    InstanceBusyError,
    NotFoundError,
    ServiceError,
    ThrottledError,
    UnreadableAnswerError,
)
from .signing import SIGNING_WINDOW
from .transport import Answer, Request

_LONGEST_MESSAGE: Final = 500
_TAG: Final = re.compile(r"<[^>]*>")
_HTML_HEAD: Final = re.compile(r"<(script|style)\b.*?(</\1>|$)", re.IGNORECASE | re.DOTALL)


def error_from(
    answer: Answer, request: Request, *, attempt: str, region: str, clock: Clock, secrets: Sequence[str]
) -> ServiceError:
    """The error that this answer stands for.

    Args:
        attempt: what was attempted, to follow "to": ``back up instance 9ca3…``.
        region: where, as the user named it; may be empty.
        secrets: texts that must not appear in the error, even where the service sends them back.
    """

    def redacted(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    # Before anything is cut: the beginning of a secret at a cut's edge would no longer be recognised.
    code, message = _code_and_message(answer, redacted)
    request_id = clean(redacted(answer.headers.get("X-Request-Id", "")))[:100]
    status_line = " ".join(filter(None, [f"HTTP {answer.status}", f" {code}:" if code else "", message]))
    where = f"{request.method} {request.path}" + (f" in {region}" if region else "")
    facts = [status_line, f"request id {request_id}, {where}" if request_id else where]
    kind, verb = _kind(answer.status, code)
    advice = error_codes.advice_for(answer.status, code)
    if target := answer.headers.get("Location", ""):
        facts.append(f"it points to {clean(redacted(target))[:200]}; redirects are not followed")
    if kind is AuthenticationError and (skew := clock_skew(answer, clock)) is not None:
        minutes = round(abs(skew) / 60) * 60
        facts.append(
            f"this machine's clock is {in_words(minutes)} {'ahead of' if skew > 0 else 'behind'} the service's"
        )
        advice = "set this machine's clock: signatures are valid for 15 minutes only."
    return kind(
        f"DCS {verb} to {attempt}" if verb == "refused" else f"DCS {verb} {attempt}",
        http_status=answer.status,
        error_code=code,
        error_msg=message,
        request_id=request_id,
        retry_after=_retry_after(answer),
        facts=facts,
        advice=advice,
    )


def clean(text: str) -> str:
    """The text on one line, without control characters, and cut to a readable length."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= _LONGEST_MESSAGE else line[:_LONGEST_MESSAGE] + "…"


def service_time(answer: Answer) -> datetime | None:
    """The service's clock when it answered, in whole seconds; None where the answer does not say."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def clock_skew(answer: Answer, clock: Clock) -> float | None:
    """By how many seconds the local clock is ahead, where that is more than signatures bear; else None."""
    theirs = service_time(answer)
    if theirs is None:
        return None
    skew = clock.time() - theirs.timestamp()
    return skew if abs(skew) > SIGNING_WINDOW else None


def _kind(status: int, code: str) -> tuple[type[ServiceError], str]:
    if status == 429 or code == error_codes.THROTTLED:
        return ThrottledError, "refused"
    if status in (401, 403):
        return AuthenticationError, "refused"
    if status == 404:
        return NotFoundError, "refused"
    if status == 400 and code in error_codes.BUSY:
        return InstanceBusyError, "refused"
    if 300 <= status < 400:
        return ServiceError, "redirected us when asked to"
    if 400 <= status < 500 and status != 408:
        return ServiceError, "refused"
    return UnreadableAnswerError, "failed to" if status >= 500 else "gave no usable answer when asked to"


def _code_and_message(answer: Answer, redacted: Callable[[str], str]) -> tuple[str, str]:
    """The code and message of an answer: the documented shape, a gateway's, HTML, plain text, or nothing."""
    body = answer.json()
    if isinstance(body, Mapping):
        for part in (body, body.get("error")):
            if isinstance(part, str) and part:
                return "", clean(redacted(part))
            if not isinstance(part, Mapping):
                continue
            code = _first_text(part, "error_code", "code", "errorCode")
            message = _first_text(part, "error_msg", "message", "errorMsg", "msg", "title")
            if code or message:
                return clean(redacted(code))[:64], clean(redacted(message))
    text = redacted(answer.body.decode("utf-8", "replace"))[:65536]
    if "<" in text:
        text = " ".join(_TAG.sub(" ", _HTML_HEAD.sub(" ", text)).split())
    text = clean(text)
    if text:
        note = "" if answer.complete else " (the answer was cut off)"
        return "", f"{text[:200]}{note}"
    return "", "the answer was cut off" if not answer.complete else "an empty answer"


def _first_text(part: Mapping[str, object], *names: str) -> str:
    for name in names:
        value = part.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""


def _retry_after(answer: Answer) -> float | None:
    header = answer.headers.get("Retry-After", "")
    try:
        return max(0.0, float(Retry(0).parse_retry_after(header))) if header else None
    except (InvalidHeader, ValueError, OverflowError):
        return None

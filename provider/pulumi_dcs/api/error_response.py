"""Turns a response that is no success into the exception that tells of it, whatever shape its body has."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from . import error_codes
from .clock import Clock, in_words
from .errors import (
    AuthenticationError,
    InstanceBusyError,
    NotFoundError,
    ServiceError,
    ThrottledError,
    UnexpectedResponse,
)
from .messages import Request, Response, service_time
from .signing import SIGNING_WINDOW

__all__ = ["clean", "clock_skew", "describe", "error_from", "is_throttled", "named_wait", "service_time"]

_MAX_MESSAGE: Final = 500
"""Characters. The service's own messages have under 200; a gateway's page can have any number."""
_MAX_PAGE: Final = 65536
"""Characters of a page that are searched for text: tags are found by a pattern, which takes time on megabytes."""
_ERROR_FIELDS: Final = ("error_code", "error_msg", "code", "message")
"""Where the service and its gateways have an error's code and message."""
_TAG: Final = re.compile(r"<[^>]*>")
_HTML_HEAD: Final = re.compile(r"<(script|style)\b.*?(</\1>|$)", re.IGNORECASE | re.DOTALL)
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def error_from(
    response: Response,
    request: Request,
    *,
    action: str,
    region: str,
    clock: Clock,
    secrets: Iterable[str],
    service: str = "DCS",
    retry_after: float | None = None,
) -> ServiceError:
    """The error that this response stands for.

    Args:
        action: what was asked for, to follow "to": ``back up instance 9ca3…``.
        region: where, as the user named it; may be empty.
        secrets: texts that must not appear in the error, even where the service sends them back.
        service: what responded.
        retry_after: seconds until the next request may leave, where that is known better than from the response.
    """
    if request.is_confidential:
        response = _documented_part(response)
    redacted = redaction(secrets)
    # Before anything is cut: the beginning of a secret at a cut's edge would no longer be recognised.
    sent_code, message = _code_and_message(response, redacted)
    code = error_codes.canonical(sent_code)
    shown_code = code if code == sent_code else f"{code} (sent as {sent_code})"
    request_id = clean(redacted(response.headers.get("X-Request-Id", "")))[:100]
    status_line = " ".join(filter(None, [f"HTTP {response.status}", f" {shown_code}:" if code else "", message]))
    where = describe(request, region)
    facts = [status_line, f"request id {request_id}, {where}" if request_id else where]
    kind, verb = _kind(response.status, code)
    advice = error_codes.advice_for(response.status, code)
    if target := response.headers.get("Location", ""):
        facts.append(f"it points to {clean(redacted(target))[:200]}; redirects are not followed")
    if kind is AuthenticationError and (skew := clock_skew(response, clock)) is not None:
        minutes = round(abs(skew) / 60) * 60
        facts.append(
            f"this machine's clock is {in_words(minutes)} {'ahead of' if skew > 0 else 'behind'} the service's"
        )
        advice = "set this machine's clock: signatures are valid for 15 minutes only."
    return kind(
        f"{service} {verb} {action}",
        http_status=response.status,
        error_code=code,
        error_msg=message,
        request_id=request_id,
        retry_after=retry_after if retry_after is not None else named_wait(response),
        facts=facts,
        advice=advice,
    )


def describe(request: Request, region: str) -> str:
    """The request as messages show it: ``POST /v2/… in cn-north-4``."""
    return f"{request.method} {request.path}" + (f" in {region}" if region else "")


def clean(text: str) -> str:
    """The text on one line, without control characters, and cut to a readable length."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= _MAX_MESSAGE else line[:_MAX_MESSAGE] + "…"


def clock_skew(response: Response, clock: Clock) -> float | None:
    """By how many seconds the local clock is ahead, where that is more than signatures bear; else None."""
    theirs = service_time(response)
    if theirs is None:
        return None
    skew = clock.time() - theirs.timestamp()
    return skew if abs(skew) > SIGNING_WINDOW else None


def is_throttled(response: Response) -> bool:
    """Whether the response says that there are too many requests."""
    return response.status == 429 or (
        response.status >= 400 and _code_and_message(response, str)[0] == error_codes.THROTTLED
    )


def named_wait(response: Response) -> float | None:
    """The seconds that the response wants us to wait; None where it names none."""
    header = response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(Retry(0).parse_retry_after(header))) if header else None
    except (InvalidHeader, ValueError, OverflowError):
        return None


def _kind(status: int, code: str) -> tuple[type[ServiceError], str]:
    """The error's class, and what leads from the service's name to the action."""
    if status == 429 or code == error_codes.THROTTLED:
        return ThrottledError, "refused to"
    if status in (401, 403):
        return AuthenticationError, "refused to"
    if status == 404:
        return NotFoundError, "refused to"
    if error_codes.is_busy(status, code):
        return InstanceBusyError, "refused to"
    if 300 <= status < 400:
        return ServiceError, "redirected us when asked to"
    if 400 <= status < 500 and status != 408:
        return ServiceError, "refused to"
    return UnexpectedResponse, "failed to" if status >= 500 else "gave no usable response when asked to"


def redaction(secrets: Iterable[str]) -> Callable[[str], str]:
    """What puts asterisks in place of the secrets in a text."""
    hidden = _forms(secrets)

    def redacted(text: str) -> str:
        for secret in hidden:
            text = text.replace(secret, "***")
        return text

    return redacted


def _forms(secrets: Iterable[str]) -> list[str]:
    """The secrets as they are, and as gateways write them into URLs and pages; longer ones first."""
    forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""), html.escape(secret))}
    return sorted(forms, key=len, reverse=True)


def _documented_part(response: Response) -> Response:
    """The response with nothing in its body but the code and message of an error, where it has them as documented."""
    body = response.json()
    told = body if isinstance(body, Mapping) and response.status >= 400 else {}
    if isinstance(told.get("error"), Mapping):
        told = told["error"]
    kept = {name: told[name] for name in _ERROR_FIELDS if isinstance(told.get(name), (str, int))}
    return replace(response, body=json.dumps(kept).encode() if kept else b"(the response is not shown)")


def _code_and_message(response: Response, redacted: Callable[[str], str]) -> tuple[str, str]:
    """The code and message of a response: the documented shape, a gateway's, HTML, plain text, or nothing."""
    body = response.json()
    if isinstance(body, Mapping):
        for part in (body, body.get("error")):
            if isinstance(part, str) and part:
                return "", clean(redacted(part))
            if not isinstance(part, Mapping):
                continue
            code = redacted(_first_text(part, "error_code", "code", "errorCode"))
            message = _first_text(
                part, "error_msg", "message", "errorMsg", "msg", "title", "ext_message", "error_ext_msg"
            )
            if code and not _CODE.fullmatch(code):
                code, message = "", f"{code} {message}".strip()
            if code or message:
                return code, clean(redacted(message))
    text = redacted(response.body.decode("utf-8", "replace"))[:_MAX_PAGE]
    if "<" in text:
        text = " ".join(_TAG.sub(" ", _HTML_HEAD.sub(" ", text)).split())
    text = clean(text)
    if text:
        note = "" if response.is_complete else " (the response was cut off)"
        return "", f"{text[:200]}{note}"
    return "", "the response was cut off" if not response.is_complete else "an empty response"


def _first_text(part: Mapping[str, object], *names: str) -> str:
    for name in names:
        value = part.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""

"""Says in Pulumi's terms what to do about an error of the API: the settings and commands by which a user can do it."""

from __future__ import annotations

from ..api.errors import AuthenticationError, ConnectionFailed, DcsError, ThrottledError


def in_pulumis_terms(error: DcsError, *, fact: str = "", advice: str = "") -> str:
    """An error as the user reads it.

    Args:
        fact: what is true beside its own facts.
        advice: what to do instead of its own advice.
    """
    facts = (*error.facts, *([fact] if fact else []))
    return str(DcsError(error.summary, facts=facts, advice=advice or _advice(error)))


def _advice(error: DcsError) -> str:
    """The error's own advice, and how to follow it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionFailed):
            return _with(error, "The endpoint follows from the region, or is set by dcs:endpoint or DCS_ENDPOINT.")
        if isinstance(cause, ThrottledError):
            return _with(error, "`--parallel` limits how many resources are worked on at once.")
        if isinstance(cause, AuthenticationError) and cause.http_status == 401:
            return _with(error, "The keys are set by dcs:accessKey and dcs:secretKey, or in the environment.")
        cause = cause.__cause__
    return error.advice


def _with(error: DcsError, hint: str) -> str:
    return f"{error.advice} {hint}" if error.advice else hint

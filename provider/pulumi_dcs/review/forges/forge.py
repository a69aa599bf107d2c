"""What the pipelines ask of a forge: a comment on the request, a label, the plan that was reviewed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

LABELS: Final[Mapping[str, str]] = {
    "backup: none": "ededed",
    "backup: create": "0e8a16",
    "backup: delete": "d93f0b",
    "backup: restore": "b60205",
}
"""The labels and their colours; a request has one of them at a time."""
_MAX_MESSAGE: Final = 300
MAX_WAIT: Final = 120.0
"""Seconds that a rate limit is waited for, whatever the forge or the runner's clock says."""
UNREADABLE: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What the libraries raise on responses and settings of another shape than they expect. It may hold tokens."""


class ForgeError(Exception):
    """The forge refused something, or can't be reached; its text says what, why and what to do."""


class NoRequestError(ForgeError):
    """The commit belongs to no pull or merge request, such as one that was pushed directly."""


@dataclass(frozen=True)
class Reviewed:
    """What the preview of a merged request handed over.

    Attributes:
        files: by name, without folders.
        commit: the request's head, which was previewed.
        url: the page of that preview.
    """

    files: Mapping[str, bytes] = field(repr=False)
    commit: str
    url: str


class NothingReviewed(Exception):
    """There is no plan that was reviewed for this commit; its text says what was found instead."""


class Forge(Protocol):
    """A forge, as the pipelines use it. Every method raises ForgeError."""

    def comment(self, marker: str, text: str) -> str:
        """Write the comment with this marker on the request, or edit our own that is there; its URL."""

    def label(self, label: str) -> None:
        """Give the request this one of ``LABELS`` and take the others off."""

    def reviewed(self, stack: str) -> Reviewed:
        """What the preview of the merged request's head commit handed over.

        Raises:
            NothingReviewed: there is nothing, or only what does not count.
        """


def forge_of(environment: Mapping[str, str] = os.environ) -> Forge:
    """The forge that this pipeline runs at.

    Raises:
        ForgeError: a variable or the extra ``review`` is missing.
    """
    try:
        if environment.get("GITLAB_CI"):
            from .gitlab import GitLabForge

            return GitLabForge(environment)
        from .github import GitHubForge

        return GitHubForge(environment)
    except ModuleNotFoundError as error:
        if error.name not in ("github", "gitlab"):
            raise
        raise ForgeError('The comment and the plan need the extra: pip install "pulumi-dcs[review]"') from None


def required(environment: Mapping[str, str], *names: str) -> list[str]:
    """The variables' values.

    Raises:
        ForgeError: one of them is not set.
    """
    # A line feed at the end is easily pasted with a token, and can't be sent.
    found = {name: environment.get(name, "").strip() for name in names}
    for name, value in found.items():
        if not value:
            raise ForgeError(f"{name} is not set. {_HOW.get(name, 'The runner sets it.')}")
    return list(found.values())


def request_number(environment: Mapping[str, str], name: str) -> int | None:
    """The number of the request that this variable names; None where it names none.

    Raises:
        ForgeError: it is no number.
    """
    number = environment.get(name, "").strip()
    if number and not (number.isascii() and number.isdigit()):
        raise ForgeError(f"{name} is {number[:40]!r}, which is no number: set it to the number of the request.")
    return int(number) if number else None


def refused(action: str, status: int | None, message: object, advice: str) -> ForgeError:
    """The error for something that a forge refused."""
    said = " ".join(str(message or "").split())[:_MAX_MESSAGE]
    how = f"HTTP {status}" if status else "no response"
    return ForgeError(f"Could not {action}: {how}{f', {said!r}' if said else ''}. What to do: {advice}")


def unreadable(action: str, error: BaseException) -> ForgeError:
    """The error for one of ``UNREADABLE``, of which only the kind is told."""
    return ForgeError(
        f"Could not {action}: a response or a setting has another shape than expected ({type(error).__name__}). "
        "What to do: look whether the variables of the forge are right and whether it is up, and run the job again."
    )


_HOW: Final[Mapping[str, str]] = {
    "GITHUB_TOKEN": "Set it for this step: GITHUB_TOKEN: ${{ github.token }}.",
    "GITLAB_TOKEN": "Set it to a project access token with the scope `api`.",
}

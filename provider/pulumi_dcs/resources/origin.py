"""Where something was made: what seems to be gone may have been looked for at another endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..api.location import Location
from ..operations.errors import OperationError
from .names import ENDPOINT


class WrongEndpointError(OperationError):
    """Something is not at this endpoint, but it was made at another one: that proves nothing."""


def is_elsewhere(properties: Mapping[str, Any], location: Location) -> bool:
    """Whether the resource with these outputs was made at another endpoint than this one."""
    made_at = properties.get(ENDPOINT)
    return bool(made_at) and made_at != location.endpoint


def check_origin(what: str, properties: Mapping[str, Any], location: Location) -> None:
    """Make sure that what seems to be gone was looked for where it was made.

    Args:
        what: it, in words: ``backup 6f1e… of instance 9ca3…``.

    Raises:
        WrongEndpointError: it was not.
    """
    if is_elsewhere(properties, location):
        raise WrongEndpointError(
            f"{what[:1].upper()}{what[1:]} is not at {location.endpoint}, but it was made at {properties[ENDPOINT]}.",
            advice="set dcs:endpoint or DCS_ENDPOINT (or take them away) so that the endpoint is the one that it was "
            "made at; if that one no longer exists, `pulumi state delete` forgets it.",
        )

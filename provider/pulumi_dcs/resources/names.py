"""The names of properties that every resource has; a program that declares one needs no more of this room."""

from __future__ import annotations

from typing import Final

ENDPOINT: Final = "endpoint"
"""The output that says where the resource was made."""
SECRET_INPUTS: Final = "__secretInputs"
"""Where the inputs hold secrets (``triggers.token``), so that a change of that is noticed. Pulumi hides what is
named like this in its diffs."""

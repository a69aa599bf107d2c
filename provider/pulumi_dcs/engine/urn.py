"""What a URN tells about its resource."""

from __future__ import annotations


def resource_name(urn: str) -> str:
    """The name by which the program declares the resource of that URN."""
    # urn:pulumi:<stack>::<project>::<types>::<name>; only the name may have "::" in it.
    return urn.split("::", 3)[-1]

"""Which of a backup's outputs are encrypted in the state: version 0.1 kept no note of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..engine.requests import DiffRequest
from ..engine.values import SECRET
from ..resources.inputs import newly_secret
from ..resources.names import SECRET_INPUTS
from ..session import Session


def with_note_of_encrypted(request: DiffRequest, session: Session) -> Mapping[str, Any]:
    """The old outputs, with the note of what in them is encrypted.

    Where there is none, the old inputs have it, once a run has kept it; else the saved state is read. Where that can't
    be done, nothing counts as encrypted.
    """
    old = request.old_outputs
    if SECRET_INPUTS in old or not newly_secret(old, request.new_inputs):
        return old
    noted = request.old_inputs.get(SECRET_INPUTS) or _encrypted_in_state(request, session)
    return {**old, SECRET_INPUTS: noted} if noted else old


def _encrypted_in_state(request: DiffRequest, session: Session) -> Sequence[str]:
    """The paths among those that are secret now which the saved state has encrypted."""
    places = [
        place
        for resource in session.in_state(request.urn)
        if resource.urn == request.urn and resource.id == request.id and not resource.is_pending_delete
        for name, value in resource.outputs.items()
        for place in _secret_places(value, name)
    ]
    return [
        path
        for path in request.new_inputs[SECRET_INPUTS]
        if any(path == place or path.startswith((f"{place}.", f"{place}[")) for place in places)
    ]


def _secret_places(value: Any, path: str) -> Iterator[str]:
    """Where the value is encrypted, as ``engine.registration`` names such places."""
    if value is SECRET:
        yield path
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _secret_places(part, f"{path}.{name}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _secret_places(part, f"{path}[{number}]")

"""The other retentions of the same instance: none deletes what another one counts among its newest."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..engine.stack_state import StateResource
from ..engine.unknowns import has_unknowns
from ..engine.urn import resource_name
from ..resources.run_backups import location_of
from ..session import Session
from .names import RESOURCE_TYPE


@dataclass(frozen=True)
class Sibling:
    """Another retention of the instance.

    Attributes:
        remark: its pattern; None for one that is a secret of another process, and could match anything.
    """

    urn: str
    keep: int
    remark: str | None

    @property
    def name(self) -> str:
        """The resource's name."""
        return resource_name(self.urn)


class Siblings:
    """The retentions that this process has heard of; to be shared by ``session.shared``."""

    def __init__(self, _session: Session) -> None:
        self._lock = threading.Lock()
        self._declared: dict[str, tuple[dict[str, str], Sibling | None]] = {}

    def note(self, urn: str, inputs: Mapping[str, Any]) -> None:
        """Note a retention as it is declared now."""
        with self._lock:
            self._declared[urn] = (location_of(inputs), _sibling(urn, inputs))

    def of(self, urn: str, properties: Mapping[str, Any], resources: Iterable[StateResource]) -> list[Sibling]:
        """The other retentions of the instance: those of the program, else as the state has them.

        Args:
            urn: the retention itself.
            properties: its inputs.
            resources: what the stack's state holds.
        """
        found = {
            each.urn: (location_of(each.inputs), _sibling(each.urn, each.inputs))
            for each in resources
            if f"::{RESOURCE_TYPE}::" in each.urn
        }
        with self._lock:
            found |= self._declared
        location = location_of(properties)
        return [
            sibling
            for other, (where, sibling) in sorted(found.items())
            if other != urn and where == location and sibling is not None
        ]


def _sibling(urn: str, inputs: Mapping[str, Any]) -> Sibling | None:
    """The retention with these inputs; None where they are not known yet."""
    keep, remark = inputs.get("keep"), inputs.get("remark")
    if not isinstance(keep, int) or isinstance(keep, bool) or has_unknowns(remark):
        return None
    return Sibling(urn, keep, remark if isinstance(remark, str) else None)

"""The other retentions of the same instance: none deletes what another one counts among its newest."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
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
        keep_ids: the backups that it names; none where they are a secret of another process.
    """

    urn: str
    keep: int
    remark: str | None
    keep_ids: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The resource's name."""
        return resource_name(self.urn)


class Siblings:
    """The retentions that this process has heard of; to be shared by ``session.shared``."""

    def __init__(self, _session: Session) -> None:
        self._lock = threading.Lock()
        self._declared: dict[str, tuple[dict[str, str], Sibling | None]] = {}
        self._listed: dict[str, Collection[str]] = {}

    def note(self, urn: str, inputs: Mapping[str, Any]) -> None:
        """Note a retention as it is declared now."""
        with self._lock:
            self._declared[urn] = (location_of(inputs), _sibling(urn, inputs))

    def note_listed(self, urn: str, backup_ids: Collection[str]) -> None:
        """Note what a preview lists for a retention as what goes."""
        with self._lock:
            self._listed[urn] = backup_ids

    def listing(self, urn: str, backup_ids: Iterable[str]) -> tuple[str, str] | None:
        """One of these backups that the preview lists for another retention, and the other's name; None for none."""
        with self._lock:
            return next(
                (
                    (each, resource_name(other))
                    for each in backup_ids
                    for other, listed in self._listed.items()
                    if other != urn and each in listed
                ),
                None,
            )

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
    keep, remark, keep_ids = inputs.get("keep"), inputs.get("remark"), inputs.get("keep_ids")
    if not isinstance(keep, int) or isinstance(keep, bool) or has_unknowns(remark):
        return None
    named = keep_ids if isinstance(keep_ids, (list, tuple)) else ()
    return Sibling(
        urn,
        keep,
        remark if isinstance(remark, str) else None,
        tuple(each for each in named if isinstance(each, str)),
    )

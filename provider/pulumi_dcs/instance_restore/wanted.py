"""What a create asks for, and which records can be that (see ``operations.ownership.Wanted``)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..api.migrations import MigrationTask
from ..api.restores import RestoreRecord
from ..engine.urn import resource_name

_MAX_READABLE: Final = 36
"""Characters of a resource's name in its tasks' names, which have at most 64: what follows takes up to 25."""


@dataclass(frozen=True)
class WantedRestore:
    """A restore in place."""

    backup_id: str

    @property
    def content(self) -> Mapping[str, str]:
        """What is asked for, to be kept in the journal."""
        return {"backup_id": self.backup_id}

    def fits(self, record: RestoreRecord, content: Mapping[str, str]) -> bool:
        """Whether the restore is what a request with that content asked for.

        Whatever its remark: the service may make another text of that, and a restore that is not recognised would be
        carried out again. One that somebody else started meanwhile from the same backup has done the same.
        """
        return record.backup_id in ("", content.get("backup_id", ""))

    def resembles(self, record: RestoreRecord) -> bool:
        """Whether the restore can be what an earlier create with the same inputs made: any one of the same backup."""
        return record.backup_id in ("", self.backup_id)

    def is_marked(self, record: RestoreRecord) -> bool:
        """Nothing in a restore's record tells whose it is."""
        return False


@dataclass(frozen=True)
class WantedImport:
    """An import, which bears a name of ours.

    Attributes:
        prefix: what the names of this resource's tasks with these inputs in this generation begin with.
        name: this create's own.
        is_name_proof: whether only creates of this generation can have written the prefix. A resource that was
            destroyed and is declared again has the same one for its first import.
    """

    prefix: str
    name: str
    is_name_proof: bool

    @property
    def content(self) -> Mapping[str, str]:
        """What is asked for, to be kept in the journal."""
        return {"name": self.name}

    def fits(self, record: MigrationTask, content: Mapping[str, str]) -> bool:
        """Whether the task is what a request with that content asked for."""
        return record.name in ("", content.get("name", ""))

    def resembles(self, record: MigrationTask) -> bool:
        """Whether the task can be what an earlier create with the same inputs made."""
        return record.name.startswith(self.prefix)

    def is_marked(self, record: MigrationTask) -> bool:
        """Whether the task's name proves whose it is."""
        return self.is_name_proof and record.name.startswith(self.prefix)


def task_prefix(urn: str, inputs_hash: str, *, organization: str = "", replaces: str = "") -> str:
    """What the names of a resource's tasks begin with: the resource's name, as far as it is allowed, and a hash.

    Args:
        urn: of the resource.
        inputs_hash: of the inputs that call for another import.
        organization: the stack's; empty where there is none.
        replaces: the record that this one replaces; empty for the first.
    """
    told = "|".join((organization, urn, inputs_hash, replaces))
    readable = re.sub(r"[^A-Za-z0-9]+", "-", resource_name(urn)).strip("-")[:_MAX_READABLE].strip("-")
    head = readable if readable[:1].isalpha() else f"pulumi-{readable}".strip("-")[:_MAX_READABLE]
    return f"{head}-{hashlib.sha256(told.encode()).hexdigest()[:12]}-"


def task_name(prefix: str, moment: float) -> str:
    """The name of one task: the service may refuse the same name twice.

    Args:
        moment: when it is made, in seconds since the epoch.
    """
    return f"{prefix}{int(moment):x}"

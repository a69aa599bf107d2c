"""The resource's properties: its inputs, what is kept of the analyses, and what calls for another verification."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..api.backups import BackupRecord
from ..api.key_analysis import KeyAnalysis
from ..api.parsing import whole_number, word
from ..engine.requests import PropertyDiffKind
from ..engine.unknowns import has_unknowns
from ..resources.inputs import canonical_json, kind_of_change, secret_updates
from ..resources.names import ENDPOINT, SECRET_INPUTS
from .names import INPUTS as INPUT_NAMES

DEFAULT_MINIMUM_KEYS: Final = 1
ANALYSES: Final = "__analyses"
"""The hidden output that says which tasks the service still has for this resource, and what the finished ones found."""
_REPLACING: Final = ("instance_id", "backup_id", "triggers", "region", "project_id")


@dataclass(frozen=True)
class Inputs:
    """What the user declared, checked, every value of the right type; None for what was not given."""

    instance_id: str
    backup_id: str = ""
    minimum_keys: int = DEFAULT_MINIMUM_KEYS
    triggers: Mapping[str, Any] | None = None
    region: str | None = None
    project_id: str | None = None

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Inputs:
        """Read checked properties; what is not known yet counts as not given."""
        known = {
            name: properties[name]
            for name in INPUT_NAMES
            if properties.get(name) is not None and not has_unknowns(properties[name])
        }
        return cls(**{"instance_id": "", **known})


@dataclass(frozen=True)
class Counts:
    """How many keys there are, and of what size and types."""

    keys: int = 0
    bytes: int | None = 0
    by_type: Mapping[str, int] = field(default_factory=dict)
    finished_at: str = ""

    @classmethod
    def of(cls, analysis: KeyAnalysis) -> Counts | None:
        """What an analysis has found; None where it does not say."""
        if analysis.key_count is None:
            return None
        return cls(analysis.key_count, analysis.key_bytes, analysis.keys_by_type, analysis.finished_at)


@dataclass(frozen=True)
class Shard:
    """The analysis of one shard.

    Attributes:
        node_id: the shard's master.
        task_id: the service's task.
        counts: what it has found; None while it is not finished.
    """

    node_id: str
    task_id: str
    counts: Counts | None = None

    def as_output(self) -> dict[str, Any]:
        """How the state keeps it."""
        kept: dict[str, Any] = {"nodeId": self.node_id, "taskId": self.task_id}
        if self.counts is not None:
            counts = self.counts
            kept |= {"keys": counts.keys, "byType": dict(counts.by_type), "finishedAt": counts.finished_at}
            kept |= {} if counts.bytes is None else {"bytes": counts.bytes}
        return kept

    @classmethod
    def parse(cls, kept: object) -> Shard | None:
        """Read what the state has kept; None where it is nothing of that kind."""
        if not isinstance(kept, Mapping) or not word(kept.get("taskId")):
            return None
        keys, by_type = whole_number(kept.get("keys")), kept.get("byType")
        counts = None
        if keys is not None:
            types = {
                str(name): int(number) for name, number in (by_type if isinstance(by_type, Mapping) else {}).items()
            }
            counts = Counts(keys, whole_number(kept.get("bytes")), types, word(kept.get("finishedAt")))
        return cls(word(kept.get("nodeId")), word(kept["taskId"]), counts)


def shards_in(properties: Mapping[str, Any]) -> list[Shard]:
    """The analyses that the state keeps of a verification that was cut short, or whose tasks could not be removed."""
    kept = properties.get(ANALYSES)
    found = [Shard.parse(each) for each in kept] if isinstance(kept, (list, tuple)) else []
    return [each for each in found if each is not None]


def total(shards: Iterable[Counts]) -> Counts:
    """The counts of all shards together."""
    found = list(shards)
    by_type: Counter[str] = Counter()
    for each in found:
        by_type.update(each.by_type)
    sizes = [each.bytes for each in found if each.bytes is not None]
    return Counts(
        sum(each.keys for each in found),
        sum(sizes) if len(sizes) == len(found) else None,
        dict(sorted(by_type.items())),
        max((each.finished_at for each in found), default=""),
    )


def counted(properties: Mapping[str, Any]) -> int | None:
    """How many keys the backup has, as far as its verification has come to an end; None where it has not."""
    return whole_number(properties.get("key_count"))


def canonical_inputs(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as they are kept: nothing but inputs, and nothing that says nothing."""
    kept = {name: properties[name] for name in INPUT_NAMES if properties.get(name) is not None}
    if kept.get("triggers") == {}:
        kept.pop("triggers")
    if properties.get(SECRET_INPUTS):
        kept[SECRET_INPUTS] = list(properties[SECRET_INPUTS])
    return kept


def outputs(
    inputs: Mapping[str, Any],
    backup: BackupRecord | None,
    endpoint: str,
    *,
    counts: Counts | None = None,
    shards: Sequence[Shard] = (),
) -> dict[str, Any]:
    """All that is kept: the inputs, the backup's details, and what was counted.

    Args:
        counts: of all shards; None where not all are finished.
        shards: those whose tasks the service still has.
    """
    kept: dict[str, Any] = {**inputs, ENDPOINT: endpoint}
    if backup is not None:
        kept |= {
            "backup_name": backup.backup_name,
            "backup_created_at": backup.created_at,
            "backup_size": backup.size,
            "backup_format": backup.backup_format,
        }
    if counts is not None:
        kept |= {
            "key_count": counts.keys,
            "key_bytes": counts.bytes,
            "keys_by_type": dict(counts.by_type),
            "verified_at": counts.finished_at,
        }
    if shards:
        kept[ANALYSES] = [each.as_output() for each in shards]
    return {name: value for name, value in kept.items() if value is not None and value != ""}


def outputs_with(new_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs after something that has changed nothing at the service."""
    kept = {name: value for name, value in old_outputs.items() if name not in {*INPUT_NAMES, SECRET_INPUTS}}
    return {**canonical_inputs(new_inputs), **kept}


def replacements(old_inputs: Mapping[str, Any], new_inputs: Mapping[str, Any]) -> dict[str, PropertyDiffKind]:
    """Which inputs call for another verification, and how each changed."""
    changes = {}
    for name in _REPLACING:
        declared, before = new_inputs.get(name), old_inputs.get(name)
        if canonical_json(declared) != canonical_json(before):
            changes[name] = kind_of_change(before, declared, replaces=True)
    return changes


def updates(
    old_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any], new_inputs: Mapping[str, Any]
) -> dict[str, PropertyDiffKind]:
    """Which inputs changed without calling for another verification: the known count is compared with a new minimum."""
    changes = {}
    before, declared = old_inputs.get("minimum_keys"), new_inputs.get("minimum_keys")
    if canonical_json(before) != canonical_json(declared):
        changes["minimum_keys"] = kind_of_change(before, declared)
    return changes | secret_updates(old_outputs, new_inputs)

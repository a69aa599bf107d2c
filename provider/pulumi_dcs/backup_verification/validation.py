"""What check finds wrong with the inputs by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..resources.inputs import triggers_rule
from ..resources.refusals import Failure, Rule, apply, id_rule, region_rule


def check(properties: Mapping[str, Any]) -> Iterator[Failure]:
    """Everything that is wrong with the inputs by themselves. Unknown values pass."""
    required = {
        "instance_id": "give the id of the DCS instance that the backup is of.",
        # Without one, the service would make a backup and analyse that.
        "backup_id": "give the id of the backup to verify.",
    }
    yield from apply(_RULES, properties, required=required)


def _minimum_keys(value: Any) -> str:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return "" if is_count else "it must be a whole number from 0 on; 0 verifies only that the backup can be read."


_RULES: Final[Mapping[str, Rule]] = {
    "instance_id": id_rule,
    "backup_id": id_rule,
    "minimum_keys": _minimum_keys,
    "triggers": triggers_rule("verifies the backup again"),
    "region": region_rule,
    "project_id": id_rule,
}

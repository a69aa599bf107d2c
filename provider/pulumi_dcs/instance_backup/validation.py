"""What check finds wrong with the inputs by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..api.backup_format import BackupFormat
from ..resources.inputs import triggers_rule
from ..resources.mark import MARK_LENGTH, has_mark
from ..resources.refusals import Failure, Rule, apply, boolean_rule, id_rule, region_rule

MAX_REMARK_LENGTH: Final = 128
"""Characters that the service allows (DCS.4098)."""


def check(properties: Mapping[str, Any], *, is_marked: bool = False) -> Iterator[Failure]:
    """Everything that is wrong with the inputs by themselves. Unknown values pass.

    Args:
        is_marked: whether the remark has to leave room for a mark.
    """
    yield from apply(_RULES, properties, required={"instance_id": "give the id of the DCS instance to back up."})
    remark = properties.get("remark")
    limit = MAX_REMARK_LENGTH - MARK_LENGTH
    if is_marked and isinstance(remark, str) and limit < len(remark) <= MAX_REMARK_LENGTH:
        yield Failure("remark", f"it has {len(remark)} characters; with dcs:mark on, shorten it to at most {limit}.")


def _remark(value: Any) -> str:
    if not isinstance(value, str):
        return f"it must be a text of at most {MAX_REMARK_LENGTH} characters."
    if len(value) > MAX_REMARK_LENGTH:
        return f"it has {len(value)} characters; shorten it to at most {MAX_REMARK_LENGTH}."
    if has_mark(value):
        return "it ends like the mark that dcs:mark adds (~dcs: and 12 hexadecimal digits); leave that out."
    return ""


def _backup_format(value: Any) -> str:
    is_known = value in [each.value for each in BackupFormat]
    return "" if is_known else 'there is no such format; give "rdb" (the default) or "aof".'


_RULES: Final[Mapping[str, Rule]] = {
    "instance_id": id_rule,
    "remark": _remark,
    "backup_format": _backup_format,
    "triggers": triggers_rule("takes a new backup"),
    "region": region_rule,
    "project_id": id_rule,
    "wait": boolean_rule,
    "adopt_backup_id": id_rule,
    "retain_on_delete": boolean_rule,
}

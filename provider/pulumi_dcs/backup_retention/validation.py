"""What check finds wrong with the inputs by themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from ..engine.unknowns import has_unknowns
from ..resources.inputs import triggers_rule
from ..resources.refusals import Failure, Rule, apply, id_rule, region_rule
from . import pattern


def check(properties: Mapping[str, Any], *, secret_inputs: Collection[str] = ()) -> Iterator[Failure]:
    """Everything that is wrong with the inputs by themselves. Unknown values pass.

    Args:
        secret_inputs: the names of the inputs of which no message may show a part.
    """
    yield from apply(_RULES, properties, required=_REQUIRED)
    remark = properties.get("remark")
    if remark is None or remark == "" or not isinstance(remark, str) or has_unknowns(remark):
        return
    if reason := pattern.problem(remark):
        is_shown = "remark" not in secret_inputs or "regular expression" not in reason
        yield Failure("remark", reason if is_shown else "it is not a regular expression.")


def _keep(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return ""
    return "it must be a whole number of at least 1: the newest backup is never deleted."


def _max_deletions(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return ""
    return "it must be a whole number of at least 1."


def _remark(value: Any) -> str:
    if not isinstance(value, str):
        return 'it must be a regular expression, such as "nightly .*".'
    return "" if value else f"it is empty; {_REQUIRED['remark']}"


def _keep_ids(value: Any) -> str:
    if not isinstance(value, (list, tuple)):
        return "it must be a list of backups' ids."
    number = next((number for number, each in enumerate(value) if id_rule(each)), None)
    return "" if number is None else f"keep_ids[{number}] is not a valid id; give it as the DCS console shows it."


_REQUIRED: Final = {
    "instance_id": "give the id of the DCS instance whose backups are kept and deleted.",
    "keep": "say how many of the newest backups stay.",
    "remark": 'give a regular expression that the whole remark of a backup has to match, such as "nightly .*".',
}
_RULES: Final[Mapping[str, Rule]] = {
    "instance_id": id_rule,
    "keep": _keep,
    "remark": _remark,
    "keep_ids": _keep_ids,
    "max_deletions": _max_deletions,
    "triggers": triggers_rule("has the backups counted again"),
    "region": region_rule,
    "project_id": id_rule,
}

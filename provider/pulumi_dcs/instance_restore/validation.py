"""What check finds wrong with the inputs by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..engine.unknowns import has_unknowns
from ..resources.inputs import triggers_rule
from ..resources.refusals import Failure, Rule, apply, boolean_rule, id_rule, region_rule
from .names import TARGET_PASSWORD

MAX_REMARK_LENGTH: Final = 128
"""Characters; documented for backups (DCS.4098), and used for restores as well."""


def check(properties: Mapping[str, Any]) -> Iterator[Failure]:
    """Everything that is wrong with the inputs by themselves. Unknown values pass."""
    required = {
        "instance_id": "give the id of the DCS instance whose data is to be overwritten.",
        "backup_id": "give the id of the backup to restore from.",
    }
    yield from apply(_RULES, properties, required=required)
    instance_id, source = properties.get("instance_id"), properties.get("source_instance_id")
    is_in_place = source is None or (source == instance_id and not has_unknowns(source))
    if properties.get(TARGET_PASSWORD) and is_in_place:
        yield Failure(
            TARGET_PASSWORD,
            "it is for imports from another instance only; a restore in place needs none. Leave it out, or give "
            "source_instance_id.",
        )


def _remark(value: Any) -> str:
    if not isinstance(value, str):
        return f"it must be a text of at most {MAX_REMARK_LENGTH} characters."
    if len(value) > MAX_REMARK_LENGTH:
        return f"it has {len(value)} characters; shorten it to at most {MAX_REMARK_LENGTH}."
    return ""


def _password(value: Any) -> str:
    return "" if isinstance(value, str) else "it must be a text."


_RULES: Final[Mapping[str, Rule]] = {
    "instance_id": id_rule,
    "backup_id": id_rule,
    "source_instance_id": id_rule,
    TARGET_PASSWORD: _password,
    "remark": _remark,
    "triggers": triggers_rule("restores again"),
    "region": region_rule,
    "project_id": id_rule,
    "wait": boolean_rule,
    "adopt_restore_id": id_rule,
}

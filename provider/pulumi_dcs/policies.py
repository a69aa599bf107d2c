"""Policies over backups, for policy packs (``pip install pulumi-dcs[policies]``); ``policy/`` has all of them.

Each function makes one policy of pulumi-policy, with a config schema and defaults. A value that a preview does not know
yet passes there; ``pulumi up`` knows it and checks it.

No policy shows the value of a property, only its name: any value may be secret, and pulumi-policy unwraps secrets
before a validation sees them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, Protocol, cast

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from .instance_backup.names import RESOURCE_TYPE
from .instance_restore.names import RESOURCE_TYPE as RESTORE_TYPE


class Report(Protocol):
    """Reports a violation, and of which resource."""

    def __call__(self, message: str, urn: str | None = None) -> None: ...


LIMIT_PER_INSTANCE: Final = 24
"""Backups that DCS keeps of an instance, automatic and manual together; with one more, it drops the oldest."""
DEFAULT_PER_INSTANCE: Final = LIMIT_PER_INSTANCE - 1
"""A replacement makes the new backup before the old one goes: that one needs a place."""

_STACK_TYPE: Final = "pulumi:pulumi:Stack"

_SECRETS: Final = (
    (r"(?i)\b(pass(word|wd|phrase)?|secret|token|api[_-]?key|credential)s?\s*[:=]\s*\S+", "a named secret"),
    (r"\b(AKIA|ASIA|AKID|LTAI)[A-Za-z0-9]{10,}\b", "an access key"),
    (r"\b(?=[A-Z0-9]*[0-9])(?=[A-Z0-9]*[A-Z])[A-Z0-9]{20}\b", "an access key"),
    (r"(?<![A-Za-z0-9/+])(?=\S*[0-9])(?=\S*[a-z])(?=\S*[A-Z])[A-Za-z0-9/+]{32,}(?![A-Za-z0-9/+])", "a secret key"),
    (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}", "a JSON web token"),
    (r"\b(ghp|gho|ghs|glpat|pul|xox[abp])[-_][A-Za-z0-9_-]{16,}", "an access token"),
    (r"-----BEGIN [A-Z ]*PRIVATE KEY", "a private key"),
    (r"\b\w+://[^/\s:@]+:[^/\s:@]+@", "a URL with a password"),
)


def remark_matches(level: EnforcementLevel = EnforcementLevel.MANDATORY) -> Policy:
    """Every backup has a remark, and the whole of it matches ``pattern``; any text does by default."""

    def validate(args: ResourceValidationArgs, report: Report) -> None:
        remark, pattern = _known(args.props, "remark", ""), args.get_config()["pattern"]
        if remark == "":
            report(f"{args.name} has no remark. Give it one that matches {pattern!r}, to say what the backup is for.")
        elif isinstance(remark, str) and not _matches(remark, [pattern]):
            report(f"The remark of {args.name} does not match {pattern!r}. Change the remark so that it does.")

    schema = PolicyConfigSchema({"pattern": {"type": "string", "default": ".+"}})
    return _of_resource("dcs-backup-remark", "Backups have a remark that matches a pattern.", validate, level, schema)


def format_allowed(level: EnforcementLevel = EnforcementLevel.MANDATORY) -> Policy:
    """Every backup has one of the formats in ``formats``; both are allowed by default."""

    def validate(args: ResourceValidationArgs, report: Report) -> None:
        backup_format, allowed = _known(args.props, "backup_format", ""), args.get_config()["formats"]
        if backup_format is not None and (backup_format or "rdb") not in allowed:
            what = "is not an allowed format" if backup_format else "is not set, and DCS makes 'rdb' then"
            report(f"backup_format of {args.name} {what}. Set it to {_any_of(allowed)}.")

    schema = PolicyConfigSchema(
        {"formats": {"type": "array", "items": {"enum": ["rdb", "aof"]}, "default": ["rdb", "aof"]}}
    )
    return _of_resource("dcs-backup-format", "Backups have an allowed format.", validate, level, schema)


def region_allowed(level: EnforcementLevel = EnforcementLevel.MANDATORY) -> Policy:
    """Every backup is made in one of the regions in ``regions``; where that is empty, as by default, in any."""

    def validate(args: ResourceValidationArgs, report: Report) -> None:
        region, allowed = _known(args.props, "region", ""), args.get_config()["regions"]
        if allowed and region is not None and region not in allowed:
            what = "is not an allowed region" if region else "is not set"
            report(f"region of {args.name} {what}. Set it, or dcs:region, to {_any_of(allowed)}.")

    schema = PolicyConfigSchema({"regions": {"type": "array", "items": {"type": "string"}, "default": []}})
    return _of_resource("dcs-backup-region", "Backups are made in allowed regions.", validate, level, schema)


def protected_or_retained(level: EnforcementLevel = EnforcementLevel.ADVISORY) -> Policy:
    """No backup can be lost by mistake: each has ``protect`` or ``retain_on_delete``.

    ``except`` lists patterns of names that need neither. The engine shows policies whether a resource is protected,
    wherever that comes from, but nothing of ``retain_on_delete``: the resource adds an input of that name when its own
    options set it. A backup inside a component may inherit it. The policy can't know, so that by default it doesn't
    apply there; with ``inherited`` set to ``report`` it asks for the option on the backup itself.
    """

    def validate(args: ResourceValidationArgs, report: Report) -> None:
        retained, config = _known(args.props, "retain_on_delete", "inherited"), args.get_config()
        if args.opts.protect or retained is True or retained is None:
            return
        if _matches(args.name, config["except"]):
            return
        others = "a transform"
        if retained == "inherited" and _has_parent(args):
            others = "its parent or a transform"
            if config["inherited"] == "pass":
                args.not_applicable("Pulumi does not show policies whether the parent sets retain_on_delete.")
        report(
            f"Deleting or replacing {args.name} deletes the backup, unless {others} sets retain_on_delete, which "
            f"Pulumi does not show to policies. Set protect=True or retain_on_delete=True in the ResourceOptions of "
            f"{args.name} itself, or add its name to this policy's `except`."
        )

    names = {"type": "array", "items": {"type": "string"}, "default": []}
    schema = PolicyConfigSchema({"except": names, "inherited": {"enum": ["pass", "report"], "default": "pass"}})
    description = "Backups are protected, or retained on delete."
    return _of_resource("dcs-backup-protected-or-retained", description, validate, level, schema)


def no_secret_in_remark(level: EnforcementLevel = EnforcementLevel.MANDATORY) -> Policy:
    """No remark holds what looks like a secret: everyone who sees the instance can read remarks.

    ``patterns`` adds expressions of your own, ``allowed`` takes out texts that only look like secrets.
    """

    def validate(args: ResourceValidationArgs, report: Report) -> None:
        remark, config = _known(args.props, "remark", ""), args.get_config()
        if not isinstance(remark, str):
            return
        for allowed in config["allowed"]:
            remark = _compiled(allowed).sub("", remark)
        patterns = [*_SECRETS, *((pattern, "what this policy's `patterns` forbid") for pattern in config["patterns"])]
        found = next((what for pattern, what in patterns if _compiled(pattern).search(remark)), None)
        if found is not None:
            report(
                f"The remark of {args.name} looks as if it held {found}. Take it out of the remark; if it is a real "
                "secret, replace it wherever it is in use."
            )

    texts = {"type": "array", "items": {"type": "string"}, "default": []}
    schema = PolicyConfigSchema({"patterns": dict(texts), "allowed": dict(texts)})
    return _of_resource("dcs-backup-no-secret", "Remarks hold no secrets.", validate, level, schema)


def backups_per_instance(level: EnforcementLevel = EnforcementLevel.MANDATORY) -> Policy:
    """A stack has at most ``most`` backups of an instance; 23 by default.

    DCS keeps 24, automatic ones included, and drops the oldest beyond that. A replacement makes the new backup before
    the old one goes, so that with 24 it would drop one that another resource holds.
    """

    def validate(args: StackValidationArgs, report: Report) -> None:
        most = int(args.get_config()["most"])
        for backups in _by_instance(args).values():
            if len(backups) > most:
                report(
                    f"{_names(backups)} are {len(backups)} backups of one instance; at most {most} are allowed. DCS "
                    f"keeps {LIMIT_PER_INSTANCE} of an instance, automatic ones included, and drops the oldest when "
                    "one more is made; a replacement makes the new backup before it deletes the old one. "
                    f"Remove {len(backups) - most}.",
                    backups[-1].urn,
                )

    schema = PolicyConfigSchema({"most": {"type": "integer", "minimum": 1, "default": DEFAULT_PER_INSTANCE}})
    return _of_stack("dcs-backups-per-instance", "No instance has too many backups.", validate, level, schema)


def every_instance_backed_up(level: EnforcementLevel = EnforcementLevel.MANDATORY) -> Policy:
    """Each instance in ``instances`` has a backup in the stack."""

    def validate(args: StackValidationArgs, report: Report) -> None:
        by_instance, unknown = _by_instance(args), _of_unknown_instances(args)
        missing = [each for each in args.get_config()["instances"] if each not in by_instance]
        # A backup whose instance is not known yet may be the missing one: `pulumi up` will know.
        for instance_id in missing[len(unknown) :]:
            report(f"Instance {instance_id} has no backup in this stack. Declare an InstanceBackup of it.")

    schema = PolicyConfigSchema({"instances": {"type": "array", "items": {"type": "string"}, "default": []}})
    return _of_stack("dcs-every-instance", "Every listed instance has a backup.", validate, level, schema)


def no_two_at_once(level: EnforcementLevel = EnforcementLevel.ADVISORY) -> Policy:
    """No two backups of one instance may start at the same time: one depends on the other."""

    def validate(args: StackValidationArgs, report: Report) -> None:
        for backups in _by_instance(args).values():
            made = [each for each in backups if _is_to_be_made(each)]
            for number, first in enumerate(made):
                for second in made[number + 1 :]:
                    if first.urn not in _all_dependencies(second) and second.urn not in _all_dependencies(first):
                        report(
                            f"{first.name} and {second.name} are backups of the same instance and may start at the "
                            f"same time. An instance makes one backup at a time: the second has to wait for the "
                            f"first, and that counts towards its own create timeout. Let one depend on the other: "
                            f"opts=ResourceOptions(depends_on=[{first.name}]).",
                            second.urn,
                        )

    description = "No two backups of one instance start at the same time."
    return _of_stack("dcs-no-two-at-once", description, validate, level, None)


def restore_allowed(level: EnforcementLevel = EnforcementLevel.MANDATORY) -> Policy:
    """A restore passes only where its name matches one of ``names``, and its instance's id one of ``instances``.

    Both are patterns for the whole text. Both lists are empty by default, so that nothing passes. Policies don't see
    whether a restore has been carried out already: it is held to this for as long as the program declares it.
    """

    def validate(args: ResourceValidationArgs, report: Report) -> None:
        config, instance_id = args.get_config(), _known(args.props, "instance_id", "")
        if not _matches(args.name, config["names"]):
            report(
                f"Restoring is not allowed for {args.name}: it overwrites the data of its instance. If that is wanted, "
                "add a pattern for its name to `names` of this policy, and take it out again with the resource."
            )
        elif instance_id is not None and not _matches(str(instance_id), config["instances"]):
            report(
                f"Restoring is not allowed for the instance of {args.name}: its data would be overwritten. If that is "
                "wanted, add a pattern for the instance's id to `instances` of this policy."
            )

    patterns = {"type": "array", "items": {"type": "string"}, "default": []}
    schema = PolicyConfigSchema({"names": dict(patterns), "instances": dict(patterns)})
    description = "Only restores that are listed overwrite data."
    return _of_resource("dcs-restore-allowed", description, validate, level, schema, RESTORE_TYPE)


def all_policies() -> list[Policy]:
    """Return each policy of this module at its default level."""
    return [
        remark_matches(),
        format_allowed(),
        region_allowed(),
        protected_or_retained(),
        no_secret_in_remark(),
        backups_per_instance(),
        every_instance_backed_up(),
        no_two_at_once(),
        restore_allowed(),
    ]


def _of_resource(  # noqa: PLR0917 - as pulumi-policy has them, and the type
    name: str,
    description: str,
    validate: Any,
    level: EnforcementLevel,
    schema: PolicyConfigSchema,
    resource_type: str = RESOURCE_TYPE,
) -> ResourceValidationPolicy:
    def validate_resource(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type != resource_type:
            return
        try:
            validate(args, cast(Report, report))
        except _InvalidPatternError as error:
            cast(Report, report)(f"{error.pattern!r} in this policy's configuration is not a valid pattern: {error}.")

    return ResourceValidationPolicy(name, description, validate_resource, level, schema)


def _of_stack(
    name: str, description: str, validate: Any, level: EnforcementLevel, schema: PolicyConfigSchema | None
) -> StackValidationPolicy:
    return StackValidationPolicy(name, description, validate, level, schema)


def _known(props: Mapping[str, Any], name: str, default: Any) -> Any:
    """Return the property's value: the default where it is not given, None where it is not known yet."""
    try:
        value = props.get(name)
    except UnknownValueError:
        return None
    return default if value is None else value


def _matches(text: str, patterns: list[str]) -> bool:
    return any(_compiled(pattern).fullmatch(text) for pattern in patterns)


class _InvalidPatternError(Exception):
    def __init__(self, pattern: str, problem: str) -> None:
        super().__init__(problem)
        self.pattern = pattern


def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile an expression of the policy's configuration, or of this module: none comes from a resource."""
    try:
        return re.compile(pattern)
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        raise _InvalidPatternError(pattern, str(error)) from None


def _is_to_be_made(backup: PolicyResource) -> bool:
    """Whether the run takes this backup: one that exists has an id, one that is taken over is there already."""
    return not _known(backup.props, "adopt_backup_id", "") and not _known(backup.props, "backup_id", "")


def _has_parent(args: ResourceValidationArgs) -> bool:
    """Whether the resource has a parent other than the stack itself, such as a component."""
    # urn:pulumi:<stack>::<project>::<types, outermost first>::<name>
    return args.opts.parent is not None and args.opts.parent.split("::")[2] != _STACK_TYPE


def _backups(args: StackValidationArgs) -> list[PolicyResource]:
    """Return the backups by name: the engine's order differs from run to run."""
    return sorted((each for each in args.resources if each.resource_type == RESOURCE_TYPE), key=lambda each: each.name)


def _by_instance(args: StackValidationArgs) -> dict[str, list[PolicyResource]]:
    found: dict[str, list[PolicyResource]] = defaultdict(list)
    for backup in _backups(args):
        if instance_id := _known(backup.props, "instance_id", ""):
            found[str(instance_id)].append(backup)
    return found


def _of_unknown_instances(args: StackValidationArgs) -> list[PolicyResource]:
    return [backup for backup in _backups(args) if _known(backup.props, "instance_id", "") is None]


def _all_dependencies(resource: PolicyResource) -> set[str]:
    found: set[str] = set()
    todo = list(resource.dependencies)
    while todo:
        one = todo.pop()
        if one.urn not in found:
            found.add(one.urn)
            todo += one.dependencies
    return found


def _any_of(values: list[str]) -> str:
    return " or ".join(repr(value) for value in values)


def _names(backups: list[PolicyResource]) -> str:
    names = [backup.name for backup in backups]
    shown = names if len(names) <= 6 else [*names[:5], f"{len(names) - 5} others"]
    return ", ".join(shown[:-1]) + " and " + shown[-1]

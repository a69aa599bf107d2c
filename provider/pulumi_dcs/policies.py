"""Policies over backups, for policy packs (``pip install pulumi-dcs[policies]``); ``policy/`` has all of them.

Each function makes one policy of pulumi-policy, with a config schema and defaults. A value that is not known yet in a
preview is passed over there and seen to by ``pulumi up``, which knows it.
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


class Report(Protocol):
    """Says what is wrong, and of which resource."""

    def __call__(self, message: str, urn: str | None = None) -> None: ...


RESOURCE_TYPE: Final = "pulumi-python:dynamic/dcs:InstanceBackup"
LIMIT_PER_INSTANCE: Final = 24
"""Backups that the service keeps of an instance; one more pushes out the oldest."""

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
    """Every backup has a remark, and it matches a pattern: ``pattern``, any text by default."""

    def validate(args: ResourceValidationArgs, report: Report) -> None:
        remark, pattern = _known(args.props, "remark", ""), args.get_config()["pattern"]
        if remark is None:
            return
        if not remark:
            report(f"Give {args.name} a remark that matches {pattern!r}: it tells what the backup is for.")
        elif not re.fullmatch(pattern, remark):
            report(f"The remark {remark!r} of {args.name} does not match {pattern!r}; change it so that it does.")

    schema = PolicyConfigSchema({"pattern": {"type": "string", "default": ".+"}})
    return _of_resource("dcs-backup-remark", "Backups have a remark that matches a pattern.", validate, level, schema)


def format_allowed(level: EnforcementLevel = EnforcementLevel.MANDATORY) -> Policy:
    """Backups have one of the formats in ``formats``, both by default."""

    def validate(args: ResourceValidationArgs, report: Report) -> None:
        backup_format, allowed = _known(args.props, "backup_format", "rdb"), args.get_config()["formats"]
        if backup_format is not None and backup_format not in allowed:
            report(f"backup_format of {args.name} is {backup_format!r}; set it to {_any_of(allowed)}.")

    schema = PolicyConfigSchema(
        {"formats": {"type": "array", "items": {"enum": ["rdb", "aof"]}, "default": ["rdb", "aof"]}}
    )
    return _of_resource("dcs-backup-format", "Backups have an allowed format.", validate, level, schema)


def region_allowed(level: EnforcementLevel = EnforcementLevel.MANDATORY) -> Policy:
    """Backups are made in one of the regions in ``regions``; in any where that is empty, as by default."""

    def validate(args: ResourceValidationArgs, report: Report) -> None:
        region, allowed = _known(args.props, "region", ""), args.get_config()["regions"]
        if allowed and region is not None and region not in allowed:
            report(f"region of {args.name} is {region!r}; set it, or dcs:region, to {_any_of(allowed)}.")

    schema = PolicyConfigSchema({"regions": {"type": "array", "items": {"type": "string"}, "default": []}})
    return _of_resource("dcs-backup-region", "Backups are made in allowed regions.", validate, level, schema)


def protected_or_retained(level: EnforcementLevel = EnforcementLevel.ADVISORY) -> Policy:
    """A backup can't be lost by mistake: ``protect`` or ``retain_on_delete``. ``except`` names others, by pattern."""

    def validate(args: ResourceValidationArgs, report: Report) -> None:
        if args.opts.protect or _known(args.props, "retain_on_delete", False) is not False:
            return
        if not any(re.fullmatch(pattern, args.name) for pattern in args.get_config()["except"]):
            report(
                f"Deleting or replacing {args.name} deletes the backup: set protect=True or retain_on_delete=True in "
                "its ResourceOptions, or name it in this policy's `except`."
            )

    schema = PolicyConfigSchema({"except": {"type": "array", "items": {"type": "string"}, "default": []}})
    description = "Backups are protected, or retained on delete."
    return _of_resource("dcs-backup-protected-or-retained", description, validate, level, schema)


def no_secret_in_remark(level: EnforcementLevel = EnforcementLevel.MANDATORY) -> Policy:
    """Nothing in a remark looks like a secret; remarks are readable for all who see the instance.

    ``patterns`` adds expressions of your own, ``allowed`` takes texts out that only look like secrets.
    """

    def validate(args: ResourceValidationArgs, report: Report) -> None:
        remark, config = _known(args.props, "remark", ""), args.get_config()
        for allowed in config["allowed"]:
            remark = re.sub(allowed, "", remark) if remark else remark
        patterns = [*_SECRETS, *((pattern, "what this policy's `patterns` forbid") for pattern in config["patterns"])]
        found = next((what for pattern, what in patterns if remark and re.search(pattern, remark)), None)
        if found is not None:
            # The remark itself is not shown: it may be the secret.
            report(f"The remark of {args.name} looks as if it held {found}; take it out, and replace what it opens.")

    texts = {"type": "array", "items": {"type": "string"}, "default": []}
    schema = PolicyConfigSchema({"patterns": dict(texts), "allowed": dict(texts)})
    return _of_resource("dcs-backup-no-secret", "Remarks hold no secrets.", validate, level, schema)


def backups_per_instance(level: EnforcementLevel = EnforcementLevel.MANDATORY) -> Policy:
    """A stack has at most ``most`` backups of an instance, 24 by default: the service drops the oldest beyond that."""

    def validate(args: StackValidationArgs, report: Report) -> None:
        most = int(args.get_config()["most"])
        for instance_id, backups in _by_instance(args).items():
            if len(backups) > most:
                report(
                    f"{len(backups)} backups of instance {instance_id}, at most {most} are kept: the service pushes "
                    f"out the oldest. Remove {len(backups) - most} of {_names(backups)}.",
                    backups[-1].urn,
                )

    schema = PolicyConfigSchema({"most": {"type": "integer", "minimum": 1, "default": LIMIT_PER_INSTANCE}})
    return _of_stack("dcs-backups-per-instance", "No instance has too many backups.", validate, level, schema)


def every_instance_backed_up(level: EnforcementLevel = EnforcementLevel.MANDATORY) -> Policy:
    """Each instance in ``instances`` has a backup in the stack."""

    def validate(args: StackValidationArgs, report: Report) -> None:
        by_instance, unknown = _by_instance(args), _of_unknown_instances(args)
        missing = [each for each in args.get_config()["instances"] if each not in by_instance]
        # One of unknown instance may be the missing one: `pulumi up` will know.
        for instance_id in missing[len(unknown) :] if len(unknown) < len(missing) else []:
            report(f"Instance {instance_id} has no backup in this stack; declare an InstanceBackup of it.")

    schema = PolicyConfigSchema({"instances": {"type": "array", "items": {"type": "string"}, "default": []}})
    return _of_stack("dcs-every-instance", "Every listed instance has a backup.", validate, level, schema)


def no_two_at_once(level: EnforcementLevel = EnforcementLevel.ADVISORY) -> Policy:
    """No two backups of one instance run at once: one depends on the other. An instance makes one at a time."""

    def validate(args: StackValidationArgs, report: Report) -> None:
        for instance_id, backups in _by_instance(args).items():
            made = [each for each in backups if not _known(each.props, "adopt_backup_id", "")]
            for number, first in enumerate(made):
                for second in made[number + 1 :]:
                    if first.urn not in _all_dependencies(second) and second.urn not in _all_dependencies(first):
                        report(
                            f"{first.name} and {second.name} are backups of the same instance {instance_id} and may be "
                            f"begun at once: the second would wait for the first, and count that as its own time. "
                            f"Let one depend on the other: opts=ResourceOptions(depends_on=[{first.name}]).",
                            second.urn,
                        )

    description = "No two backups of one instance are begun at once."
    return _of_stack("dcs-no-two-at-once", description, validate, level, None)


def all_policies() -> list[Policy]:
    """Each policy of this module at its default level."""
    return [
        remark_matches(),
        format_allowed(),
        region_allowed(),
        protected_or_retained(),
        no_secret_in_remark(),
        backups_per_instance(),
        every_instance_backed_up(),
        no_two_at_once(),
    ]


def _of_resource(
    name: str, description: str, validate: Any, level: EnforcementLevel, schema: PolicyConfigSchema
) -> ResourceValidationPolicy:
    def validate_backup(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type == RESOURCE_TYPE:
            validate(args, cast(Report, report))

    return ResourceValidationPolicy(name, description, validate_backup, level, schema)


def _of_stack(
    name: str, description: str, validate: Any, level: EnforcementLevel, schema: PolicyConfigSchema | None
) -> StackValidationPolicy:
    return StackValidationPolicy(name, description, validate, level, schema)


def _known(props: Mapping[str, Any], name: str, default: Any) -> Any:
    """The property's value; the default where it is not given, None where it is not known yet."""
    try:
        value = props.get(name)
    except UnknownValueError:
        return None
    return default if value is None else value


def _backups(args: StackValidationArgs) -> list[PolicyResource]:
    """By name: the order in which the engine has them differs from run to run."""
    return sorted((each for each in args.resources if each.resource_type == RESOURCE_TYPE), key=lambda each: each.name)


def _by_instance(args: StackValidationArgs) -> dict[str, list[PolicyResource]]:
    found: dict[str, list[PolicyResource]] = defaultdict(list)
    for backup in _backups(args):
        instance_id = _known(backup.props, "instance_id", "")
        if instance_id:
            found[instance_id].append(backup)
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
    return ", ".join(names[:5]) + (f" and {len(names) - 5} others" if len(names) > 5 else "")

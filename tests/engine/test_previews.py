"""A preview says what `up` then does to the backup that is replaced: kept or deleted, and in which order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.endpoint import CLUSTER, HA, LocalEndpoint

from .stack import Outcome, Stack

RETAIN = "retain_on_delete=True"
COMPONENT = """
class Shop(pulumi.ComponentResource):
    def __init__(self, opts):
        super().__init__("shop:index:Shop", {name!r}, None, opts)
        InstanceBackup({name!r}, {arguments}, opts=pulumi.ResourceOptions(parent=self))


Shop(pulumi.ResourceOptions({options}))
"""
TRANSFORM = """
def keep(args):
    merged = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions({options}))
    return pulumi.{result}(args.props, merged)


InstanceBackup({name!r}, {arguments}, opts=pulumi.ResourceOptions({option}=[keep]))
"""
DIRECT = "InstanceBackup({name!r}, {arguments}, opts=pulumi.ResourceOptions({options}))"


def of_component(name: str, arguments: str, options: str) -> str:
    return COMPONENT.format(name=name, arguments=arguments, options=options)


def of_transform(name: str, arguments: str, options: str) -> str:
    return TRANSFORM.format(
        name=name, arguments=arguments, options=options, result="ResourceTransformResult", option="transforms"
    )


def of_transformation(name: str, arguments: str, options: str) -> str:
    return TRANSFORM.format(
        name=name,
        arguments=arguments,
        options=options,
        result="ResourceTransformationResult",
        option="transformations",
    )


def of_transform_that_overrides(name: str, arguments: str, options: str) -> str:
    return TRANSFORM.format(
        name=name,
        arguments=arguments,
        options=options,
        result="ResourceTransformResult",
        option=f"{RETAIN}, transforms",
    )


def direct(name: str, arguments: str, options: str) -> str:
    return DIRECT.format(name=name, arguments=arguments, options=options)


Program = Callable[[str, str, str], str]
HEADER = "import pulumi\nfrom pulumi_dcs import InstanceBackup\n"


def declare(stack: Stack, program: Program, remark: str, options: str = "", more: str = "") -> None:
    text = program("backup", f"instance_id={HA!r}, remark={remark!r}{more}", options)
    stack.write(f"{HEADER}{text}")


def applied(stack: Stack) -> Outcome:
    outcome = stack.up()
    assert outcome.ok, outcome.text
    return outcome


KEPT = ", and leaves backup {} at the service (retain_on_delete)."
DELETED = ", then deletes backup {}."
FATES: dict[str, tuple[Program, list[str], str]] = {
    # The program; the option at each `up` with the first remark, and at last with the second one; what becomes of it.
    "never": (direct, ["", ""], DELETED),
    "always": (direct, [RETAIN, RETAIN], KEPT),
    "switched off before": (direct, [RETAIN, "", ""], DELETED),
    "switched on before": (direct, ["", RETAIN, RETAIN], KEPT),
    "switched off together": (direct, [RETAIN, ""], KEPT),
    "switched on together": (direct, ["", RETAIN], DELETED),
    "component": (of_component, [RETAIN, RETAIN], KEPT),
    "component, switched off before": (of_component, [RETAIN, "", ""], DELETED),
    "component, switched on before": (of_component, ["", RETAIN, RETAIN], KEPT),
    "transform": (of_transform, [RETAIN, RETAIN], KEPT),
    "transform that overrides": (of_transform_that_overrides, ["retain_on_delete=False"] * 2, DELETED),
    "transformation": (of_transformation, [RETAIN, RETAIN], KEPT),
}


@pytest.mark.row("P1", "P2")
def test_a_preview_knows_which_replaced_backups_are_kept(stack: Stack, endpoint: LocalEndpoint) -> None:
    instances = {case: endpoint.add_instance(name=case, cache_mode="ha") for case in FATES}
    assert max(len(options) for _, options, _ in FATES.values()) == 3

    def declare_all(remark: str, at: int) -> None:
        """Declare every case, as it is that many runs before the last one."""
        texts = []
        for case, (program, options, _) in FATES.items():
            option = options[max(0, len(options) - 1 - at)]
            texts.append(program(case, f"instance_id={instances[case]!r}, remark={remark!r}", option))
        stack.write(HEADER + "\n".join(texts))

    declare_all("one", 2)
    applied(stack)
    declare_all("one", 1)
    applied(stack)
    first = {row["instance_id"]: row["backup_id"] for row in endpoint.backups()}
    assert len(first) == len(FATES)
    declare_all("two", 0)
    preview = stack.preview()
    assert preview.ok, preview.text
    applied(stack)
    left = endpoint.backup_ids()
    for case, (_, _, fate) in FATES.items():
        instance_id = instances[case]
        backup_id = first[instance_id]
        assert f"Takes a new backup of instance {instance_id}{fate.format(backup_id)}" in preview.diagnostics, case
        assert (backup_id in left) == (fate is KEPT), case
        assert len(endpoint.backups(instance_id)) == 1 + (fate is KEPT), case


DELETE_FIRST = "delete_before_replace=True"


@pytest.mark.row("P3")
def test_a_preview_warns_of_the_time_without_a_backup(stack: Stack, endpoint: LocalEndpoint) -> None:
    declare(stack, direct, "one", DELETE_FIRST)
    applied(stack)
    (first,) = endpoint.backup_ids()
    declare(stack, direct, "two", DELETE_FIRST)
    preview = stack.preview()
    assert preview.ok, preview.text
    assert (
        f"warning: Deletes backup {first} first (delete_before_replace), then takes a new backup of instance {HA}: "
        "until that has succeeded, there is no backup."
    ) in preview.diagnostics
    before = len(endpoint.requests())
    applied(stack)
    asked = [row["operation"] for row in endpoint.requests()[before:]]
    assert asked.index("delete_backup") < asked.index("create_backup")
    assert len(endpoint.backups()) == 1


@pytest.mark.row("P3")
def test_what_is_kept_leaves_no_time_without_a_backup(stack: Stack, endpoint: LocalEndpoint) -> None:
    both = f"{DELETE_FIRST}, {RETAIN}"
    declare(stack, direct, "one", both)
    applied(stack)
    (first,) = endpoint.backup_ids()
    declare(stack, direct, "two", both)
    preview = stack.preview()
    assert "warning:" not in preview.diagnostics
    assert f"Takes a new backup of instance {HA}{KEPT.format(first)}" in preview.diagnostics
    applied(stack)
    assert len(endpoint.backups()) == 2


INSTANCE = """
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider


class Instances(ResourceProvider):
    def create(self, props):
        return CreateResult(props["name"], props)

    def diff(self, id_, olds, news):
        is_other = olds["name"] != news["name"]
        return DiffResult(is_other, ["name"] if is_other else [], delete_before_replace=True)


class Instance(Resource):
    name: pulumi.Output[str]

    def __init__(self, name):
        super().__init__(Instances(), "instance", dict(name=name))


InstanceBackup("backup", instance_id=Instance({instance_id!r}).name, opts=pulumi.ResourceOptions({options}))
"""


@pytest.mark.row("P3")
@pytest.mark.parametrize("retained", [False, True], ids=["deleted", "kept"])
def test_what_its_instance_has_deleted_first_is_said(stack: Stack, endpoint: LocalEndpoint, retained: bool) -> None:
    """The engine deletes a backup before its instance, where that is deleted before it is replaced."""

    def write(instance_id: str) -> None:
        stack.write(HEADER + INSTANCE.format(instance_id=instance_id, options=RETAIN if retained else ""))

    write(HA)
    applied(stack)
    (first,) = endpoint.backup_ids()
    write(CLUSTER)
    preview = stack.preview()
    assert preview.ok, preview.text
    assert (
        f"    Takes a new backup of instance {CLUSTER}, and leaves backup {first} of instance {HA} at the service "
        "(retain_on_delete).\n"
        if retained
        else f"    warning: Deletes backup {first} of instance {HA} first (delete_before_replace), then takes a new "
        f"backup of instance {CLUSTER}: until that has succeeded, there is no backup.\n"
    ) in preview.diagnostics
    assert "Takes a backup of" not in preview.text
    before = len(endpoint.requests())
    applied(stack)
    asked = [row["operation"] for row in endpoint.requests()[before:]]
    assert (first in endpoint.backup_ids()) == retained
    assert retained or asked.index("delete_backup") < asked.index("create_backup")


@pytest.mark.row("P4")
@pytest.mark.parametrize("retained", [False, True], ids=["deleted", "kept"])
@pytest.mark.parametrize("how", ["target-replace", "taint"])
def test_a_forced_replacement_is_said(stack: Stack, endpoint: LocalEndpoint, how: str, retained: bool) -> None:
    declare(stack, direct, "one", RETAIN if retained else "")
    applied(stack)
    (first,) = endpoint.backup_ids()
    options = force(stack, how)
    preview = stack.preview(*options)
    assert preview.ok, preview.text
    fate = KEPT if retained else DELETED
    assert f"Takes a new backup of instance {HA}{fate.format(first)}" in preview.diagnostics
    outcome = stack.up(*options)
    assert outcome.ok, outcome.text
    assert (first in endpoint.backup_ids()) == retained
    assert len(endpoint.backups()) == 1 + retained
    assert endpoint.count("create_backup") == 2


def force(stack: Stack, how: str) -> list[str]:
    """What forces the replacement: an option of the commands, or a note in the state."""
    urn = stack.resource()["urn"]
    if how == "target-replace":
        return ["--target-replace", urn]
    outcome = stack.pulumi("state", "taint", urn, "--yes")
    assert outcome.ok, outcome.text
    return []


@pytest.mark.row("P4", "E17")
def test_a_forced_replacement_of_an_adopted_backup_takes_a_new_one(stack: Stack, endpoint: LocalEndpoint) -> None:
    adopted = endpoint.add_backup(HA)
    stack.declare(instance_id=HA, adopt_backup_id=adopted)
    applied(stack)
    options = force(stack, "taint")
    preview = stack.preview(*options)
    assert f"Takes a new backup of instance {HA}{DELETED.format(adopted)}" in preview.diagnostics
    applied(stack)
    assert adopted not in endpoint.backup_ids()
    assert stack.backup_ids() == endpoint.backup_ids()
    assert len(endpoint.backups()) == 1


@pytest.mark.row("P4")
@pytest.mark.parametrize("how", ["replacement_trigger", "replace_with"])
def test_a_replacement_by_an_option_is_said(stack: Stack, endpoint: LocalEndpoint, how: str) -> None:
    def write(number: int) -> None:
        option = f"replacement_trigger='{number}'" if how == "replacement_trigger" else "replace_with=[other]"
        stack.write(
            "import pulumi\nfrom pulumi_dcs import InstanceBackup\n"
            f"other = InstanceBackup('other', instance_id={CLUSTER!r}, triggers={{'now': {number}}})\n"
            f"InstanceBackup('backup', instance_id={HA!r}, opts=pulumi.ResourceOptions({option}))"
        )

    write(1)
    applied(stack)
    before = endpoint.backup_ids()
    (first,) = (row["backup_id"] for row in endpoint.backups(HA))
    write(2)
    preview = stack.preview()
    assert preview.ok, preview.text
    assert f"Takes a new backup of instance {HA}{DELETED.format(first)}" in preview.diagnostics
    applied(stack)
    assert len(endpoint.backup_ids() - before) == 2


@pytest.mark.row("P5")
def test_replace_on_changes_replaces(stack: Stack, endpoint: LocalEndpoint) -> None:
    option = "replace_on_changes=['wait']"
    declare(stack, direct, "one", option)
    applied(stack)
    (first,) = endpoint.backup_ids()
    declare(stack, direct, "one", option, ", wait=False")
    preview = stack.preview()
    assert preview.ok, preview.text
    assert "+-1 to replace" in preview.text
    applied(stack)
    assert first not in endpoint.backup_ids()
    assert len(endpoint.backups()) == 1
    assert f"Takes a new backup of instance {HA}{DELETED.format(first)}" in preview.diagnostics

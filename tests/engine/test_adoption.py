"""Backups that are adopted: once, by one owner; and remarks that the service or the mark has changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.endpoint import HA, LocalEndpoint

from .stack import Stack
from .trouble import killed_create, on_another_machine


@pytest.mark.row("E17")
def test_an_adopted_id_that_stays_is_spent_when_the_triggers_change(stack: Stack, endpoint: LocalEndpoint) -> None:
    theirs = endpoint.add_backup(HA, remark="theirs")
    adopting: dict[str, Any] = {"instance_id": HA, "adopt_backup_id": theirs}
    stack.declare(**adopting, triggers={"release": 1})
    assert stack.up().ok
    assert stack.backup_ids() == {theirs}
    stack.declare(**adopting, triggers={"release": 2})
    preview = stack.preview()
    assert preview.ok, preview.text
    assert f"Takes a new backup of instance {HA}, then deletes backup {theirs}." in preview.diagnostics
    assert "Takes over" not in preview.text
    outcome = stack.up()
    assert outcome.ok, outcome.text
    (new,) = stack.backup_ids()
    assert new != theirs
    assert endpoint.backup_ids() == {new}
    assert stack.up("--expect-no-changes").ok
    # Neither does it come back: the state holds another backup, and the input still names the first one.
    stack.declare(**adopting, triggers={"release": 3})
    preview = stack.preview()
    assert f"Takes a new backup of instance {HA}, then deletes backup {new}." in preview.diagnostics
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.backup_ids() == stack.backup_ids() != {new}


@pytest.mark.row("E17")
@pytest.mark.parametrize("option", ["--target-replace", "taint"])
def test_so_it_is_when_a_replacement_is_forced(stack: Stack, endpoint: LocalEndpoint, option: str) -> None:
    theirs = endpoint.add_backup(HA)
    stack.declare(instance_id=HA, adopt_backup_id=theirs)
    assert stack.up().ok
    urn = stack.resource()["urn"]
    options = ["--target-replace", urn] if option == "--target-replace" else []
    if option == "taint":
        assert stack.pulumi("state", "taint", urn, "--yes").ok
    preview = stack.preview(*options)
    assert preview.ok, preview.text
    assert f"Takes a new backup of instance {HA}, then deletes backup {theirs}." in preview.diagnostics
    assert "Takes over" not in preview.text
    outcome = stack.up(*options)
    assert outcome.ok, outcome.text
    assert theirs not in endpoint.backup_ids()
    assert stack.backup_ids() == endpoint.backup_ids()
    assert len(endpoint.backups()) == 1


@pytest.mark.row("E17")
def test_another_id_is_adopted_in_its_place(stack: Stack, endpoint: LocalEndpoint) -> None:
    one, other = endpoint.add_backup(HA), endpoint.add_backup(HA)
    stack.declare(instance_id=HA, adopt_backup_id=one, triggers={"release": 1})
    assert stack.up().ok
    stack.declare(instance_id=HA, adopt_backup_id=other, triggers={"release": 2})
    preview = stack.preview()
    assert f"Takes over backup {other} of instance {HA}, then deletes backup {one}." in preview.diagnostics
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == {other}
    assert endpoint.count("create_backup") == 0


@pytest.mark.row("E18")
@pytest.mark.parametrize("order", ["after the holder", "unordered"])
def test_a_backup_that_another_resource_holds_is_refused(stack: Stack, endpoint: LocalEndpoint, order: str) -> None:
    stack.declare_all({"holder": {"instance_id": HA}})
    assert stack.up().ok
    (held,) = stack.backup_ids()
    after = "pulumi.ResourceOptions(depends_on=[holder])" if order == "after the holder" else None
    thief = {"instance_id": HA, "adopt_backup_id": held, "opts": after}
    stack.declare_all({"holder": {"instance_id": HA}, "thief": thief})
    preview = stack.preview()
    assert not preview.ok
    # The program's resources come to the engine in any order.
    refusals = [f"Backup {held} can't be adopted: 'holder' has it."]
    refusals += [f"Two resources have backup {held}: 'holder' and 'thief'."] * (order == "unordered")
    assert any(each in preview.diagnostics for each in refusals), preview.text
    outcome = stack.up()
    assert not outcome.ok
    assert any(each in outcome.diagnostics for each in refusals), outcome.text
    assert stack.resource()["urn"].endswith("::holder")
    stack.declare_all({"holder": {"instance_id": HA}})
    outcome = stack.up("--expect-no-changes")
    assert outcome.ok, outcome.text
    assert endpoint.backup_ids() == stack.backup_ids() == {held}


@pytest.mark.row("E18")
@pytest.mark.parametrize("way", ["up", "destroy --target"])
def test_one_that_is_declared_only_after_it_was_adopted_is_named_and_keeps_it(
    stack: Stack, endpoint: LocalEndpoint, way: str
) -> None:
    """The engine registers the holder when the other one is there already: until then, it may be a move."""
    stack.declare_all({"holder": {"instance_id": HA}})
    assert stack.up().ok
    (held,) = stack.backup_ids()
    after = "pulumi.ResourceOptions(depends_on=[thief])"
    thief = {"instance_id": HA, "adopt_backup_id": held}
    stack.declare_all({"thief": thief, "holder": {"instance_id": HA, "opts": after}})
    outcome = stack.up()
    assert not outcome.ok
    assert f"Two resources have backup {held}: 'holder' and 'thief'." in outcome.diagnostics
    if way == "up":
        stack.declare_all({"holder": {"instance_id": HA}})
        outcome = stack.up()
    else:
        (urn,) = (each["urn"] for each in stack.resources() if each["urn"].endswith("::thief"))
        outcome = stack.destroy("--target", urn)
    assert outcome.ok, outcome.text
    assert f"Backup {held} is not deleted: 'holder' has it as well." in outcome.diagnostics
    assert stack.resource()["urn"].endswith("::holder")
    assert endpoint.backup_ids() == stack.backup_ids() == {held}
    assert endpoint.count("delete_backup") == 0


@pytest.mark.row("E18")
@pytest.mark.parametrize("aliased", [True, False], ids=["with an alias", "by adoption"])
def test_a_renamed_resource_keeps_its_backup(stack: Stack, endpoint: LocalEndpoint, *, aliased: bool) -> None:
    stack.declare_all({"before": {"instance_id": HA}})
    assert stack.up().ok
    (held,) = stack.backup_ids()
    if aliased:
        alias = "pulumi.ResourceOptions(aliases=[pulumi.Alias(name='before')])"
        stack.declare_all({"after": {"instance_id": HA, "opts": alias}})
    else:
        stack.declare_all({"after": {"instance_id": HA, "adopt_backup_id": held}})
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.resource()["urn"].endswith("::after")
    assert stack.backup_ids() == endpoint.backup_ids() == {held}
    assert endpoint.count("delete_backup") == 0


MANNERS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "trims": {"remark_trim": True},
    "collapses": {"remark_collapse": True, "remark_trim": True},
    "composes": {"remark_nfc": True},
    "cuts": {"remark_max_bytes": 20},
}
REMARKS = (" before the migration", "nightly  \t run ", "cafe\u0301 au lait, deux fois")


@pytest.mark.row("E19")
@pytest.mark.parametrize("mark", ["true", "false"])
@pytest.mark.parametrize("manner", MANNERS)
def test_what_the_service_makes_of_a_remark_calls_for_no_new_backup(
    stack: Stack, endpoint: LocalEndpoint, manner: str, mark: str
) -> None:
    endpoint.behave(**MANNERS[manner])
    stack.config("dcs:mark", mark)
    stack.declare_all({f"b{n}": {"instance_id": HA, "remark": remark} for n, remark in enumerate(REMARKS)})
    assert stack.up().ok
    made = endpoint.backup_ids()
    assert len(made) == len(REMARKS)
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh().ok
    outcome = stack.up("--expect-no-changes")
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids() == made


@pytest.mark.row("E19")
@pytest.mark.parametrize("mark", ["true", "false"])
def test_a_remark_that_ends_like_a_mark_is_refused(stack: Stack, endpoint: LocalEndpoint, mark: str) -> None:
    stack.config("dcs:mark", mark)
    stack.declare(instance_id=HA, remark="nightly ~dcs:0123456789ab")
    for outcome in (stack.preview(), stack.up()):
        assert not outcome.ok
        assert "remark is 'nightly ~dcs:0123456789ab': it ends like the mark that dcs:mark adds" in outcome.diagnostics
    assert endpoint.count("create_backup") == 0


@pytest.mark.row("E19")
@pytest.mark.parametrize("remark", ["one", None])
@pytest.mark.parametrize("trims", [True, False], ids=["trims", "as it is"])
def test_a_marked_backup_is_adopted_as_the_message_advises(
    stack: Stack, endpoint: LocalEndpoint, remark: str | None, *, trims: bool
) -> None:
    endpoint.behave(remark_trim=trims)
    stack.config("dcs:mark", "true")
    stack.declare(instance_id=HA, remark=remark)
    left = killed_create(stack, endpoint)
    on_another_machine(stack)
    stack.config("dcs:mark", "false")
    stack.declare(instance_id=HA, remark=remark, adopt_backup_id=left)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert stack.resource()["outputs"].get("remark") == remark
    assert stack.up("--expect-no-changes").ok
    stack.declare(instance_id=HA, remark=remark)
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh("--expect-no-changes").ok
    assert stack.backup_ids() == endpoint.backup_ids() == {left}


@pytest.mark.row("E18")
@pytest.mark.parametrize("options", ["", ", delete_before_replace=True"], ids=["new one first", "old one first"])
@pytest.mark.parametrize("refresh", [(), ("--refresh",)], ids=["up", "up --refresh"])
def test_a_resource_that_is_renamed_and_replaced_at_once_leaves_nothing(
    stack: Stack, endpoint: LocalEndpoint, options: str, refresh: tuple[str, ...]
) -> None:
    """The engine has the old backup deleted under the old name, which the program no longer declares."""
    stack.declare_all({"before": {"instance_id": HA, "remark": "one"}})
    assert stack.up().ok
    (old,) = stack.backup_ids()
    alias = f"pulumi.ResourceOptions(aliases=[pulumi.Alias(name='before')]{options})"
    stack.declare_all({"after": {"instance_id": HA, "remark": "two", "opts": alias}})
    if not (options or refresh):
        preview = stack.preview()
        assert f"Takes a new backup of instance {HA}, then deletes backup {old}." in preview.diagnostics
    outcome = stack.up(*refresh)
    assert outcome.ok, outcome.text
    assert "is not deleted" not in outcome.text
    assert old not in endpoint.backup_ids()
    assert stack.backup_ids() == endpoint.backup_ids()


@pytest.mark.row("E18")
@pytest.mark.parametrize("way", ["destroy", "up"])
def test_a_backup_that_was_moved_by_targets_stays(stack: Stack, endpoint: LocalEndpoint, way: str) -> None:
    """Neither run has both resources in it; only the saved state has."""
    stack.declare_all({"a": {"instance_id": HA}})
    assert stack.up().ok
    (held,) = stack.backup_ids()
    before = stack.resource()["urn"]
    stack.declare_all({"b": {"instance_id": HA, "adopt_backup_id": held}})
    assert stack.up("--target", f"{before[:-1]}b").ok
    outcome = stack.destroy("--target", before) if way == "destroy" else stack.up("--target", before)
    assert outcome.ok, outcome.text
    assert f"Backup {held} is not deleted: 'b' has it as well." in outcome.diagnostics
    assert stack.resource()["urn"].endswith("::b")
    assert endpoint.backup_ids() == {held}
    assert stack.destroy().ok
    assert not endpoint.backup_ids()


@pytest.mark.row("E18")
def test_of_two_that_hold_a_backup_the_last_to_go_deletes_it(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.declare_all({"a": {"instance_id": HA}})
    assert stack.up().ok
    (held,) = stack.backup_ids()
    stack.declare_all({"b": {"instance_id": HA, "adopt_backup_id": held}})
    assert stack.up("--target", f"{stack.resource()['urn'][:-1]}b").ok
    assert len(stack.resources()) == 2
    assert stack.destroy().ok
    assert not endpoint.backup_ids()


@pytest.mark.row("E17")
@pytest.mark.parametrize("is_adopted", [True, False], ids=["adopted", "taken"])
def test_one_that_a_refresh_of_the_same_run_finds_gone_is_made_anew(
    stack: Stack, endpoint: LocalEndpoint, *, is_adopted: bool
) -> None:
    stack.declare(instance_id=HA, adopt_backup_id=endpoint.add_backup(HA) if is_adopted else None)
    assert stack.up().ok
    (gone,) = stack.backup_ids()
    endpoint.remove_backup(gone)
    preview = stack.preview("--refresh")
    assert preview.ok, preview.text
    assert "Takes a backup of instance orders" in preview.diagnostics
    assert f"deletes backup {gone}" not in preview.text
    outcome = stack.up("--refresh")
    assert outcome.ok, outcome.text
    assert stack.backup_ids() == endpoint.backup_ids()
    assert gone not in endpoint.backup_ids()

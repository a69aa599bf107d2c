"""What counts as the same change, and what of it may be told."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi.output import Unknown
from pulumi_dcs.guard.change import Change, Operation, Value, canonical, has_unknown

URN = "urn:pulumi:dev::shop::t::orders"


def values(properties: dict[str, Any], *, secret: bool = False) -> dict[str, Value]:
    return {
        name: Value(canonical(value), is_secret=secret, is_known=not has_unknown(value))
        for name, value in properties.items()
    }


def change(
    old: dict[str, Any],
    new: dict[str, Any],
    *,
    secret: bool = False,
    operation: Operation = Operation.UPDATE,
    instance_id: str = "i",
    urn: str = URN,
) -> Change:
    known = frozenset({*old, *new})
    return Change(operation, urn, "orders", instance_id, values(old, secret=secret), values(new, secret=secret), known)


def test_the_same_change_has_the_same_hash() -> None:
    one = change({"a": 1, "b": {"x": 1, "y": [2]}}, {"a": 2, "b": {"y": [2], "x": 1}})
    two = change({"b": {"y": [2], "x": 1}, "a": 1, "c": 5}, {"a": 2, "b": {"x": 1, "y": [2]}, "c": 5})
    assert one.changed == two.changed == ["a"]
    assert one.change_hash() == two.change_hash()


@pytest.mark.parametrize(
    "other",
    [
        change({"a": 1}, {"a": 3}),
        change({"a": 2}, {"a": 1}),
        change({"a": 0}, {"a": 2}),
        change({"b": 1}, {"b": 2}),
        change({}, {"a": 2}),
        change({"a": 1}, {}),
        change({"a": 1}, {"a": 2}, instance_id="j"),
        change({"a": 1}, {"a": 2}, urn=URN + "2"),
        change({"a": 1}, {"a": "2"}),
        change({"a": 1}, {"a": 2}, operation=Operation.DELETE),
        change({"a": 1}, {"a": 2}, secret=True),
    ],
)
def test_another_change_has_another_hash(other: Change) -> None:
    assert other.change_hash() != change({"a": 1}, {"a": 2}).change_hash()


def test_another_organization_has_another_hash() -> None:
    one = change({"a": 1}, {"a": 2})
    assert one.change_hash("we") != one.change_hash("they")


def test_no_secret_is_in_the_hash() -> None:
    one = change({"password": "hunter1"}, {"password": "hunter2"}, secret=True)
    two = change({"password": "hunter3"}, {"password": "hunter4"}, secret=True)
    assert one.changed == ["password"]
    assert one.change_hash() == two.change_hash()
    assert "hunter" not in repr(one.change_hash())


def test_what_becomes_a_secret_is_one_on_both_sides() -> None:
    def becoming(old: str, new: str) -> Change:
        return Change(Operation.UPDATE, URN, "o", "i", values({"p": old}), values({"p": new}, secret=True))

    assert becoming("one", "one").changed == []
    assert becoming("one", "two").change_hash() == becoming("three", "four").change_hash()


def test_a_delete_is_the_same_whatever_the_inputs() -> None:
    one = change({"a": 1}, {}, operation=Operation.DELETE)
    two = change({"a": 2}, {}, operation=Operation.DELETE)
    assert one.change_hash() == two.change_hash()


def test_names_are_found_in_either_spelling() -> None:
    changed = change({"engineVersion": "5", "capacity": 1}, {"engineVersion": "6", "capacity": 1})
    assert changed.of_interest(["engine_version", "capacity"]) == ["engineVersion"]
    assert changed.of_interest(["capacity"]) == []
    assert changed.missing(["engine_version", "engineVersions"]) == ["engineVersions"]


def test_a_value_that_is_not_known_perhaps_changes() -> None:
    unknown = Unknown()  # type: ignore[no-untyped-call]
    found = change({"a": 1, "b": 1}, {"a": unknown, "b": [unknown]})
    assert found.changed == ["a", "b"]
    assert found.unknown(["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pulumi.StringAsset("a"), pulumi.StringAsset("b")),
        ({"deep": [pulumi.StringAsset("a")]}, {"deep": [pulumi.StringAsset("b")]}),
    ],
)
def test_assets_are_compared_by_what_they_name(one: object, other: object) -> None:
    assert change({"a": one}, {"a": other}).changed == ["a"]
    assert change({"a": one}, {"a": one}).changed == []


@pytest.mark.parametrize(
    "asset",
    [
        pulumi.FileAsset("a"),
        pulumi.RemoteAsset("https://a"),
        pulumi.FileArchive("a.zip"),
        pulumi.AssetArchive({"a": pulumi.FileAsset("a"), "b": pulumi.StringAsset("b")}),
    ],
    ids=lambda asset: type(asset).__name__,
)
def test_a_file_may_have_changed_under_the_same_name(asset: object) -> None:
    assert change({"a": [asset]}, {"a": [asset]}).of_interest(["a"]) == ["a"]

"""What ``backup_before`` refuses while the program is written, and the names of its hooks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks
from pulumi_dcs import backup_before
from pulumi_dcs.guard.arguments import text_of
from pulumi_dcs.guard.run import Run


class NoMocks(Mocks):
    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        return "id", {}

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None


@pytest.fixture(autouse=True)
def program() -> Iterator[None]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    pulumi.runtime.set_mocks(NoMocks())
    yield
    for task in (tasks := asyncio.all_tasks(loop)):
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    asyncio.set_event_loop(None)
    loop.close()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"operation": "delete"}, "save_to is missing: the service deletes an instance's backups together with"),
        ({"operation": "replace"}, 'give "delete" (with save_to)'),
        ({"operation": "create"}, 'operation is \'create\': give "update" or "delete"'),
        ({"remark": "{title}"}, "remark has the placeholder {title}"),
        ({"remark": None}, "remark is of type NoneType"),
        ({"only_if_changed": []}, "only_if_changed is empty"),
        ({"only_if_changed": "capacity"}, "only_if_changed must be a list"),
        ({"only_if_changed": ["tags.env"]}, "only_if_changed has 'tags.env'"),
        ({"operation": "delete", "save_to": "x", "only_if_changed": ["a"]}, "only_if_changed is for updates"),
        ({"instance_id": "9ca3f1e2-0000"}, "instance_id must be the name of a property"),
        ({"instance_id": 7}, "instance_id must be the name of a property"),
        ({"backup_format": "zip"}, 'backup_format is \'zip\': give "rdb" (the default) or "aof".'),
        ({"save_to": ""}, "save_to must be the path of a folder"),
        ({"timeout": 60}, "timeout is of type int: give a datetime.timedelta"),
        ({"timeout": timedelta()}, "timeout is 0:00:00: it must be longer than 0"),
        ({"reuse_within": timedelta(-1)}, "it must be at least 0"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_refused(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(reason)):
        backup_before(**{"operation": "update", **arguments})


def names(binding: pulumi.ResourceHookBinding) -> list[str]:
    hooks = [*(binding.before_update or []), *(binding.before_delete or [])]
    return [hook.name for hook in hooks if isinstance(hook, pulumi.ResourceHook)]


def test_equal_calls_share_a_hook_and_others_get_their_own_name() -> None:
    assert names(backup_before("update")) == ["pulumi_dcs.backup_before:update"]
    assert names(backup_before("update")) == ["pulumi_dcs.backup_before:update"]
    assert names(backup_before("update", remark="other")) == ["pulumi_dcs.backup_before:update-2"]
    assert names(backup_before("delete", save_to=Path("a"))) == ["pulumi_dcs.backup_before:delete"]
    assert names(backup_before("delete", save_to="a")) == ["pulumi_dcs.backup_before:delete"]
    loop = [names(backup_before("update", instance_id=lambda args: args.id)) for _ in range(3)]
    function = "pulumi_dcs.backup_before:update:function"
    assert loop == [[function], [f"{function}-2"], [f"{function}-3"]]


def test_calls_that_tell_the_instance_in_other_ways_never_get_each_others_names() -> None:
    # The state has these names: the hook that a delete runs must not be one that was made for other resources.
    first = [names(backup_before("delete", save_to="a", instance_id=told)) for told in (None, "cluster_id")]
    pulumi.runtime.set_mocks(NoMocks())
    again = [names(backup_before("delete", save_to="a", instance_id=told)) for told in ("cluster_id", None)]
    assert first == list(reversed(again))
    assert first[0] != first[1]


def test_a_relative_folder_is_below_the_one_that_the_program_is_in_at_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    backup_before("delete", save_to="saved")
    (guard,) = Run.current().hooks
    assert guard.save_to == str(tmp_path / "saved")


def test_a_coroutine_serves_all_hooks() -> None:
    async def region() -> str:
        return "cn-north-4"

    backup_before("update", region=region())
    (guard,) = Run.current().hooks
    loop = asyncio.get_event_loop_policy().get_event_loop()
    for _ in range(2):
        told = loop.run_until_complete(text_of("region", guard.region, 5.0, may_be_unknown=False))
        assert told == "cn-north-4"


def test_each_run_of_a_program_has_names_of_its_own() -> None:
    assert names(backup_before("update", remark="one")) == ["pulumi_dcs.backup_before:update"]
    pulumi.runtime.set_mocks(NoMocks())
    assert names(backup_before("update", remark="two")) == ["pulumi_dcs.backup_before:update"]


def test_an_sdk_without_hooks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(pulumi, "ResourceHook")
    with pytest.raises(pulumi.RunError, match=r"resource hooks, which Pulumi's Python SDK [\d.]+ does not have"):
        backup_before("update")


def test_without_a_program_it_says_so() -> None:
    pulumi.runtime.settings.reset_options()
    with pytest.raises(pulumi.RunError, match="where no Pulumi program runs"):
        backup_before("update")

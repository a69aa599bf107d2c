"""Instances are dealt out to stacks in a stable way."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_dcs.fleet import share

ids = st.lists(st.uuids().map(str), max_size=40)


@given(instance_ids=ids, shards=st.integers(1, 12))
def test_each_instance_belongs_to_one_stack(instance_ids: list[str], shards: int) -> None:
    shares = [share(instance_ids, shard, shards) for shard in range(shards)]
    assert Counter(each for part in shares for each in part) == dict.fromkeys(instance_ids, 1)


@given(instance_ids=ids, more=ids, shards=st.integers(1, 12), shard=st.integers(0, 11))
def test_others_and_their_order_change_nothing(
    instance_ids: list[str], more: list[str], shards: int, shard: int
) -> None:
    if shard < shards:
        mine = set(share(instance_ids, shard, shards))
        assert mine == set(share([*more, *reversed(instance_ids)], shard, shards)) & set(instance_ids)


@given(instance_ids=ids, shards=st.integers(1, 12), shard=st.integers(0, 11))
def test_one_stack_more_only_takes(instance_ids: list[str], shards: int, shard: int) -> None:
    if shard < shards:
        assert set(share(instance_ids, shard, shards + 1)) <= set(share(instance_ids, shard, shards))


def test_the_shares_are_about_equal() -> None:
    instance_ids = [f"instance-{number}" for number in range(1000)]
    sizes = [len(share(instance_ids, shard, 10)) for shard in range(10)]
    assert min(sizes) > 70
    assert max(sizes) < 130


@pytest.mark.parametrize(("shard", "shards"), [(0, 0), (-1, 3), (3, 3)])
def test_a_wrong_share_is_refused(shard: int, shards: int) -> None:
    with pytest.raises(ValueError, match=r"must be"):
        share([], shard, shards)

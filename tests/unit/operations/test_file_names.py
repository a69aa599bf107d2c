"""Which names a file may be given."""

from __future__ import annotations

import pytest
from pulumi_dcs.operations.file_names import UnsafeNameError, checked_names

PLAIN = "redis_192.168.63.250_6379_10923-16383_20190820211816.rdb"


@pytest.mark.parametrize("is_windows", [False, True])
def test_the_documented_name_is_a_name(*, is_windows: bool) -> None:
    assert checked_names([PLAIN, "b.aof"], is_windows=is_windows) == [PLAIN, "b.aof"]


@pytest.mark.parametrize("name", ["redis_fe80::1_6379.rdb", "con.rdb", "LPT1", "NUL .txt", "a.rdb.", "a ", "a?.rdb"])
def test_windows_knows_more_that_is_no_name(name: str) -> None:
    assert checked_names([name], is_windows=False) == [name]
    with pytest.raises(UnsafeNameError):
        checked_names([name], is_windows=True)

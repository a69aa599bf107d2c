"""Where the files of a backup are saved."""

from __future__ import annotations

from pathlib import Path

import pytest
from pulumi_dcs.guard.save import check_folder, folder_for
from pulumi_dcs.operations.errors import DownloadFailedError


def test_each_backup_has_a_folder_of_its_own_whatever_the_resource_is_called(tmp_path: Path) -> None:
    for name in ("orders", "../../etc", ".hidden", "a/b\\c:d", "ö" * 300, "x" * 300):
        folder = folder_for(str(tmp_path), name, "6f1e0b6a-1111-4111-8111-000000000001")
        assert folder.parent == tmp_path
        assert folder.name.endswith("-6f1e0b6a-1111-4111-8111-000000000001")
        assert not folder.name.startswith(".")
        folder.mkdir()


def test_what_the_system_says_of_the_folder_is_told(tmp_path: Path) -> None:
    check_folder(str(tmp_path / "new" / "and new"))
    with pytest.raises(DownloadFailedError, match="can't be written: File name too long"):
        check_folder(str(tmp_path / ("x" * 300)))

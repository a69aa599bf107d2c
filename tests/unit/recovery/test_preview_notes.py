"""What the preview of a ``pulumi up`` has listed is known to its second part, and to nobody else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from pulumi_dcs.recovery import preview_notes
from pulumi_dcs.recovery.preview_notes import PreviewNote, PreviewNotes

URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:BackupRetention::orders"


def notes(folder: Path | None, run: str, monkeypatch: pytest.MonkeyPatch) -> PreviewNotes:
    """Those of a new process of that run of the engine."""
    monkeypatch.setattr(preview_notes, "engine_run", lambda: run)
    made = PreviewNotes(folder)
    assert (made._path is None) == (folder is None or not run)
    return made


def test_the_second_part_of_a_run_reads_what_the_first_has_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview = notes(tmp_path, "100 1", monkeypatch)
    preview.begin()
    preview.write(URN, ["b2", "b1"])
    preview.write(f"{URN}-2", None)
    preview.write(URN, ["b3"])
    up = notes(tmp_path, "100 1", monkeypatch)
    assert up.read(URN) == PreviewNote(frozenset({"b3"}))
    assert up.read(f"{URN}-2") == PreviewNote(is_listed=False)
    assert up.read(f"{URN}-3") == PreviewNote()


@pytest.mark.parametrize("other", ["100 2", "101 1", ""])
def test_another_run_knows_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    notes(tmp_path, "100 1", monkeypatch).write(URN, ["b1"])
    assert notes(tmp_path, other, monkeypatch).read(URN) is None


def test_a_preview_that_starts_again_in_the_same_run_replaces_what_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes(tmp_path, "100 1", monkeypatch).write(URN, ["b1"])
    notes(tmp_path, "100 1", monkeypatch).begin()
    assert notes(tmp_path, "100 1", monkeypatch).read(URN) == PreviewNote()


def test_without_a_place_for_notes_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for folder in (None, tmp_path / "file"):
        kept = notes(folder, "100 1", monkeypatch)
        kept.write(URN, ["b1"])
        assert kept.read(URN) is None


def test_old_notes_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes(tmp_path, "100 1", monkeypatch).begin()
    (old,) = (tmp_path / "previews").iterdir()
    week_ago = time.time() - 8 * 24 * 3600
    os.utime(old, (week_ago, week_ago))
    notes(tmp_path, "100 2", monkeypatch).begin()
    assert not old.exists()
    assert len(list((tmp_path / "previews").iterdir())) == 1

"""The journal: what one run writes, another finds; whole or not at all, and each record has one owner."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from pulumi_dcs.operations.ownership import Progress, SentRequest
from pulumi_dcs.recovery.journal import Journal
from pulumi_dcs.recovery.journal_format import Scope, Site, read_progress, write_request

NOW = datetime(2026, 11, 1, 12, 0, 0, tzinfo=timezone.utc)
URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:InstanceBackup::a"
SCOPE = Scope.of(URN, "file:///state", "")
SITE = Site("https://e", "r", "p", "i")
REQUEST = SentRequest({"remark": "r"}, frozenset({"known"}), NOW, NOW + timedelta(seconds=10))


def journal(folder: Path) -> Journal:
    """The journal as a process of its own would open it; its run counts as dead, since nobody holds its lock."""
    opened = Journal(folder / "pulumi-dcs", {"PULUMI_BACKEND_URL": "file:///state"}, pytest.fail)
    opened._hold_run_lock = lambda: None  # type: ignore[method-assign]
    return opened


def test_the_next_run_finds_how_far_an_attempt_has_come(tmp_path: Path) -> None:
    first = journal(tmp_path).begin(SCOPE, URN, "hash", SITE)
    assert first.progress == Progress()
    assert not first.continues_an_interrupted
    first.save(Progress(request=REQUEST))
    second = journal(tmp_path).begin(SCOPE, URN, "hash", SITE)
    assert second.progress == Progress(request=REQUEST)
    assert second.continues_an_interrupted
    assert not second.is_retry
    second.save(Progress("mine"))
    assert journal(tmp_path).begin(SCOPE, URN, "hash", SITE).progress == Progress("mine")


@pytest.mark.parametrize(
    ("scope", "urn", "inputs_hash"),
    [
        (Scope("file:///other", "", SCOPE.stack), URN, "hash"),
        (Scope(SCOPE.backend, "acme", SCOPE.stack), URN, "hash"),
        (SCOPE, URN + "2", "hash"),
        (SCOPE, URN, "other"),
    ],
    ids=["another backend", "another organisation", "another resource", "other inputs"],
)
def test_nobody_else_finds_it(tmp_path: Path, scope: Scope, urn: str, inputs_hash: str) -> None:
    journal(tmp_path).begin(SCOPE, URN, "hash", SITE).save(Progress("mine"))
    assert journal(tmp_path).begin(scope, urn, inputs_hash, SITE).progress == Progress()


def test_the_same_process_goes_on_with_it_as_a_retry(tmp_path: Path) -> None:
    kept = journal(tmp_path)
    kept.begin(SCOPE, URN, "hash", SITE).save(Progress("mine"))
    again = kept.begin(SCOPE, URN, "hash", SITE)
    assert (again.progress, again.is_retry) == (Progress("mine"), True)


def test_what_the_state_holds_is_done_with_and_still_known(tmp_path: Path) -> None:
    journal(tmp_path).begin(SCOPE, URN, "hash", SITE).save(Progress("mine"))
    assert journal(tmp_path).note_in_state(URN, "mine") is None
    later = journal(tmp_path)
    attempt = later.begin(SCOPE, URN, "hash", SITE)
    assert attempt.progress == Progress()
    assert attempt.is_known("mine")
    assert not later.left(SCOPE)


def test_each_record_has_one_owner(tmp_path: Path) -> None:
    kept = journal(tmp_path)
    one, other = kept.begin(SCOPE, URN, "hash", SITE), kept.begin(SCOPE, URN + "2", "hash", SITE)
    assert one.claim(["x", "y"]) is None
    assert one.claim(["x"]) == "x"
    assert other.claim(["x"]) is None
    assert other.claim(["x", "y"]) == "y"
    assert journal(tmp_path).begin(SCOPE, URN + "3", "hash", SITE).claim(["x", "y"]) is None


def test_a_response_outweighs_a_claim(tmp_path: Path) -> None:
    kept = journal(tmp_path)
    one, other = kept.begin(SCOPE, URN, "hash", SITE), kept.begin(SCOPE, URN + "2", "hash", SITE)
    assert one.claim(["x"]) == "x"
    other.save(Progress("x"))
    assert [entry.urn for entry in journal(tmp_path).left(SCOPE) if entry.progress.record_id] == [URN + "2"]


def test_of_many_threads_one_claims(tmp_path: Path) -> None:
    kept = journal(tmp_path)
    attempts = [kept.begin(SCOPE, f"{URN}{number}", "hash", SITE) for number in range(16)]
    barrier = threading.Barrier(len(attempts))
    claimed: list[str | None] = []

    def claim(number: int) -> None:
        barrier.wait()
        claimed.append(attempts[number].claim(["x"]))

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(len(attempts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, claimed)) == ["None"] * 15 + ["x"]


def _claim_in_a_process(folder: str, number: int, queue: multiprocessing.Queue[str | None]) -> None:
    kept = Journal(Path(folder) / "pulumi-dcs", {}, print)
    queue.put(kept.begin(SCOPE, f"{URN}{number}", "hash", SITE).claim(["x"]))


def test_of_many_processes_one_claims(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[str | None] = context.Queue()
    processes = [
        context.Process(target=_claim_in_a_process, args=(str(tmp_path), number, queue)) for number in range(4)
    ]
    for process in processes:
        process.start()
    claimed = [queue.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert sorted(map(str, claimed)) == ["None"] * 3 + ["x"]


HOLD = """
import sys
from pathlib import Path
from pulumi_dcs.operations.ownership import Progress
from pulumi_dcs.recovery.journal import Journal
from pulumi_dcs.recovery.journal_format import Scope, Site

urn = sys.argv[2]
journal = Journal(Path(sys.argv[1]) / "pulumi-dcs", {}, print)
journal.begin(Scope.of(urn, "file:///state", ""), urn, "hash", Site("https://e", "r", "p", "i")).save(Progress("mine"))
print("begun", flush=True)
sys.stdin.read()
"""


def test_what_a_living_run_makes_is_left_by_nobody_until_it_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), URN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as living:
        assert living.stdout is not None
        assert living.stdout.readline() == "begun\n"
        assert not journal(tmp_path).left(SCOPE)
        assert journal(tmp_path).begin(SCOPE, URN, "hash", SITE).progress == Progress()
        living.kill()
        living.wait()
    assert [entry.progress.record_id for entry in journal(tmp_path).left(SCOPE)][:1] == ["mine"]


def test_a_run_that_ended_in_good_order_has_reported_what_it_made(tmp_path: Path) -> None:
    kept = journal(tmp_path)
    kept.begin(SCOPE, URN, "hash", SITE).save(Progress("mine"))
    assert [entry.is_reported for entry in journal(tmp_path).left(SCOPE)] == [False]
    kept.close()
    assert [entry.is_reported for entry in journal(tmp_path).left(SCOPE)] == [True]


def test_a_create_that_has_returned_is_known_to_its_engine(tmp_path: Path) -> None:
    attempt = journal(tmp_path).begin(SCOPE, URN, "hash", SITE)
    attempt.save(Progress("mine"))
    assert [entry.is_known_to_engine for entry in journal(tmp_path).left(SCOPE)] == [False]
    attempt.note_returned()
    assert [entry.is_known_to_engine for entry in journal(tmp_path).left(SCOPE)] == [True]
    assert journal(tmp_path).begin(SCOPE, URN, "hash", SITE).is_known_to_engine
    assert [entry.is_known_to_engine for entry in journal(tmp_path).left(SCOPE)] == [False], "this run's has not"


def test_what_is_made_after_an_older_record_was_seen_in_the_state_is_not_saved_yet(tmp_path: Path) -> None:
    journal(tmp_path).begin(SCOPE, URN, "hash", SITE).save(Progress("old"))
    replacing = journal(tmp_path)
    attempt = replacing.begin(SCOPE, URN, "hash", SITE)
    replacing.note_all_in_state(["old"])
    attempt.save(Progress("new"))
    assert journal(tmp_path).begin(SCOPE, URN, "hash", SITE).progress == Progress("new")


def test_adopting_takes_it_away_from_the_one_that_was_interrupted(tmp_path: Path) -> None:
    journal(tmp_path).begin(SCOPE, URN, "hash", SITE).save(Progress("mine"))
    adopting = journal(tmp_path)
    assert adopting.adopt(SCOPE, URN + "2", "mine") is None
    assert adopting.adopt(SCOPE, URN + "3", "mine") == URN + "2"
    attempt = journal(tmp_path).begin(SCOPE, URN, "hash", SITE)
    assert attempt.progress == Progress()
    assert attempt.is_known("mine")
    assert not journal(tmp_path).left(SCOPE)[:-1]


def test_a_journal_that_cannot_be_written_says_so_once_and_serves_this_process(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    blocked = Journal(tmp_path / "file" / "pulumi-dcs", {}, said.append)
    blocked.begin(SCOPE, URN, "hash", SITE).save(Progress("x"))
    assert blocked.begin(SCOPE, URN, "hash", SITE).progress == Progress("x")
    assert len(said) == 1
    assert "can't be written" in said[0]


def test_a_database_that_is_none_is_treated_likewise(tmp_path: Path) -> None:
    (tmp_path / "pulumi-dcs").mkdir()
    (tmp_path / "pulumi-dcs" / "journal.sqlite").write_text("not a database, but long enough to look like one" * 100)
    said: list[str] = []
    broken = Journal(tmp_path / "pulumi-dcs", {}, said.append)
    broken.begin(SCOPE, URN, "hash", SITE).save(Progress("x"))
    assert len(said) == 1


@pytest.mark.parametrize("trouble", ["full", "broken"])
def test_a_journal_that_breaks_while_a_create_runs_does_not_break_the_create(tmp_path: Path, trouble: str) -> None:
    said: list[str] = []
    kept = Journal(tmp_path / "pulumi-dcs", {}, said.append)
    attempt = kept.begin(SCOPE, URN, "hash", SITE)
    attempt.save(Progress(request=REQUEST))
    with kept._database.transaction() as database:
        if trouble == "broken":
            database.execute("drop table attempts")
    if trouble == "full":
        kept._database._connection.execute("pragma max_page_count = 1")  # type: ignore[union-attr]
        attempt.save(Progress(request=replace(REQUEST, known=frozenset(map(str, range(100_000))))))
    attempt.save(Progress("mine"))
    assert attempt.progress == Progress("mine")
    assert kept.owner("mine") == URN
    kept.begin(SCOPE, URN + "2", "hash", SITE).save(Progress("other"))
    assert attempt.claim(["mine"]) == "mine"
    kept.close()
    assert len(said) == 1


def test_as_long_as_the_same_request_waits_for_its_response_nobody_claims_what_it_may_have_made(
    tmp_path: Path,
) -> None:
    kept = journal(tmp_path)
    waiting = kept.begin(SCOPE, URN, "hash", SITE)
    waiting.save(Progress(request=REQUEST))
    looking = kept.begin(SCOPE, URN + "2", "hash", SITE)
    looking.save(Progress(request=replace(REQUEST, is_lost=True)))
    assert looking.claim(["made"]) is None
    waiting.save(Progress("made"))
    assert looking.claim(["made"]) is None
    assert looking.claim(["made", "mine"]) == "mine"


def test_nothing_is_written_before_something_is_begun(tmp_path: Path) -> None:
    kept = journal(tmp_path)
    assert not kept.left(SCOPE)
    assert kept.note_in_state(URN, "mine") is None
    kept.close()
    assert not list(tmp_path.iterdir())


def old_entry(folder: Path, text: str, backend: str = "file:///state") -> Path:
    """An entry as version 0.1 wrote it."""
    name = hashlib.sha256(f"{backend}\n{URN}".encode()).hexdigest()[:32]
    path = folder / "pulumi-dcs" / "creates" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


OLD_SITE = {"endpoint": "https://e", "region": "r", "project_id": "p", "instance_id": "i"}
OLD = {"form": 2, "urn": URN, "digest": "hash", "site": OLD_SITE, "backup_id": "mine", "post": None, "strays": []}
OLD_POST = {
    "remark": "r",
    "backup_format": "aof",
    "known": ["known"],
    "sent_at": "2026-11-01T12:00:00+00:00",
    "until": "2026-11-01T12:00:10+00:00",
}


def test_an_entry_of_version_0_1_is_taken_over(tmp_path: Path) -> None:
    path = old_entry(tmp_path, json.dumps(OLD))
    attempt = journal(tmp_path).begin(SCOPE, URN, "hash", SITE)
    assert attempt.progress == Progress("mine")
    assert attempt.continues_an_interrupted
    assert not path.exists()


def test_so_is_its_request_and_what_it_had_left_before(tmp_path: Path) -> None:
    stray = {"site": OLD_SITE, "backup_id": "earlier", "post": None}
    old_entry(tmp_path, json.dumps({**OLD, "backup_id": "", "post": OLD_POST, "strays": [stray]}))
    left = journal(tmp_path).left(SCOPE)
    assert left[1].progress == Progress("earlier")
    request = left[0].progress.request
    assert request is not None
    assert request.wanted == {"remark": "r", "backup_format": "aof"}
    assert request.until == NOW + timedelta(seconds=10)


def test_an_entry_of_another_backend_stays_where_it_is(tmp_path: Path) -> None:
    path = old_entry(tmp_path, json.dumps(OLD), backend="file:///other")
    assert not journal(tmp_path).left(SCOPE)
    assert path.exists()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"form": 99}', json.dumps(OLD)[:-9], json.dumps({**OLD, "site": 1, "backup_id": ""})],
)
def test_an_entry_of_version_0_1_that_is_not_whole_proves_nothing(tmp_path: Path, text: str) -> None:
    old_entry(tmp_path, text)
    assert journal(tmp_path).begin(SCOPE, URN, "hash", SITE).progress == Progress()


def test_a_request_is_read_as_it_was_written() -> None:
    assert read_progress("", write_request(REQUEST)) == Progress(request=REQUEST)
    assert read_progress("x", write_request(REQUEST)) == Progress("x")
    for nonsense in ("{", "[]", '{"wanted": 1}', "null"):
        assert read_progress("", nonsense) == Progress()

"""Each proof by which a record is taken over, in both directions. See ``operations/ownership.py``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pulumi_dcs.api.backup_format import BackupFormat
from pulumi_dcs.api.backups import BackupRecord, BackupStatus
from pulumi_dcs.api.clock import Pause
from pulumi_dcs.api.errors import ConnectionFailed
from pulumi_dcs.api.pages import Page
from pulumi_dcs.operations.create_once import CreateOnce
from pulumi_dcs.operations.errors import CreateFailedError, UncertainOwnershipError
from pulumi_dcs.operations.operation import Operation
from pulumi_dcs.operations.ownership import Evidence, EvidenceUnavailableError, Progress, SentRequest
from pulumi_dcs.operations.record_cache import RecordCache
from pulumi_dcs.resources.backups import KIND, WantedBackup

from tests.clocks import LeapingClock

NOW = datetime(2026, 11, 1, 12, 0, 0, tzinfo=timezone.utc)
MARK = "~dcs:0123456789ab"
OTHER_MARK = "~dcs:ba9876543210"
NOTHING_DONE = Progress()
UNINTERRUPTED = Evidence()
PLAIN = WantedBackup("r", BackupFormat.RDB)
MARKED = WantedBackup("r", BackupFormat.RDB, MARK)
MINE = BackupRecord("mine", BackupStatus.SUCCEED, remark="r", backup_format="rdb", backup_type="manual")


def at(seconds: float, record: BackupRecord = MINE, **changes: Any) -> BackupRecord:
    """The record, created this many seconds after NOW."""
    moment = (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return replace(record, created_at=moment, **changes)


class Attempt:
    """An attempt in memory."""

    def __init__(
        self,
        progress: Progress = NOTHING_DONE,
        *,
        known: str = "",
        is_retry: bool = False,
        is_unresolved: bool = False,
        is_known_to_engine: bool = True,
    ) -> None:
        self.progress = progress
        self.is_retry = is_retry
        self.is_unresolved = is_unresolved
        self.is_known_to_engine = is_known_to_engine
        self.left_unresolved = False
        self.continues_an_interrupted = progress != Progress() and not is_retry
        self.interrupted_creates = 0
        self._known = known.split()
        self.asked: list[str] = []

    def save(self, progress: Progress) -> None:
        self.progress = progress

    def leave_unresolved(self) -> None:
        self.left_unresolved = True

    def claim(self, record_ids: Sequence[str]) -> str | None:
        free = [each for each in record_ids if each not in self._known]
        return free[0] if len(free) == 1 else None

    def is_known(self, record_id: str) -> bool:
        self.asked.append(record_id)
        return record_id in self._known

    def can_have_made(self, record_id: str) -> bool:
        return not self.is_known(record_id)

    def note_interrupted(self, count: int) -> None:
        pass


class State:
    """What the saved state says, and how often it is read."""

    def __init__(self, evidence: Evidence | None) -> None:
        self._evidence = evidence
        self.reads = 0

    def evidence(self, enough: int) -> Evidence:
        self.reads += 1
        if self._evidence is None:
            raise EvidenceUnavailableError("no such command")
        return self._evidence


class Api:
    """An instance's list of backups, and what a create makes of it."""

    def __init__(self, records: Sequence[BackupRecord], clock: LeapingClock) -> None:
        self.records = list(records)
        self.clock = clock
        self.posts = 0
        self.lost: list[list[BackupRecord]] = []
        """For each request whose response is lost: the records that are there afterwards."""

    def list_page(self, instance_id: str, *, limit: int, offset: int) -> Page[BackupRecord]:
        now = (NOW + timedelta(seconds=self.clock.monotonic())).replace(microsecond=0)
        return Page(len(self.records), tuple(self.records), len(self.records), now)

    def delete(self, instance_id: str, record_id: str) -> None:
        raise NotImplementedError

    def create(self) -> str:
        self.posts += 1
        if self.lost:
            self.records += self.lost.pop(0)
            raise ConnectionFailed("The connection was lost.", sent=True)
        return "new"


def create(
    records: Sequence[BackupRecord] = (),
    attempt: Attempt | None = None,
    evidence: Evidence | None = UNINTERRUPTED,
    wanted: WantedBackup = PLAIN,
    lost: Sequence[list[BackupRecord]] = (),
) -> tuple[str, Api, State]:
    clock = LeapingClock()
    api, state = Api(records, clock), State(evidence)
    api.lost = list(lost)

    def open_api(_: Pause) -> Api:
        return api

    found = CreateOnce(
        KIND,
        RecordCache[BackupRecord](open_api),
        Operation("back up", clock=clock, timeout=600.0),
        "i",
        start=lambda _: api.create(),
        wanted=wanted,
        attempt=attempt or Attempt(),
        saved_state=state,
    ).run()
    return found, api, state


INTERRUPTED = Evidence(interrupted_creates=1)


def test_a_lost_response_proves_the_one_that_fits() -> None:
    found, api, _ = create(lost=[[at(0.5)]])
    assert (found, api.posts) == ("mine", 1)


@pytest.mark.parametrize(
    "other",
    [
        at(0.5, remark="other"),
        at(0.5, backup_format="aof"),
        at(0.5, backup_type="auto"),
        at(-60.0),
        at(60.0),
        at(0.5, status=BackupStatus.DELETED),
    ],
    ids=["remark", "format", "automatic", "before the request", "after it can have been carried out", "gone"],
)
def test_a_lost_response_proves_nothing_else(other: BackupRecord) -> None:
    found, api, _ = create(lost=[[other]])
    assert (found, api.posts) == ("new", 2)


def test_a_lost_response_proves_nothing_of_what_was_there_before() -> None:
    found, api, _ = create([at(0.5)], lost=[[]])
    assert (found, api.posts) == ("new", 2)


def test_a_lost_response_and_two_that_fit_stop_it() -> None:
    with pytest.raises(UncertainOwnershipError, match="mine, other"):
        create(lost=[[at(0.5), at(0.6, backup_id="other")]])


def test_of_two_that_fit_anothers_is_not_taken() -> None:
    found, api, _ = create(attempt=Attempt(known="other"), lost=[[at(0.5), at(0.6, backup_id="other")]])
    assert (found, api.posts) == ("mine", 1)


def test_responses_that_stay_lost_end_in_an_error_that_says_so() -> None:
    with pytest.raises(CreateFailedError, match="whether a backup was started is not known") as caught:
        create(lost=[[], [], [], []])
    assert not caught.value.is_outcome_known


def test_the_journals_id_proves_it_where_the_state_knows_of_an_interrupted_create() -> None:
    found, api, _ = create([at(-250000.0), at(0.0, backup_id="other")], Attempt(Progress("mine")), INTERRUPTED)
    assert (found, api.posts) == ("mine", 0)


@pytest.mark.parametrize(
    ("records", "evidence"),
    [
        ([at(0.0)], Evidence()),
        ([at(0.0)], Evidence(1, {"mine": "urn"})),
        ([at(0.0, backup_id="other", remark="s")], INTERRUPTED),
        ([at(0.0, status=BackupStatus.EXPIRED)], INTERRUPTED),
    ],
    ids=["no interrupted create", "in the state", "another id", "expired"],
)
def test_the_journals_id_proves_nothing_else(records: list[BackupRecord], evidence: Evidence) -> None:
    found, api, _ = create(records, Attempt(Progress("mine")), evidence)
    assert (found, api.posts) == ("new", 1)


def test_a_retry_in_the_same_process_needs_no_state() -> None:
    found, api, state = create([at(0.0)], Attempt(Progress("mine"), is_retry=True), None)
    assert (found, api.posts, state.reads) == ("mine", 0, 0)


REQUEST = SentRequest(PLAIN.content, frozenset({"known"}), NOW - timedelta(hours=1), NOW - timedelta(minutes=59))


def test_the_journals_request_proves_the_one_that_fits() -> None:
    found, api, _ = create([at(-3590.0)], Attempt(Progress(request=REQUEST)), INTERRUPTED)
    assert (found, api.posts) == ("mine", 0)


@pytest.mark.parametrize(
    "other",
    [at(-3590.0, remark="other"), at(-3590.0, backup_id="known"), at(-3700.0), at(-3000.0)],
    ids=["remark", "known before", "before", "after"],
)
def test_the_journals_request_proves_nothing_else(other: BackupRecord) -> None:
    found, api, _ = create([other], Attempt(Progress(request=REQUEST)), INTERRUPTED)
    assert (found, api.posts) == ("new", 1)


def test_without_the_services_time_an_earlier_request_proves_nothing() -> None:
    timeless = replace(REQUEST, sent_at=None, until=None)
    with pytest.raises(UncertainOwnershipError, match="backup mine may be the one"):
        create([at(-3590.0)], Attempt(Progress(request=timeless)), INTERRUPTED)
    found, api, _ = create([], Attempt(Progress(request=timeless)), INTERRUPTED)
    assert (found, api.posts) == ("new", 1)


def test_an_unresolved_create_needs_no_interrupted_one() -> None:
    found, api, _ = create([at(-3590.0)], Attempt(Progress(request=REQUEST), is_unresolved=True))
    assert (found, api.posts) == ("mine", 0)


def test_a_create_that_the_engine_never_knew_of_is_gone_on_with() -> None:
    found, api, _ = create([at(-3590.0)], Attempt(Progress("mine"), is_known_to_engine=False))
    assert (found, api.posts) == ("mine", 0)


def test_one_that_it_knew_of_was_given_up() -> None:
    found, api, _ = create([at(-3590.0)], Attempt(Progress("mine")))
    assert (found, api.posts) == ("new", 1)


def test_an_unresolved_creates_backup_that_is_in_the_state_is_not_taken_over() -> None:
    attempt = Attempt(Progress(request=REQUEST), is_unresolved=True)
    found, api, _ = create([at(-3590.0)], attempt, Evidence(0, {"mine": "urn"}))
    assert (found, api.posts) == ("new", 1)


def test_a_create_that_does_not_know_what_it_has_made_is_left_unresolved() -> None:
    attempt = Attempt()
    with pytest.raises(CreateFailedError):
        create(attempt=attempt, lost=[[], [], [], []])
    assert attempt.left_unresolved
    assert attempt.progress.request is not None


def test_a_request_that_may_still_be_carried_out_counts_as_just_lost() -> None:
    clock_ahead = replace(REQUEST, sent_at=NOW, until=NOW + timedelta(seconds=10))
    attempt = Attempt(Progress(request=clock_ahead))
    found, api, _ = create([], attempt, INTERRUPTED, lost=[])
    assert (found, api.posts) == ("new", 1)
    assert api.clock.monotonic() > 10.0


def test_the_mark_proves_it_on_another_machine() -> None:
    found, api, _ = create([at(-250000.0, remark=f"r {MARK}")], evidence=INTERRUPTED, wanted=MARKED)
    assert (found, api.posts) == ("mine", 0)


@pytest.mark.parametrize(
    ("records", "evidence"),
    [
        ([at(0.0, remark=f"r {MARK}")], Evidence()),
        ([at(0.0, remark=f"r {MARK}")], Evidence(1, {"mine": "urn"})),
        ([at(0.0, remark=f"{MARK} r")], INTERRUPTED),
        ([at(0.0, remark="s")], INTERRUPTED),
    ],
    ids=["no interrupted create", "in the state", "not at the end", "another remark"],
)
def test_the_mark_proves_nothing_else(records: list[BackupRecord], evidence: Evidence) -> None:
    found, api, _ = create(records, evidence=evidence, wanted=MARKED)
    assert (found, api.posts) == ("new", 1)


@pytest.mark.parametrize(
    ("record", "wanted"),
    [
        (at(-250000.0), PLAIN),
        (at(0.0, remark=" r "), PLAIN),
        (at(0.0, remark=f"r {MARK}"), PLAIN),
        (at(0.0), MARKED),
        (at(0.0, remark=f"r {OTHER_MARK}"), MARKED),
    ],
    ids=["same remark", "trimmed", "marked then", "not marked then", "another generation"],
)
def test_without_proof_an_interrupted_create_and_what_may_be_its_backup_stop_it(
    record: BackupRecord, wanted: WantedBackup
) -> None:
    with pytest.raises(UncertainOwnershipError) as caught:
        create([record], evidence=INTERRUPTED, wanted=wanted)
    assert 'adopt_backup_id="mine"' in caught.value.advice
    assert "--clear-pending-creates" in caught.value.advice


@pytest.mark.parametrize(
    ("record", "evidence", "known"),
    [
        (at(0.0), Evidence(), ""),
        (at(0.0), Evidence(1, {"mine": "urn"}), ""),
        (at(0.0), INTERRUPTED, "mine"),
        (at(0.0, status=BackupStatus.FAILED), INTERRUPTED, ""),
        (at(0.0, backup_type="auto"), INTERRUPTED, ""),
        (at(0.0, backup_format="aof"), INTERRUPTED, ""),
        (at(0.0, remark="s"), INTERRUPTED, ""),
    ],
    ids=["not interrupted", "in the state", "another resource's", "failed", "automatic", "format", "remark"],
)
def test_what_can_not_be_it_does_not_stop_it(record: BackupRecord, evidence: Evidence, known: str) -> None:
    found, api, _ = create([record], Attempt(known=known), evidence)
    assert (found, api.posts) == ("new", 1)


def test_where_the_state_can_not_be_read_nothing_is_sent() -> None:
    for records, attempt in (([at(0.0)], Attempt()), ([], Attempt(Progress("mine")))):
        with pytest.raises(UncertainOwnershipError, match="no such command"):
            create(records, attempt, None)


def test_the_state_is_not_read_where_nothing_can_be_taken_over() -> None:
    found, _, state = create([at(0.0, remark="s")], evidence=None)
    assert (found, state.reads) == ("new", 0)


def test_others_are_asked_for_only_about_what_fits() -> None:
    attempt = Attempt()
    create([at(0.0, backup_id=str(number), remark="s") for number in range(20)], attempt)
    assert not attempt.asked

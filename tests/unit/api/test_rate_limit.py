"""How requests are spaced when the service limits them."""

from __future__ import annotations

import heapq
from collections import deque

import pytest
from pulumi_dcs.api.rate_limit import RateLimit

from tests.clocks import LeapingClock


def rate_limit() -> tuple[RateLimit, LeapingClock]:
    time = LeapingClock()
    return RateLimit(time), time


def test_while_nothing_is_refused_requests_leave_at_once() -> None:
    requests, _ = rate_limit()
    assert [requests.reserve() for _ in range(3)] == [0.0, 0.0, 0.0]
    requests.accepted()
    assert requests.spacing == 0.0


def test_after_a_429_nothing_leaves_before_the_moment_that_the_service_named() -> None:
    requests, _ = rate_limit()
    assert requests.refused(7.0) == 7.0
    assert requests.reserve() == 7.0
    assert requests.reserve() > 7.0


def test_a_429_after_a_quiet_moment_takes_nothing_from_the_best_second_of_late() -> None:
    requests, time = rate_limit()
    for _ in range(50):
        requests.accepted()
    time.now += 3.0
    requests.refused(None)
    assert 1 / 50 < requests.spacing <= 2 / 50


def test_further_429s_widen_the_spacing_as_far_as_the_evidence_goes() -> None:
    requests, time = rate_limit()
    for _ in range(50):
        requests.accepted()
    for _ in range(8):
        time.now += 1.1
        requests.refused(None)
    assert requests.spacing == pytest.approx(2 / 50)
    for _ in range(8):
        time.now += 1.1
        requests.refused(None)
    assert requests.spacing == 2.0


def test_for_a_minute_requests_keep_below_what_the_service_took_and_then_they_are_free_again() -> None:
    requests, time = rate_limit()
    for _ in range(50):
        requests.accepted()
    requests.refused(None)
    for _ in range(59 * 40):
        time.now += 1 / 40
        requests.accepted()
    assert requests.spacing > 1 / 50
    for _ in range(10 * 40):
        time.now += 1 / 40
        requests.accepted()
    assert requests.spacing == 0.0


def test_requests_that_left_together_count_as_one_refusal() -> None:
    requests, _ = rate_limit()
    for _ in range(20):
        requests.refused(None)
    assert requests.spacing <= 1 / 5 * 1.1


@pytest.mark.parametrize("limit", [3, 20, 50])
def test_after_the_first_burst_few_are_refused(limit: int) -> None:
    requests, time = rate_limit()
    accepted: deque[float] = deque()
    refused = 0
    # What comes next, of each of a thousand requests: whether it asks for leave (or else has it), and when.
    coming = [(time.now, number, True) for number in range(1000)]
    while coming:
        time.now, number, is_waiting = heapq.heappop(coming)
        while accepted and accepted[0] <= time.now - 1.0:
            accepted.popleft()
        if is_waiting:
            heapq.heappush(coming, (time.now + requests.reserve(), number, False))
        elif len(accepted) < limit:
            accepted.append(time.now)
            requests.accepted()
        else:
            refused += 1
            heapq.heappush(coming, (time.now + requests.refused(None), number, True))
    assert refused < (1000 - limit) + 100

"""Clocks that tests live by."""

from __future__ import annotations

from pulumi_dcs.api.clock import SystemClock


class FastClock(SystemClock):
    """Ten seconds of waiting pass in one."""

    def monotonic(self) -> float:
        return super().monotonic() * 10

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 10)


class LeapingClock(SystemClock):
    """Time passes in sleeps only, which take none, and when it is set; what is signed has the right date."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

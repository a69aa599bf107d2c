"""Measures each case by this provider and by the plain one, in turns, on one local endpoint."""

from __future__ import annotations

import contextlib
import statistics
import timeit
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.endpoint import LocalEndpoint

from .fleet import OURS, PLAIN, Cost, Fleet, fleet


@dataclass
class Results:
    """All samples: by case, by provider."""

    samples: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)

    def add(self, case: str, provider: str, cost: Cost, **more: Any) -> None:
        """Add a sample and print it."""
        sample = {**asdict(cost), **more, "fixed_loop": _fixed_loop()}
        self.samples.setdefault(case, {}).setdefault(provider, []).append(sample)
        print(f"{case}, {provider}: {cost.seconds:.2f} s {more or ''}", flush=True)


class Bench:
    """Measures on one endpoint with one engine.

    Args:
        turns: how often each case is run by each provider.
    """

    def __init__(self, engine: Path, endpoint: LocalEndpoint, turns: int) -> None:
        self._engine = engine
        self._endpoint = endpoint
        self._turns = turns
        self.results = Results()

    def warm_up(self) -> None:
        """Run each provider once, unmeasured: the first run of all reads everything from the disk."""
        for provider in (OURS, PLAIN):
            with self._new(provider, 1, 1) as one:
                one.up()

    def waiting(
        self, seconds: float, count: int, *, providers: tuple[str, ...] = (OURS, PLAIN), turns: int = 0
    ) -> None:
        """``count`` backups of that length, all at once."""
        for _ in range(turns or self._turns):
            for provider in providers:
                self._wait_for(_case(count, seconds), provider, seconds, count)

    def restoring(self, seconds: float, count: int) -> None:
        """``count`` restores of that length, all at once."""
        for _ in range(self._turns):
            for provider in (OURS, PLAIN):
                self._endpoint.reset()
                with fleet(self._engine, self._endpoint, provider, count, restores=True) as one:
                    self._endpoint.behave(restore_duration=seconds)
                    cost = one.up("--parallel", str(max(16, count)))
                    ends = {row["task_id"]: row["created"] + row["duration"] for row in self._endpoint.restores()}
                    self._add_wait(f"{count} restores of {seconds:g} s", provider, cost, _lags(one, ends))

    def not_compressed(self, seconds: float, count: int, turns: int) -> None:
        """The same by this provider, with an uncompressed state."""
        case = f"{_case(count, seconds)}, state not compressed"
        for _ in range(turns):
            self._wait_for(case, OURS, seconds, count, environment={"PULUMI_DIY_BACKEND_ZSTD": "false"})

    def limited(self, seconds: float, count: int, limit: int) -> None:
        """The same by this provider, at a service that accepts ``limit`` requests a second."""
        case = f"{_case(count, seconds)}, {limit} requests/s"
        self._wait_for(case, OURS, seconds, count, rate_limit=limit)

    def done_at_once(self, count: int, instances: int, *, turns: int = 0) -> None:
        """``count`` backups that are done at once: up, preview of no change, refresh."""
        for _ in range(turns or self._turns):
            with contextlib.ExitStack() as stack:
                fleets = {
                    provider: stack.enter_context(self._new(provider, count, instances)) for provider in (OURS, PLAIN)
                }
                for provider, one in fleets.items():
                    self.results.add(f"up of {count} done at once", provider, one.up())
                for _ in range(3):
                    for provider, one in fleets.items():
                        self.results.add(f"preview of {count} unchanged", provider, one.pulumi("preview"))
                    for provider, one in fleets.items():
                        cost = one.pulumi("refresh", "--yes", "--skip-preview")
                        self.results.add(f"refresh of {count} on {instances} instances", provider, cost)

    def state_writing(self, counts: tuple[int, ...]) -> None:
        """``up`` by this provider with the state written at each step, as usual, and at the end only."""
        for count in counts:
            with self._new(OURS, count, max(1, count // 20)) as one:
                self.results.add(f"state: up of {count}", "each step", one.up())
            with self._new(OURS, count, max(1, count // 20)) as one:
                one.environment |= {"PULUMI_SKIP_CHECKPOINTS": "true", "PULUMI_EXPERIMENTAL": "true"}
                self.results.add(f"state: up of {count}", "at the end only", one.up())

    @contextlib.contextmanager
    def _new(self, provider: str, count: int, instances: int) -> Iterator[Fleet]:
        with fleet(self._engine, self._endpoint, provider, count, instances) as made:
            self._endpoint.behave(duration=0.0)
            yield made

    def _wait_for(
        self,
        case: str,
        provider: str,
        seconds: float,
        count: int,
        *,
        rate_limit: int = 0,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._endpoint.reset()
        with fleet(self._engine, self._endpoint, provider, count) as one:
            one.environment.update(environment)
            self._endpoint.behave(duration=seconds, rate_limit=rate_limit)
            cost = one.up("--parallel", str(max(16, count)))
            ends = {row["backup_id"]: row["created"] + row["duration"] for row in self._endpoint.backups()}
            self._add_wait(case, provider, cost, _lags(one, ends))

    def _add_wait(self, case: str, provider: str, cost: Cost, lags: list[float]) -> None:
        """Add a sample of a case whose resources have waited for an end at the service."""
        self.results.add(
            case,
            provider,
            cost,
            requests_per_backup=round(sum(cost.requests.values()) / len(lags), 2),
            average_lag=round(sum(lags) / len(lags), 3),
            longest_lag=round(max(lags), 3),
        )


def _fixed_loop() -> float:
    """Seconds of a million additions, the median of nine: a shared machine is faster in one hour than in the next."""
    return statistics.median(
        timeit.repeat("for number in range(1_000_000): total += number", "total = 0", repeat=9, number=1)
    )


def _case(count: int, seconds: float) -> str:
    return f"{count} backup{'s' if count > 1 else ''} of {seconds:g} s"


def _lags(one: Fleet, ends: Mapping[str, float]) -> list[float]:
    """Seconds from each record's end at the service to the moment at which the engine had the create's response."""
    return [_moment(resource["created"]) - ends[str(resource["id"]).rpartition("/")[2]] for resource in one.resources()]


def _moment(text: str) -> float:
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = datetime.fromisoformat(whole).replace(tzinfo=timezone.utc).timestamp()
    return seconds + float(f"0.{fraction or 0}")

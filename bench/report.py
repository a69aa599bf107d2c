"""Tables, a sentence and a picture of what was measured, for README.md and the pages below docs/."""

from __future__ import annotations

import platform
import re
import statistics
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import psutil
from matplotlib import pyplot

from .fleet import OURS, PLAIN

Samples = dict[str, dict[str, list[dict[str, Any]]]]
MEGABYTE: Final = 1 << 20
PAGES: Final = ("README.md", "docs/performance.md", "docs/scale.md")
"""Where the parts stand, each between its own markers."""


def parts(samples: Samples, measured_on: str) -> dict[str, str]:
    """Everything that the pages show of these samples, by the name of its marker."""
    return {
        "summary": summary(samples),
        "ratios": ratio_table(samples),
        "requests": request_table(samples),
        "memory": memory_table(samples),
        "state": state_table(samples),
        "machine": f"Measured on {measured_on}, the endpoint on the same machine.",
        "speed": speed(samples),
    }


def summary(samples: Samples) -> str:
    """One sentence for the README."""
    small, large = "64 backups of 2 s", "256 backups of 20 s"
    ours, plain, fleet = (
        statistics.median(_seconds(samples[case][provider]))
        for case, provider in ((small, OURS), (small, PLAIN), (large, OURS))
    )
    return (
        f"Measured: {small} took {ours:.1f} s, where a plain dynamic provider that makes the same API calls took "
        f"{plain:.1f} s; {large} took {fleet:.1f} s."
    )


def ratio_table(samples: Samples) -> str:
    """Wall time by case: ours, the plain provider, and the ratio of each turn."""
    rows = []
    for case, by_provider in samples.items():
        if OURS not in by_provider:
            continue
        ours, plain = (_seconds(by_provider.get(provider, [])) for provider in (OURS, PLAIN))
        ratios = [a / b for a, b in zip(ours, plain, strict=False)]
        shown = [f"{f(ratios):.2f}" for f in (min, statistics.median, max)] if ratios else ["", "", ""]
        rows.append([case, _range(ours), _range(plain), *shown])
    return _table(["", "pulumi-dcs, s", "plain dynamic provider, s", "ratio: min", "median", "max"], rows)


def request_table(samples: Samples) -> str:
    """How many requests a backup took, and how soon its end was seen."""
    rows = []
    for case, by_provider in samples.items():
        waits = [sample for sample in by_provider.get(OURS, []) if "average_lag" in sample]
        if waits:
            requests, refused, average, longest = (
                max(sample[name] for sample in waits)
                for name in ("requests_per_backup", "refused", "average_lag", "longest_lag")
            )
            rows.append([case, f"{requests:g}", f"{refused}", f"{average:.3f} s", f"{longest:.3f} s"])
    return _table(
        ["pulumi-dcs", "requests per backup or restore", "refused with 429", "end to state: average", "longest"], rows
    )


def memory_table(samples: Samples) -> str:
    """Peak memory and threads."""
    sizes = ("host: pulumi-dcs", "host: plain", "all processes: pulumi-dcs", "all processes: plain")
    rows = []
    for case, by_provider in samples.items():
        if OURS not in by_provider:
            continue
        cells = []
        for measure in ("host_memory", "memory"):
            for provider in (OURS, PLAIN):
                runs = by_provider.get(provider, [])
                cells.append(f"{max(run[measure] for run in runs) / MEGABYTE:.0f} MB" if runs else "")
        rows.append([case, *cells, str(max(run["host_threads"] for run in by_provider[OURS]))])
    return _table(["", *sizes, "threads of our host"], rows)


def state_table(samples: Samples) -> str:
    """How much of ``up`` is spent on writing the state."""
    rows = []
    for case, by_way in samples.items():
        if case.startswith("state: "):
            each, end = (by_way[way][0]["seconds"] for way in ("each step", "at the end only"))
            rows.append([case.rpartition(" ")[2], f"{each:.1f}", f"{end:.1f}", f"{1 - end / each:.0%}"])
    header = ["backups in one stack", "`up`, s", "without writing the state at each step, s", "share of the writing"]
    return _table(header, rows)


def draw_scaling(samples: Samples, path: Path) -> None:
    """Wall time over the number of backups."""
    mpl.rcParams.update({"svg.hashsalt": "pulumi-dcs", "font.family": "sans-serif", "font.size": 11})
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for provider, label, colour in ((PLAIN, "plain dynamic provider", "#b3541e"), (OURS, "pulumi-dcs", "#1f5fa8")):
        points = []
        for case, by_provider in samples.items():
            match = re.fullmatch(r"(\d+) backups? of 2 s", case)
            if match and provider in by_provider:
                points.append((int(match[1]), statistics.median(_seconds(by_provider[provider]))))
        points.sort()
        axes.plot(*zip(*points, strict=True), marker="o", label=label, color=colour)
        axes.annotate(f"{points[-1][1]:.0f} s", points[-1], textcoords="offset points", xytext=(8, 0), color=colour)
    axes.set(xscale="log", yscale="log", xlabel="backups of 2 s in one `pulumi up`", ylabel="seconds")
    ticks = (1, 4, 16, 64, 256, 1000)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_yticks((1, 10, 100, 1000), ["1", "10", "100", "1,000"])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def machine() -> str:
    """The machine that runs the benchmark."""
    memory = psutil.virtual_memory().total / (1 << 30)
    return f"{psutil.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}"


def speed(samples: Samples) -> str:
    """How fast the machine was at the time of the runs."""
    all_runs = [run for by_provider in samples.values() for runs in by_provider.values() for run in runs]
    loops = [run["fixed_loop"] * 1000 for run in all_runs if "fixed_loop" in run]
    return (
        f"The same million additions in Python, timed beside {len(loops)} of the {len(all_runs)} runs, took "
        f"{statistics.median(loops):.0f} ms ({min(loops):.0f} to {max(loops):.0f})."
    )


def fill(path: Path, parts: dict[str, str]) -> None:
    """Put each part between ``<!-- bench: name -->`` and ``<!-- end -->``, if the page has that place."""
    text = path.read_text()
    for name, part in parts.items():
        place = re.compile(rf"(<!-- bench: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = place.sub(lambda found, part=part: f"{found[1]}{part}\n{found[2]}", text)  # type: ignore[misc]
    path.write_text(text)


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, *rows]
    written = ["| " + " | ".join(line) + " |" for line in lines]
    written.insert(1, "|" + "---|" * len(header))
    return "\n".join(written)


def _seconds(rows: list[dict[str, Any]]) -> list[float]:
    return [row["seconds"] for row in rows]


def _range(values: list[float]) -> str:
    if not values:
        return "not run"
    spread = f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
    return f"{statistics.median(values):.2f}{spread}"

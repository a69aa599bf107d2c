"""``make bench``: measure everything, write docs/performance.json, and the pages and the picture from it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from tests.endpoint import running_endpoint

from . import report
from .fleet import OURS, ROOT
from .measure import Bench


def main() -> None:
    """Measure the named parts; the others keep their last numbers."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure pulumi-dcs against a plain provider.")
    parser.add_argument(
        "parts", nargs="*", default=["fleet", "single", "thousand", "scaling", "long", "state", "restore"]
    )
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--tables-only", action="store_true", help="only write the pages from docs/performance.json")
    arguments = parser.parse_args()
    kept = ROOT / "docs" / "performance.json"
    samples = json.loads(kept.read_text())["samples"] if kept.exists() else {}
    if not arguments.tables_only:
        engine = Path(
            subprocess.run(
                [sys.executable, str(ROOT / "tools" / "engine.py")], stdout=subprocess.PIPE, text=True, check=True
            ).stdout.strip()
        )
        with running_endpoint() as endpoint:
            bench = Bench(engine, endpoint, arguments.turns)
            bench.warm_up()
            for part in arguments.parts:
                measure(bench, part)
                samples = {**samples, **bench.results.samples}
                kept.write_text(json.dumps({"machine": report.machine(), "samples": samples}, indent=1) + "\n")
    parts = report.parts(samples, json.loads(kept.read_text())["machine"])
    for page in report.PAGES:
        report.fill(ROOT / page, parts)
    report.draw_scaling(samples, ROOT / "docs" / "scaling.svg")
    print(parts["ratios"])


def measure(bench: Bench, part: str) -> None:
    """Measure one part."""
    if part == "fleet":
        bench.waiting(2, 64)
        bench.waiting(20, 256, providers=(OURS,))
        bench.not_compressed(20, 256, turns=2)
        bench.limited(20, 256, limit=50)
    elif part == "single":
        bench.waiting(0, 1)
        bench.waiting(20, 1, turns=1)
    elif part == "thousand":
        bench.done_at_once(1000, 50)
    elif part == "scaling":
        for count in (1, 4, 16):
            bench.waiting(2, count, turns=1)
        bench.waiting(2, 256, turns=1)
        bench.waiting(2, 1000, turns=1)
    elif part == "long":
        bench.waiting(600, 1, providers=(OURS,), turns=1)
    elif part == "restore":
        bench.restoring(2, 64)
    elif part == "state":
        bench.state_writing((100, 300, 1000, 3000))
    else:
        raise SystemExit(f"there is no part {part!r}")


if __name__ == "__main__":
    main()

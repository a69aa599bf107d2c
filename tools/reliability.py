"""Runs the tests of every kind of fault and writes docs/reliability.md from their results: ``make reliability``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "reliability.md"
ROWS: Final = {
    "1": ("POST: connection refused, DNS or TLS failure", "tried again while it can pass, then an error; nothing made"),
    "2": ("POST: connection lost or timed out after the service took it", "the list tells: exactly one backup"),
    "3": ("POST: 5xx, HTML, 200 without backup_id, body cut off", "as 2"),
    "4": ("429, with and without Retry-After", "waited for as told; other requests slow down too"),
    "5": ("400 with a busy code", "waited for, and said so, until the timeout; the error names the code"),
    "6": ("400 otherwise", "at once an error; no second try"),
    "7": ("401, 403", "at once an error; a wrong clock is named, and by how much it is wrong"),
    "8": ("polling: errors, time-outs, nonsense, a record missing for a while", "polling goes on until the timeout"),
    "9": ("the backup ends as failed", "an error with the cause; the record removed; the next up tries anew"),
    "10": ("the backup disappears while waiting", "an error; nothing in the state"),
    "11": ("the timeout passes while the backup runs", "an error; the backup stays in the state; the next up waits on"),
    "12": ("Ctrl-C, SIGTERM", "`pulumi up` ends; the backup in the state as in 11"),
    "13": ("kill -9 of the host, the engine, everything", "the next up on that machine takes the backup over"),
    "13b": ("the same, and the next up on another machine", "makes its own and warns; with `dcs:mark` as 13"),
    "14": ("delete: lost answer, 404, DCS.4031, busy, still being made, 5xx", "gone in the end, confirmed by a list"),
    "15": ("refresh: any API error", 'an error; never "gone"'),
    "16": ("lists: many pages, moving records, empty pages, odd fields", "read correctly; always ends"),
    "17": ("redirects, plain http, endless or huge answers", "refused, refused, bounded, bounded"),
    "18": ("two stacks or two resources on one instance at once", "each ends with its own backup"),
}


def main() -> None:
    """Run, read the report, write the page. Fail if a row has no test or a test failed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-n", "4", "-q", "-m", "row", f"--junitxml={report}", "tests"]
        subprocess.run(command, cwd=ROOT, check=False)
        results = read(report)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(results))
    bad = [row for row in ROWS if not results[row] or not all(passed for _, passed in results[row])]
    if bad:
        sys.exit(f"rows without a passing test: {', '.join(bad)}")


def read(report: Path) -> dict[str, list[tuple[str, bool]]]:
    """Read the tests of each row, and whether each test passed in all its variants."""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for case in ET.parse(report).iter("testcase"):
        file = case.get("classname", "").replace(".", "/")
        name = f"{file}.py::{case.get('name', '').partition('[')[0]}"
        passed = not any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))
        for tag in case.iter("property"):
            if tag.get("name") == "row":
                rows = found[str(tag.get("value"))]
                rows[name] = rows.get(name, True) and passed
    return defaultdict(list, {row: sorted(tests.items()) for row, tests in found.items()})


def page(results: dict[str, list[tuple[str, bool]]]) -> str:
    """Write the page."""
    lines = [
        "# Reliability",
        "",
        "Three invariants hold under every fault below:",
        "",
        "- There are never two backups for one declared generation.",
        "- Nothing is deleted that the stack's state does not hold.",
        "- Everything that a killed run left is in the state after the next successful `pulumi up`, or it is named.",
        "",
        "`provider/pulumi_dcs/operations/ownership.py` has the proofs by which an existing backup is taken over.",
        "",
        "`make reliability` writes this page from a run of the tests that it names. Besides them, random schedules of",
        "faults, kills and timeouts run in virtual time and on the real engine. `make soak` runs both for longer.",
        "",
        "What a killed run made and nobody declares any more is an orphan. Each preview and each `pulumi up` names it",
        "with its id and the two ways out, and a person decides: adopt it or delete it.",
        "",
        "| # | fault | what happens | result | tests |",
        "|---|---|---|---|---|",
    ]
    for row, (fault, outcome) in ROWS.items():
        tests = results[row]
        result = "passed" if tests and all(passed for _, passed in tests) else "**not shown**"
        names = "<br>".join(f"`{name.removeprefix('tests/')}`" for name, _ in tests)
        lines.append(f"| {row} | {fault} | {outcome} | {result} | {names} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
